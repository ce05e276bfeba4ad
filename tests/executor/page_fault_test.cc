// SPDX-License-Identifier: Apache-2.0
// Once each page was touched, a mixed load takes no page fault and allocates nothing: for a few
// seconds, or with TAKT_LOAD_SECONDS=60 for a minute (--config=deep).
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/fault_counter.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::JobContext;
using takt::LaneId;
using takt::Priority;
using takt::Result;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskHandle;
using takt::TimePoint;
using takt::WhenFull;
using takt::WorkerConfig;
using takt::WorkerId;
using takt::test::AllocationGuard;
using takt::test::FaultCounter;
using takt::test::Gate;
using takt::test::kPatience;
using takt::test::PageFaults;

constexpr LaneId kControl{0}, kWork{1}, kInput{2};
constexpr std::uint32_t kWorkers = 4;
constexpr std::uint32_t kSlots = 16;
takt::StaticExecutor<takt::ExecutorLimits{.workers = kWorkers,
                                          .lanes = 3,
                                          .jobs_per_lane = kSlots,
                                          .tasks = 5,
                                          .timers = 4,
                                          .descriptors = 1,
                                          .histograms = 2,
                                          .events_per_worker = 256}>
    executor;
constexpr WorkerConfig kConfigs[kWorkers] = {{.name = "control", .lane = kControl},
                                             {.name = "work 1", .lane = kWork},
                                             {.name = "work 2", .lane = kWork},
                                             {.name = "input", .lane = kInput}};

/// How long the load goes on.
Duration load_time() {
  const char* const text = std::getenv("TAKT_LOAD_SECONDS");
  const int seconds = text == nullptr ? 0 : std::atoi(text);
  return std::chrono::seconds(seconds > 0 ? seconds : 2);
}

/// A bit of everything that an executor does between start() and stop().
class Load {
 public:
  Load() {
    event_.here = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    const auto watched =
        executor.watch(kInput, event_.here, takt::Readiness::readable, [this] { take_event(); });
    const auto control = executor.add_task(
        {.name = "control", .lane = kControl, .period = 1ms, .budget = 500us, .histograms = true},
        [this](const JobContext& job) { steps_ += 1 + job.skipped; });
    const auto filter = executor.add_task({.name = "filter",
                                           .lane = kWork,
                                           .priority = Priority::high,
                                           .period = 3ms,
                                           .overrun = takt::Overrun::catch_up(2),
                                           .histograms = true},
                                          [this] { ++steps_; });
    const auto order = executor.add_sporadic_task(
        {.name = "order", .lane = kWork, .min_interarrival = 200us, .pending = 2},
        [this] { ++steps_; });
    EXPECT_OK(watched);
    EXPECT_OK(control);
    EXPECT_OK(filter);
    EXPECT_OK(order);
    if (filter.ok()) filter_ = *filter;
    if (order.ok()) order_ = *order;
  }

  void step() {
    post();
    submit();
    fill();
    change_tasks();
    put_event();
    EXPECT_OK(executor.pause(kWork));
    EXPECT_OK(executor.wait_paused_for(kWork, kPatience));
    EXPECT_OK(executor.resume(kWork));
    EXPECT_OK(executor.set_active_workers(kWork, 1));
    EXPECT_OK(executor.set_active_workers(kWork, 2));
    takt::platform::sleep_until(takt::deadline_after(500us));  // all workers sleep, too
  }

 private:
  void take_event() {
    std::uint64_t count = 0;
    if (::read(event_.here, &count, sizeof count) == sizeof count) events_.fetch_add(1);
  }
  void put_event() {
    const std::uint64_t seen = events_.load();
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(event_.here, &one, sizeof one), 8);
    takt::test::wait_until([&] { return events_.load() > seen; });
  }

  void post() {
    for (std::uint32_t i = 0; i < 8; ++i) {
      const auto job = [this] { ++posted_; };
      EXPECT_OK(executor.post(job, {.lane = LaneId{i % 3},
                                    .priority = static_cast<Priority>(i % takt::kPriorityLevels),
                                    .when_full = WhenFull::wait}));
    }
    EXPECT_OK(executor.post_to(WorkerId{2}, [this] { ++posted_; }, {.when_full = WhenFull::wait}));
    EXPECT_OK(executor.post_after(300us, [this] { ++posted_; },
                                  {.lane = kControl, .when_full = WhenFull::wait}));
    static_cast<void>(executor.broadcast([this] { ++posted_; }, {.lane = kWork}));
  }

  void submit() {
    const takt::PostOptions options{.lane = kWork, .when_full = WhenFull::wait};
    auto first = executor.submit([] { return 1; }, options);
    auto second = executor.submit([] { return 2; }, options);
    auto third = executor.submit([] { return 3; }, options);
    ASSERT_OK(first);
    ASSERT_OK(second);
    ASSERT_OK(third);
    static_cast<void>(second->cancel());
    EXPECT_OK(third->then([this](const Result<int>& result) { posted_ += result.ok() ? 1 : 0; },
                          {.lane = kControl, .when_full = WhenFull::wait}));
    const auto all = std::to_array<takt::JobHandleBase*>({&*first, &*second});
    EXPECT_OK(takt::wait_any(all));
    EXPECT_OK(takt::wait_all(all));
    EXPECT_EQ(*first->wait(), 1);
  }

  /// What a full lane does, and refusals with their messages.
  void fill() {
    Gate gate;
    takt::test::hold_worker(executor, gate, kControl);
    // In a level without tasks, which are not dropped, nor is what waits behind them.
    takt::PostOptions options{.lane = kControl, .priority = Priority::low};
    while (executor.post([this] { ++posted_; }, options).ok()) {
    }
    options.when_full = WhenFull::drop_oldest;
    EXPECT_OK(executor.post([this] { ++posted_; }, options));
    EXPECT_EQ(executor
                  .post([] {}, {.lane = kControl,
                                .when_full = WhenFull::wait,
                                .wait_until = takt::deadline_after(10us)})
                  .code(),
              StatusCode::timed_out);
    EXPECT_EQ(executor.post([] {}, {.lane = LaneId{7}}).code(), StatusCode::invalid_argument);
    EXPECT_EQ(executor.start(kConfigs).code(), StatusCode::failed_precondition);
  }

  void change_tasks() {
    EXPECT_OK(filter_.suspend());
    EXPECT_OK(filter_.resume());
    EXPECT_OK(filter_.set_period(round_ % 2 == 0 ? Duration(2ms) : Duration(3ms)));
    while (order_.release().ok()) {
    }
    auto late = executor.add_task({.name = "late", .lane = kWork, .period = 250us}, [] {});
    ASSERT_OK(late);
    EXPECT_OK(late->remove());
    ++round_;
  }

  takt::test::DescriptorPair event_;
  TaskHandle filter_;
  TaskHandle order_;
  std::uint64_t round_ = 0;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> posted_{0};
  std::atomic<std::uint64_t> events_{0};
};

TEST(PageFault, none_under_a_mixed_load_once_warm) {
  const Duration duration = load_time();
  takt::test::set_time_limit(duration + kPatience);
  AllocationGuard::prepare();
  if (!AllocationGuard::watches_system_calls()) SKIP("a sanitizer or an emulator faults, too");
  Load load;
  ASSERT_OK(executor.start(kConfigs, takt::test::kAnyMemory));
  if (executor.refused_memory_lock() != 0) {
    EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
    SKIP("the memory lock is refused here, errno %d", executor.refused_memory_lock());
  }
  for (int i = 0; i < 100; ++i) load.step();

  const auto faults_of = [](std::uint32_t worker) {
    return FaultCounter::of_thread(
        static_cast<pid_t>(executor.worker_stats(worker).thread_id.get()));
  };
  const std::array<FaultCounter, kWorkers> workers = {faults_of(0), faults_of(1), faults_of(2),
                                                      faults_of(3)};
  const FaultCounter process = FaultCounter::of_process();
  std::uint64_t rounds = 0;
  {
    const AllocationGuard guard;
    const TimePoint end = takt::deadline_after(duration);
    do {
      load.step();
      ++rounds;
    } while (takt::now() < end);
  }
  const PageFaults all = process.since_start();
  std::array<PageFaults, kWorkers> own{};
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    own[worker] = workers[worker].since_start();
  }
  const std::uint64_t jobs = takt::test::jobs_run(executor);
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    EXPECT_EQ(own[worker].minor, 0, "worker %u", worker);
    EXPECT_EQ(own[worker].major, 0, "worker %u", worker);
  }
  EXPECT_EQ(all.minor, 0);
  EXPECT_EQ(all.major, 0);
  std::printf("%llu rounds, %llu jobs\n", static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(jobs));
}

}  // namespace
