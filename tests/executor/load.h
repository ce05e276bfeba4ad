// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_LOAD_H_
#define TAKT_TESTS_EXECUTOR_LOAD_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

// A mixed load, for tests of what an executor may not do between start() and stop(). Of its own it
// makes no system calls but futex, clock_nanosleep, and read and write of its descriptors.

namespace takt::test {

using namespace std::chrono_literals;

inline constexpr LaneId kControl{0}, kWork{1}, kInput{2};
inline constexpr std::uint32_t kLoadLanes = 3;
inline constexpr std::uint32_t kLoadWorkers = 4;
inline constexpr std::uint32_t kLoadSlots = 16;
inline StaticExecutor<ExecutorLimits{.workers = kLoadWorkers,
                                     .lanes = kLoadLanes,
                                     .jobs_per_lane = kLoadSlots,
                                     .tasks = 5,
                                     .timers = 4,
                                     .descriptors = 2,
                                     .histograms = 2,
                                     .events_per_worker = 256}>
    load_executor;
inline constexpr WorkerConfig kLoadConfigs[kLoadWorkers] = {{.name = "control", .lane = kControl},
                                                            {.name = "work 1", .lane = kWork},
                                                            {.name = "work 2", .lane = kWork},
                                                            {.name = "input", .lane = kInput}};

/// A bit of everything that an executor does between start() and stop().
class Load {
 public:
  /// `watches`: a lane of its own waits for descriptors.
  explicit Load(bool watches = true) : watches_(watches) {
    if (watches) watch();
    const auto control = load_executor.add_task(
        {.name = "control", .lane = kControl, .period = 1ms, .budget = 500us, .histograms = true},
        [this](const JobContext& job) { steps_ += 1 + job.skipped; });
    const auto filter = load_executor.add_task({.name = "filter",
                                                .lane = kWork,
                                                .priority = Priority::high,
                                                .period = 3ms,
                                                .overrun = Overrun::catch_up(2),
                                                .histograms = true},
                                               [this] { ++steps_; });
    const auto order = load_executor.add_sporadic_task(
        {.name = "order", .lane = kWork, .min_interarrival = 200us, .pending = 2},
        [this] { ++steps_; });
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
    if (watches_) {
      put_event();
      change_descriptors();
    }
    EXPECT_OK(load_executor.pause(kWork));
    EXPECT_OK(load_executor.wait_paused_for(kWork, kPatience));
    EXPECT_OK(load_executor.resume(kWork));
    EXPECT_OK(load_executor.set_active_workers(kWork, 1));
    EXPECT_OK(load_executor.set_active_workers(kWork, 2));
    platform::sleep_until(deadline_after(500us));  // all workers sleep, too
    ++rounds_;
  }

  /// Whether each kind of job has run.
  [[nodiscard]] bool each_kind_ran() const {
    return steps_.load() != 0 && posted_.load() != 0 && filter_.stats().completed.get() != 0 &&
           order_.stats().completed.get() != 0;
  }

  /// After many steps: `jobs` ran, all of them that the steps made, but a few of the last.
  void check(std::uint64_t jobs) const {
    // A step posts 10, of which it may drop one, has one that holds a worker, waits for one.
    constexpr std::uint64_t kWaiting = kLoadLanes * kLoadSlots;
    EXPECT_GE(jobs + kWaiting, 11 * rounds_);
    EXPECT_GE(posted_.load() + kWaiting, 9 * rounds_);
    EXPECT_EQ(events_.entries(), watches_ ? rounds_ : 0);
    EXPECT_TRUE(each_kind_ran());
  }
  [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }

 private:
  void watch() {
    for (DescriptorPair& event : events_of_) event.here = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    const auto watched = load_executor.watch(kInput, events_of_[0].here, Readiness::readable,
                                             [this] { take_event(); });
    EXPECT_OK(watched);
    if (watched.ok()) input_ = *watched;
  }
  void take_event() {
    std::uint64_t count = 0;
    if (::read(events_of_[0].here, &count, sizeof count) == sizeof count) events_.enter();
  }
  void put_event() {
    const std::uint32_t seen = events_.entries();
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(events_of_[0].here, &one, sizeof one), 8);
    events_.wait_for_entries(seen + 1);
  }
  void change_descriptors() {
    EXPECT_OK(input_.suspend());
    EXPECT_OK(input_.resume());
    auto other = load_executor.watch(kInput, events_of_[1].here, Readiness::readable, [] {});
    ASSERT_OK(other);
    EXPECT_OK(other->remove());
  }

  void post() {
    for (std::uint32_t i = 0; i < 8; ++i) {
      const auto job = [this] { ++posted_; };
      EXPECT_OK(load_executor.post(job, {.lane = LaneId{i % 3},
                                         .priority = static_cast<Priority>(i % kPriorityLevels),
                                         .when_full = WhenFull::wait}));
    }
    EXPECT_OK(
        load_executor.post_to(WorkerId{2}, [this] { ++posted_; }, {.when_full = WhenFull::wait}));
    EXPECT_OK(load_executor.post_after(300us, [this] { ++posted_; },
                                       {.lane = kControl, .when_full = WhenFull::wait}));
    static_cast<void>(load_executor.broadcast([this] { ++posted_; }, {.lane = kWork}));
  }

  void submit() {
    const PostOptions options{.lane = kWork, .when_full = WhenFull::wait};
    auto first = load_executor.submit([] { return 1; }, options);
    auto second = load_executor.submit([] { return 2; }, options);
    auto third = load_executor.submit([] { return 3; }, options);
    ASSERT_OK(first);
    ASSERT_OK(second);
    ASSERT_OK(third);
    static_cast<void>(second->cancel());
    EXPECT_OK(third->then([this](const Result<int>& result) { posted_ += result.ok() ? 1 : 0; },
                          {.lane = kControl, .when_full = WhenFull::wait}));
    const auto all = std::to_array<JobHandleBase*>({&*first, &*second});
    EXPECT_OK(wait_any(all));
    EXPECT_OK(wait_all(all));
    EXPECT_EQ(*first->wait(), 1);
  }

  /// What a full lane does, and refusals with their messages.
  void fill() {
    Gate gate;
    hold_worker(load_executor, gate, kControl);
    // In a level without tasks, which are not dropped, nor is what waits behind them.
    PostOptions options{.lane = kControl, .priority = Priority::low};
    while (load_executor.post([this] { ++posted_; }, options).ok()) {
    }
    options.when_full = WhenFull::drop_oldest;
    EXPECT_OK(load_executor.post([this] { ++posted_; }, options));
    EXPECT_EQ(load_executor
                  .post([] {}, {.lane = kControl,
                                .when_full = WhenFull::wait,
                                .wait_until = deadline_after(10us)})
                  .code(),
              StatusCode::timed_out);
    EXPECT_EQ(load_executor.post([] {}, {.lane = LaneId{7}}).code(), StatusCode::invalid_argument);
    EXPECT_EQ(load_executor.start(kLoadConfigs).code(), StatusCode::failed_precondition);
  }

  void change_tasks() {
    EXPECT_OK(filter_.suspend());
    EXPECT_OK(filter_.resume());
    EXPECT_OK(filter_.set_period(rounds_ % 2 == 0 ? Duration(2ms) : Duration(3ms)));
    while (order_.release().ok()) {
    }
    auto late = load_executor.add_task({.name = "late", .lane = kWork, .period = 250us}, [] {});
    ASSERT_OK(late);
    EXPECT_OK(late->remove());
  }

  const bool watches_;
  std::array<DescriptorPair, 2> events_of_;
  DescriptorHandle input_;
  TaskHandle filter_;
  TaskHandle order_;
  std::uint64_t rounds_ = 0;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> posted_{0};
  Gate events_;  // entered by the jobs of the first descriptor
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_LOAD_H_
