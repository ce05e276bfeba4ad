// SPDX-License-Identifier: Apache-2.0
// Which system calls a started executor makes.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/load.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/seccomp_allow.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::LaneId;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::kSystemCallsAfterStart;
using takt::test::SeccompAllow;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3, .lanes = 2, .descriptors = 2}> executor;
constexpr WorkerConfig kWorkers[] = {{.name = "one", .lane = kFirst},
                                     {.name = "two", .lane = kSecond},
                                     {.name = "three", .lane = kSecond, .spin = 20us}};

/// Whether seccomp works here, tried where the filter does no harm.
bool seccomp_works() {
  return takt::test::run_in_child([] {
           const SeccompAllow allow(kSystemCallsAfterStart);
           ::_exit(allow.enforced() ? 0 : 1);
         })
      .exited_with(0);
}

#define SKIP_UNLESS_SECCOMP_WORKS()                                 \
  if (!seccomp_works()) {                                           \
    SKIP("no seccomp filter here: under qemu-user or a sanitizer"); \
  }

Gate ticks;  // of the task

/// Posts, waits and tasks of both lanes, each of which sleeps in between.
void use_everything() {
  for (int i = 0; i < 20; ++i) {
    auto job = executor.submit([i] { return i; }, {.lane = i % 2 == 0 ? kFirst : kSecond});
    ASSERT_OK(job);
    EXPECT_EQ(*job->wait(), i);
  }
  Gate gate;
  takt::test::hold_worker(executor, gate, kFirst);
  auto job = executor.submit([] {}, {.lane = kFirst});
  ASSERT_OK(job);
  EXPECT_EQ(job->wait_for(1ms).code(), StatusCode::timed_out);
  gate.open();
  EXPECT_OK(job->wait());
  ticks.wait_for_entries(ticks.entries() + 5);
}

/// A process that stops and continues this one again and again, until told to end.
class Stopper {
 public:
  Stopper() {
    void* const page =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared_ = ::new (page) Shared;
    const pid_t parent = ::getpid();
    if (::fork() == 0) torment(parent);
  }
  void begin() noexcept { shared_->begun.store(1); }
  void end() noexcept { shared_->over.store(1); }
  [[nodiscard]] std::uint32_t stops() const noexcept { return shared_->stops.load(); }

 private:
  struct Shared {
    std::atomic<std::uint32_t> begun{0};
    std::atomic<std::uint32_t> over{0};
    std::atomic<std::uint32_t> stops{0};
  };

  [[noreturn]] void torment(pid_t parent) noexcept {
    while (shared_->begun.load() == 0) ::sched_yield();
    while (shared_->over.load() == 0 && ::getppid() == parent) {
      ::kill(parent, SIGSTOP);
      for (int i = 0; i < 10; ++i) ::sched_yield();
      ::kill(parent, SIGCONT);
      shared_->stops.fetch_add(1);
      for (int i = 0; i < 10; ++i) ::sched_yield();
    }
    ::_exit(0);
  }

  Shared* shared_;
};

TEST(SystemCall, only_the_listed_ones_after_start) {
  SKIP_UNLESS_SECCOMP_WORKS();
  Stopper stopper;
  ASSERT_OK(
      executor.add_task({.name = "task", .lane = kSecond, .period = 1ms}, [] { ticks.enter(); }));
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  {
    const SeccompAllow allow(kSystemCallsAfterStart);
    EXPECT_TRUE(allow.enforced());
    use_everything();
    stopper.begin();
    for (int i = 0; i < 10 || stopper.stops() < 20; ++i) use_everything();
    stopper.end();
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(SystemCall, only_those_of_the_design_on_lanes_that_watch) {
  SKIP_UNLESS_SECCOMP_WORKS();
  Stopper stopper;
  const takt::test::Pipe pipe;
  Gate bytes;
  const auto count = [&] {
    if (takt::test::take_byte(pipe.here)) bytes.enter();
  };
  ASSERT_OK(
      executor.add_task({.name = "task", .lane = kSecond, .period = 1ms}, [] { ticks.enter(); }));
  for (const LaneId lane : {kFirst, kSecond}) {  // who is first takes the byte
    ASSERT_OK(executor.watch(lane, pipe.here, takt::Readiness::readable, count));
  }
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  {
    const SeccompAllow allow(takt::test::kSystemCallsOfWatchingLanes);
    EXPECT_TRUE(allow.enforced());
    stopper.begin();
    for (int i = 0; i < 10 || stopper.stops() < 20; ++i) {
      use_everything();
      const std::uint32_t before = bytes.entries();
      pipe.put();
      bytes.wait_for_entries(before + 1);
      auto handle = executor.task(0);
      EXPECT_OK(handle.suspend());
      EXPECT_OK(handle.resume());
    }
    stopper.end();
  }
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

// Everything else that a started executor can do; with a lane that watches, and without.
TEST_EACH(SystemCall, only_the_listed_ones_under_a_mixed_load, false, true) {
  SKIP_UNLESS_SECCOMP_WORKS();
  Stopper stopper;
  takt::Executor& loaded = takt::test::load_executor;
  takt::test::Load load(param);
  ASSERT_OK(loaded.start(takt::test::kLoadConfigs, takt::test::kAnyMemory));
  {
    const SeccompAllow allow(param ? takt::test::kSystemCallsOfWatchingLanes
                                   : takt::test::kSystemCallsAfterStart);
    EXPECT_TRUE(allow.enforced());
    stopper.begin();
    while (load.rounds() < 10 || stopper.stops() < 20 || !load.each_kind_ran()) load.step();
    stopper.end();
  }
  load.check(takt::test::jobs_run(loaded));
  EXPECT_OK(loaded.stop(StopMode::drain, kPatience));
}

// The worker is awake, in a job: who posts makes no system call at all. (Where the vDSO does not
// serve the clock, reading it is one.)
TEST(SystemCall, none_to_post_to_a_worker_that_is_awake) {
  SKIP_UNLESS_SECCOMP_WORKS();
  ASSERT_OK(executor.start(kWorkers, takt::test::kAnyMemory));
  std::atomic<bool> begun{false};
  std::atomic<bool> over{false};
  std::atomic<int> ran{0};
  ASSERT_OK(executor.post([&] {
    begun.store(true);
    while (!over.load()) {
    }
  }));
  wait_until([&] { return begun.load(); });
  int accepted = 0;
  {
    constexpr long kOnlyTheClock[] = {
      __NR_clock_gettime,
#if defined(__NR_clock_gettime64)
      __NR_clock_gettime64,
#endif
    };
    const SeccompAllow allow(kOnlyTheClock, SeccompAllow::Scope::calling_thread);
    while (executor.post([&ran] { ++ran; }).ok()) ++accepted;
    EXPECT_TRUE(allow.enforced());
  }
  EXPECT_EQ(accepted, takt::ExecutorLimits{}.jobs_per_lane - 1);
  over.store(true);
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_EQ(ran.load(), accepted);
}

}  // namespace
