// SPDX-License-Identifier: Apache-2.0
// Every form of posting from many threads and from jobs, while the executor is stopped and started
// again. In the end each post was rejected, or its job completed, failed, was cancelled or dropped:
// one of them, once, and the figures add up.
#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/executor/running.h"
#include "takt/tests/stress/recorded_job.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::JobState;
using takt::LaneId;
using takt::PostOptions;
using takt::Priority;
using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::StopMode;
using takt::WhenFull;
using takt::WorkerConfig;
using takt::WorkerId;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Random;
using takt::test::Record;
using Job = takt::test::RecordedJob;

constexpr std::uint32_t kProducers = 8;
constexpr std::uint32_t kLanes = 2;    // that producers post to
constexpr LaneId kBroadcast{kLanes};   // the third, for broadcasts alone
constexpr std::uint32_t kHandles = 2;  // that a producer keeps
// Few, so that lanes are full all the time, but more than handles can keep from everybody.
constexpr std::uint32_t kJobsPerLane = kProducers * kHandles + 4;
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 6, .lanes = kLanes + 1, .jobs_per_lane = kJobsPerLane, .tasks = 1}>
    executor;
constexpr WorkerConfig kWorkers[] = {
    {.name = "a", .lane = LaneId{0}},  {.name = "b", .lane = LaneId{1}},
    {.name = "x", .lane = kBroadcast}, {.name = "c", .lane = LaneId{1}},
    {.name = "y", .lane = kBroadcast}, {.name = "d", .lane = LaneId{0}, .spin = 10us},
};

PostOptions any_options(Random& random) {
  return {.lane = LaneId{static_cast<std::uint32_t>(random.below(kLanes))},
          .priority = static_cast<Priority>(random.below(4)),
          .when_full = static_cast<WhenFull>(random.below(3)),
          .wait_until = random.one_in(2) ? takt::kNever : takt::deadline_after(20us)};
}

class Producer {
 public:
  Producer(std::uint32_t number, std::uint32_t steps)
      : random_(number), steps_(steps), records_(3 * steps) {}

  void run() {
    for (std::uint32_t step = 0; step < steps_; ++step) {
      switch (random_.below(4)) {
        case 0:
          post(step);
          break;
        case 1: {
          const WorkerId worker{static_cast<std::uint32_t>(random_.one_in(2) ? 0 : 3)};
          static_cast<void>(executor.post_to(
              worker, [job = own(step)]() mutable { job.run(); }, any_options(random_)));
          break;
        }
        default:
          submit(step);
      }
      if (random_.one_in(16)) broadcast();
      progress.fetch_add(1);
    }
    for (Slot& slot : slots_) end(slot);
  }

  void check() const {
    for (const Record& record : records_) {
      // Those that never came to a post have not ended.
      EXPECT_LE(record.ends.load(), 1);
      EXPECT_LE(record.runs.load(), record.ends.load());
    }
  }
  [[nodiscard]] std::uint64_t posts() const { return sum(&Record::ends); }
  [[nodiscard]] std::uint64_t runs() const { return sum(&Record::runs); }
  [[nodiscard]] std::uint64_t cancelled() const { return cancelled_; }

  static inline std::atomic<std::uint64_t> progress{0};
  static inline std::atomic<std::uint64_t> given{0};
  static inline std::atomic<std::uint64_t> broadcast_runs{0};

 private:
  struct Slot {
    JobHandle<std::uint32_t> handle;
    std::uint32_t step = 0;
  };

  Job own(std::uint32_t step) { return Job(records_[step]); }

  [[nodiscard]] std::uint64_t sum(std::atomic<std::uint32_t> Record::*counter) const {
    std::uint64_t all = 0;
    for (const Record& record : records_) all += (record.*counter).load();
    return all;
  }

  /// A job that posts another one, which may find its own lane full.
  void post(std::uint32_t step) {
    static_cast<void>(executor.post(
        [job = own(step), this, step, seed = step ^ 0x5555U]() mutable {
          job.run();
          Random random(seed);
          PostOptions options = any_options(random);
          // Two lanes full of jobs that wait for room in each other would wait for ever.
          options.wait_until = takt::deadline_after(20us);
          static_cast<void>(executor.post(
              [child = Job(records_[steps_ + step])]() mutable { child.run(); }, options));
          if (random.one_in(8)) throw std::runtime_error("wanted");
        },
        any_options(random_)));
  }

  void submit(std::uint32_t step) {
    auto job = executor.submit(
        [job = own(step), step]() mutable {
          job.run();
          return step;
        },
        any_options(random_));
    if (!job.ok()) return;
    Slot& slot = slots_[static_cast<std::size_t>(random_.below(slots_.size()))];
    end(slot);
    slot.handle = std::move(*job);
    slot.step = step;
  }

  void end(Slot& slot) {
    JobHandle<std::uint32_t>& handle = slot.handle;
    if (!handle.valid()) return;
    const std::uint32_t step = slot.step;
    switch (random_.below(5)) {
      case 0: {
        const Result<std::uint32_t> result = handle.wait();
        EXPECT_TRUE(result.ok() ? *result == step
                                : result.code() == StatusCode::dropped ||
                                      result.code() == StatusCode::cancelled);
        break;
      }
      case 1: {
        const std::uint64_t before = Job::ended_here;
        EXPECT_TRUE(!handle.cancel() || handle.state() == JobState::cancelled ||
                    handle.state() == JobState::dropped);
        cancelled_ += Job::ended_here - before;  // 1: by this handle, not by a stop before
        break;
      }
      case 2:
        static_cast<void>(handle.wait_for(std::chrono::microseconds(random_.below(50))));
        break;
      case 3:
        static_cast<void>(handle.then(
            [job = Job(records_[2 * steps_ + step]), step](Result<std::uint32_t> result) mutable {
              job.run();
              if (result.ok()) EXPECT_EQ(*result, step);
            },
            any_options(random_)));
        break;
      default:
        break;
    }
    handle.detach();
  }

  static void broadcast() {
    const Result<std::uint32_t> result =
        executor.broadcast([] { broadcast_runs.fetch_add(1); }, {.lane = kBroadcast});
    if (result.ok()) given.fetch_add(*result);
  }

  Random random_;
  std::uint32_t steps_;
  std::vector<Record> records_;
  std::array<Slot, kHandles> slots_;
  std::uint64_t cancelled_ = 0;
};

/// What the workers' figures say; they begin anew with each start.
struct Figures {
  std::uint64_t jobs = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t broadcast_jobs = 0;
  std::uint64_t broadcast_cancelled = 0;

  void add() {
    for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
      const takt::WorkerStats& stats = executor.worker_stats(worker);
      const bool broadcast = kWorkers[worker].lane == kBroadcast;
      (broadcast ? broadcast_jobs : jobs) += stats.jobs.get();
      (broadcast ? broadcast_cancelled : cancelled) += stats.cancelled.get();
    }
  }
};

TEST(PostingStress, each_post_ends_in_one_way) {
  const std::uint32_t steps = takt::test::steps(8'000);
  constexpr std::uint32_t kRounds = 6;
  Figures figures;
  std::vector<Producer> producers;
  producers.reserve(kProducers);
  for (std::uint32_t number = 0; number < kProducers; ++number) {
    producers.emplace_back(number, steps);
  }
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  std::vector<std::thread> threads;
  threads.reserve(kProducers);
  std::atomic<std::uint32_t> left{kProducers};
  for (Producer& producer : producers) {
    threads.emplace_back([&producer, &left] {
      producer.run();
      --left;
    });
  }
  // The executor is stopped and started while they post.
  for (std::uint32_t round = 1; round < kRounds; ++round) {
    const std::uint64_t until = std::uint64_t{kProducers} * steps * round / kRounds;
    while (left.load() != 0 && Producer::progress.load() < until) ::sched_yield();
    ASSERT_OK(executor.stop(round % 2 == 0 ? StopMode::drain : StopMode::cancel, kPatience));
    figures.add();
    ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  figures.add();

  std::uint64_t posts = 0;
  std::uint64_t runs = 0;
  std::uint64_t cancelled = figures.cancelled;
  for (const Producer& producer : producers) {
    producer.check();
    posts += producer.posts();
    runs += producer.runs();
    cancelled += producer.cancelled();
  }
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    dropped += executor.lane_stats(LaneId{lane}).dropped.get();
    rejected += executor.lane_stats(LaneId{lane}).rejected.get();
  }
  EXPECT_EQ(figures.jobs, runs);
  EXPECT_EQ(posts, runs + cancelled + dropped + rejected);
  EXPECT_EQ(Producer::given.load(), figures.broadcast_jobs + figures.broadcast_cancelled);
  EXPECT_EQ(Producer::broadcast_runs.load(), figures.broadcast_jobs);
  EXPECT_GT(runs, 0);
  EXPECT_GT(dropped, 0);
  EXPECT_GT(rejected, 0);
  EXPECT_EQ(executor.lane_stats(kBroadcast).dropped.get(), 0);
  std::printf("%llu posts: %llu ran, %llu cancelled, %llu dropped, %llu rejected\n",
              static_cast<unsigned long long>(posts), static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(cancelled), static_cast<unsigned long long>(dropped),
              static_cast<unsigned long long>(rejected));

  // Every slot is free again.
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  takt::test::Gate gate;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    takt::test::hold_worker(executor, gate, LaneId{lane});
    takt::test::hold_worker(executor, gate, LaneId{lane});
    std::uint32_t accepted = 0;
    while (executor.post([] {}, {.lane = LaneId{lane}}).ok()) ++accepted;
    EXPECT_EQ(accepted, kJobsPerLane - 2);
  }
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
