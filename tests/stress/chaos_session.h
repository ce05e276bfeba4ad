// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_STRESS_CHAOS_SESSION_H_
#define TAKT_TESTS_STRESS_CHAOS_SESSION_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <mutex>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/stress/chaos_tasks.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

// What the threads of the chaos test share: the executor, who stops and starts it, what was
// counted.

namespace takt::test {

using namespace std::chrono_literals;

inline constexpr std::uint32_t kThreads = 8;
inline constexpr std::uint32_t kLanes = 2;    // of posts, tasks and the descriptor
inline constexpr LaneId kBroadcast{kLanes};   // the third, for broadcasts alone
inline constexpr std::uint32_t kHandles = 2;  // that a thread keeps
// Few, so that lanes are full now and then, but more than handles can keep from everybody.
inline constexpr std::uint32_t kJobsPerLane = kThreads * kHandles + 4;
inline StaticExecutor<ExecutorLimits{.workers = 6,
                                     .lanes = kLanes + 1,
                                     .jobs_per_lane = kJobsPerLane,
                                     .tasks = 10,
                                     .timers = 6,
                                     .descriptors = 1,
                                     .histograms = 1,
                                     .events_per_worker = 64}>
    chaos_executor;
inline constexpr std::uint32_t kWorkers = 6;
using Layout = std::array<WorkerConfig, kWorkers>;
// Workers of one start serve another lane after the next.
inline constexpr Layout kLayouts[] = {
    {{{.name = "a", .lane = LaneId{0}},
      {.name = "b", .lane = LaneId{1}},
      {.name = "c", .lane = LaneId{1}},
      {.name = "d", .lane = LaneId{0}, .spin = 10us},
      {.name = "x", .lane = kBroadcast},
      {.name = "y", .lane = kBroadcast}}},
    {{{.name = "e", .lane = LaneId{1}},
      {.name = "f", .lane = LaneId{0}},
      {.name = "g", .lane = LaneId{1}},
      {.name = "h", .lane = LaneId{1}},
      {.name = "x", .lane = kBroadcast},
      {.name = "y", .lane = kBroadcast}}},
};
inline constexpr std::uint32_t kPosted = 4;  // workers that post_to() aims at

/// What the workers' figures say; they begin anew with each start.
struct Figures {
  std::uint64_t jobs = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t broadcast_jobs = 0;
  std::uint64_t broadcast_cancelled = 0;

  void add() {
    for (std::uint32_t worker = 0; worker < chaos_executor.worker_count(); ++worker) {
      const WorkerStats& stats = chaos_executor.worker_stats(worker);
      const bool broadcast = worker >= kPosted;
      (broadcast ? broadcast_jobs : jobs) += stats.jobs.get();
      (broadcast ? broadcast_cancelled : cancelled) += stats.cancelled.get();
      failed += stats.failed.get();
    }
  }
};

inline StopMode any_mode(Random& random) {
  return random.one_in(2) ? StopMode::drain : StopMode::cancel;
}

/// Who stops and starts: each start's figures are read before the next one.
class Session {
 public:
  void restart(Random& random) {
    const std::lock_guard lock(mutex_);
    if (chaos_executor.running() && !random.one_in(4)) return;  // another thread was first
    ASSERT_OK(chaos_executor.stop(any_mode(random), kPatience));
    figures.add();
    ASSERT_OK(chaos_executor.start(kLayouts[random.below(std::size(kLayouts))], kAnyMemory));
    ++starts;
  }

  Figures figures;
  std::uint64_t starts = 0;

 private:
  std::mutex mutex_;
};

/// What all threads share.
struct Chaos {
  explicit Chaos(std::uint32_t steps) : tasks(chaos_executor, kThreads * steps, kLanes) {}

  Session session;
  ChaosTasks tasks;
  DescriptorPair event;
  DescriptorHandle watch;
  std::atomic<std::uint64_t> descriptor_runs{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> thrown{0};
  std::atomic<std::uint64_t> given{0};
  std::atomic<std::uint64_t> broadcast_runs{0};
};

}  // namespace takt::test

#endif  // TAKT_TESTS_STRESS_CHAOS_SESSION_H_
