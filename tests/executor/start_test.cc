// SPDX-License-Identifier: Apache-2.0
// start(): which configs it rejects, and what the threads look like that it starts.
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "takt/platform/file_reader.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/text.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/platform/give_up_rights.h"
#include "takt/tests/support/child.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::LaneId;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;

takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2}> executor;
const WorkerConfig kTwoWorkers[] = {{.name = "one"}, {.name = "two", .lane = LaneId{1}}};

std::int32_t id_of(std::uint32_t worker) {
  return static_cast<std::int32_t>(executor.worker_stats(worker).thread_id.get());
}

// The limit is on whole pages of all that is locked: with exactly what start() says it is enough.
TEST(Start, says_how_much_memory_it_locks) {
  if (takt::test::kSanitizerRuntime) SKIP("sanitizers make mlock do nothing");
  if (takt::test::is_emulated()) SKIP("this emulator does not pass memory locks on");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  if (limit.rlim_max < (1 << 20)) SKIP("the hard RLIMIT_MEMLOCK is below 1 MiB");
  takt::test::run_in_child([&limit] {
    constexpr std::string_view kBefore = "start: cannot lock ";
    limit.rlim_cur = 4096;
    ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ASSERT_TRUE(takt::test::give_up_rights());
    const Status refused = executor.start(kTwoWorkers);
    ASSERT_TRUE(std::string_view(refused.text()).starts_with(kBefore), "%s", refused.text());
    limit.rlim_cur = std::strtoul(refused.text() + kBefore.size(), nullptr, 10);
    ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ASSERT_OK(executor.start(kTwoWorkers));
    EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  });
}

struct BadConfig {
  const char* name;
  WorkerConfig config;
  std::string_view text;
};
TEST_EACH(Start, rejects, BadConfig{"no_name", {}, "worker 1 '': a name has 1 to 15 characters"},
          BadConfig{"empty_name", {.name = ""}, "worker 1 '': a name has 1 to 15 characters"},
          BadConfig{"long_name",
                    {.name = "sixteen letters!"},
                    "worker 1 'sixteen letters!': a name has 1 to 15 characters"},
          BadConfig{"no_such_lane",
                    {.name = "bad", .lane = LaneId{2}},
                    "worker 1 'bad': no lane 2, there are 2 (ExecutorLimits::lanes)"},
          BadConfig{"negative_spin",
                    {.name = "bad", .spin = -1ns},
                    "worker 1 'bad': spin must not be negative"},
          BadConfig{"priority_0",
                    {.name = "bad", .scheduling = takt::Fifo{.priority = 0}},
                    "worker 'bad': SCHED_FIFO 0: priorities go from 1 to 99"},
          BadConfig{"no_such_cpu",
                    {.name = "bad", .cpus = CpuSet::of(1023)},
                    "worker 'bad': CPUs 1023 refused: offline or outside the cpuset"},
          BadConfig{"degrade_is_for_rights",
                    {.name = "bad", .cpus = CpuSet::of(1023), .on_denied = takt::OnDenied::degrade},
                    "worker 'bad': CPUs 1023 refused: offline or outside the cpuset"}) {
  const WorkerConfig workers[] = {{.name = "good"}, param.config};
  const Status status = executor.start(workers, kAnyMemory);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), param.text);
  EXPECT_FALSE(executor.running());
  EXPECT_EQ(executor.post([] {}).code(), StatusCode::failed_precondition);
  const Running running(executor, {{.name = "good"}});
  EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Start, rejects_a_count_beyond_the_limits) {
  const Status none = executor.start({});
  EXPECT_EQ(none.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(none.text()),
            "start: 0 workers given, 1 to 2 fit (ExecutorLimits::workers)");
  const WorkerConfig workers[] = {{.name = "one"}, {.name = "two"}, {.name = "three"}};
  const Status many = executor.start(workers);
  EXPECT_EQ(many.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(many.text()),
            "start: 3 workers given, 1 to 2 fit (ExecutorLimits::workers)");
}

TEST(Start, rejects_a_lane_of_more_workers_than_fit) {
  constexpr std::size_t kMany = takt::Lane::kMaxWorkers + 1;
  static takt::StaticExecutor<takt::ExecutorLimits{.workers = kMany, .stack_bytes = 4096}> wide;
  std::array<WorkerConfig, kMany> workers;
  workers.fill({.name = "one of many"});
  const Status status = wide.start(workers);
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), "start: lane 0 is given 32 workers, at most 31 fit");
}

TEST(Start, names_the_limit_of_a_stack_that_is_too_small) {
  static takt::StaticExecutor<takt::ExecutorLimits{.stack_bytes = 8192}> small;
  const WorkerConfig workers[] = {{.name = "worker"}};
  const Status status = small.start(workers, {.lock_memory = false});
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  const std::string_view text(status.text());
  EXPECT_TRUE(text.starts_with("worker 'worker': stack of "), "%s", status.text());
  EXPECT_TRUE(text.ends_with(" (ExecutorLimits::stack_bytes)"), "%s", status.text());
}

TEST(Start, rejects_a_task_in_a_lane_without_worker) {
  ASSERT_OK(executor.add_task({.name = "lost", .lane = LaneId{1}, .period = 1ms}, [] {}));
  const WorkerConfig workers[] = {{.name = "worker", .lane = LaneId{0}}};
  const Status status = executor.start(workers);
  EXPECT_EQ(status.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(status.text()),
            "start: task 'lost' is in lane 1, which has no worker");
}

TEST(Start, happens_once) {
  const Running running(executor, {{.name = "worker"}});
  const WorkerConfig workers[] = {{.name = "other"}};
  const Status again = executor.start(workers);
  EXPECT_EQ(again.code(), StatusCode::failed_precondition);
  EXPECT_EQ(std::string_view(again.text()), "start: the executor runs already");
  EXPECT_EQ(std::string_view(executor.worker_name(0)), "worker");
  EXPECT_TRUE(executor.running());
  EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Start, sets_the_epoch_while_it_runs) {
  const takt::TimePoint before = takt::now();
  const Running running(executor, {{.name = "worker"}});
  EXPECT_LE(before, executor.epoch());
  EXPECT_LE(executor.epoch(), takt::now());
}

TEST(Start, copies_the_configs) {
  std::array<char, 8> name{"worker"};
  std::array<WorkerConfig, 1> workers;
  workers[0] = {.name = name.data()};
  ASSERT_OK(executor.start(workers, kAnyMemory));
  name.fill('x');
  workers[0] = {.lane = LaneId{9}};
  EXPECT_EQ(std::string_view(executor.worker_name(0)), "worker");
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Start, names_the_threads) {
  const Running running(executor, {{.name = "first"}, {.name = "fifteen letters"}});
  EXPECT_EQ(executor.worker_count(), 2);
  constexpr std::string_view kNames[] = {"first\n", "fifteen letters\n"};
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    takt::Text<64> path;
    path << "/proc/self/task/" << id_of(worker) << "/comm";
    char buffer[64];
    const auto name = takt::platform::read_file(path.c_str(), buffer);
    ASSERT_OK(name);
    EXPECT_EQ(*name, kNames[worker]);
  }
}

TEST(Start, puts_each_worker_on_its_cpus) {
  const auto allowed = takt::platform::affinity();
  ASSERT_OK(allowed);
  const CpuSet first = CpuSet::of(allowed->first());
  const Running running(executor, {{.name = "pinned", .lane = LaneId{0}, .cpus = first},
                                   {.name = "free", .lane = LaneId{1}}});
  const auto cpus_of = [](LaneId lane) {
    return *executor
                .submit([] { return takt::platform::affinity()->kernel_mask()[0]; }, {.lane = lane})
                ->wait();
  };
  EXPECT_EQ(cpus_of(LaneId{0}), first.kernel_mask()[0]);
  EXPECT_EQ(cpus_of(LaneId{1}), allowed->kernel_mask()[0]);
}

TEST(Start, a_worker_that_spins_works_and_ends) {
  const Running running(executor, {{.name = "spins", .spin = 1h}});
  for (int i = 0; i < 100; ++i) ASSERT_OK(executor.submit([] {})->wait());
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(executor.worker_stats(0).sleeps.get(), 0);
}

TEST(Start, a_spinning_worker_releases_tasks) {
  std::atomic<int> ran{0};
  ASSERT_OK(executor.add_task({.name = "task", .period = 1ms}, [&ran] { ++ran; }));
  const Running running(executor, {{.name = "spins", .spin = 1h}});
  takt::test::wait_until([&] { return ran.load() >= 3; });
}

TEST(Start, workers_block_the_signals_of_others) {
  const Running running(executor, {{.name = "worker"}});
  EXPECT_OK(executor.submit([] {})->wait());
  const auto status = takt::platform::read_thread_status(id_of(0));
  ASSERT_OK(status);
  const auto blocks = [&](int signal) {
    return (status->blocked_signals >> (signal - 1) & 1) != 0;
  };
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    EXPECT_FALSE(blocks(fault), "signal %d", fault);
  }
  for (const int other : {SIGTERM, SIGINT, SIGALRM, SIGUSR1, SIGCHLD, SIGRTMAX}) {
    EXPECT_TRUE(blocks(other), "signal %d", other);
  }
}

TEST(Start, tells_how_deep_the_stacks_were_used) {
  const Running running(executor, {{.name = "worker"}});
  ASSERT_OK(executor.submit([] {})->wait());
  const std::size_t shallow = executor.stack_high_water(0);
  ASSERT_OK(executor
                .submit([] {
                  volatile char deep[8192];
                  for (volatile char& byte : deep) byte = 1;
                })
                ->wait());
  EXPECT_GT(shallow, 0);
  EXPECT_GE(executor.stack_high_water(0), shallow);
  EXPECT_GE(executor.stack_high_water(0), 8192);
  EXPECT_LE(executor.stack_high_water(0), executor.stack_bytes(0));
  EXPECT_GE(executor.stack_bytes(0), 64 * 1024);
}

}  // namespace
