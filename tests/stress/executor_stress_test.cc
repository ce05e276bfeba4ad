// SPDX-License-Identifier: Apache-2.0
// Many threads do everything at once; in the end each job was accepted or refused, and each
// accepted one ran once or was cancelled and never ran.
#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/executor/running.h"
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
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Random;

constexpr std::uint32_t kProducers = 8;
constexpr std::uint32_t kLanes = 3;
constexpr std::uint32_t kJobsPerLane = 40;
constexpr LaneId kOrdered{0};  // the lane with one worker
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 6, .lanes = kLanes, .jobs_per_lane = kJobsPerLane, .tasks = kLanes}>
    executor;
constexpr WorkerConfig kWorkers[] = {
    {.name = "a", .lane = kOrdered},  {.name = "b", .lane = LaneId{1}},
    {.name = "c", .lane = LaneId{1}}, {.name = "d", .lane = LaneId{2}},
    {.name = "e", .lane = LaneId{2}}, {.name = "f", .lane = LaneId{2}, .spin = 10us},
};

enum class Fate : std::uint8_t { refused, accepted, cancelled };

/// What one producer did and what became of it.
class Producer {
 public:
  Producer(std::uint32_t number, std::uint32_t steps)
      : random_(number), fates_(steps, Fate::refused), runs_(steps) {}

  void run() {
    for (std::uint32_t step = 0; step < fates_.size(); ++step) {
      const PostOptions options{.lane = LaneId{static_cast<std::uint32_t>(random_.below(kLanes))},
                                .priority = static_cast<Priority>(random_.below(4))};
      random_.one_in(2) ? post(step, options) : submit(step, options);
      if (random_.one_in(64)) ::sched_yield();
    }
    for (Slot& slot : slots_) end(slot);
  }

  /// Once the executor was stopped.
  void check() const {
    for (std::uint32_t step = 0; step < fates_.size(); ++step) {
      EXPECT_EQ(runs_[step].load(), fates_[step] == Fate::accepted ? 1 : 0, "step %u, fate %u",
                step, static_cast<unsigned>(fates_[step]));
    }
  }
  [[nodiscard]] std::uint64_t count(Fate fate) const {
    std::uint64_t sum = 0;
    for (const Fate each : fates_) sum += each == fate ? 1U : 0U;
    return sum;
  }

 private:
  /// A job whose handle is still here.
  struct Slot {
    JobHandle<std::uint32_t> handle;
    std::uint32_t step = 0;
  };

  void begin(std::uint32_t step, const PostOptions& options) noexcept {
    runs_[step].fetch_add(1);
    if (options.lane != kOrdered) return;
    // One worker: this is the only thread here, and the jobs of a level come in the order of posts.
    std::uint32_t& next = next_of_level_[static_cast<std::uint32_t>(options.priority)];
    EXPECT_GE(step, next);
    next = step + 1;
  }

  void post(std::uint32_t step, const PostOptions& options) {
    const auto status = executor.post([this, step, options] { begin(step, options); }, options);
    if (status.ok()) fates_[step] = Fate::accepted;
  }

  void submit(std::uint32_t step, const PostOptions& options) {
    auto job = executor.submit(
        [this, step, options] {
          begin(step, options);
          return step;
        },
        options);
    if (!job.ok()) return;
    fates_[step] = Fate::accepted;
    Slot& slot = slots_[static_cast<std::size_t>(random_.below(slots_.size()))];
    end(slot);
    slot.handle = std::move(*job);
    slot.step = step;
  }

  /// Waits for the slot's job, cancels it, or lets it go.
  void end(Slot& slot) {
    if (!slot.handle.valid()) return;
    switch (random_.below(4)) {
      case 0:
        EXPECT_EQ(*slot.handle.wait(), slot.step);
        break;
      case 1:
        if (slot.handle.cancel()) {
          fates_[slot.step] = Fate::cancelled;
          EXPECT_EQ(slot.handle.wait().code(), StatusCode::cancelled);
        }
        break;
      case 2:
        if (slot.handle.wait_for(std::chrono::microseconds(random_.below(50))).ok()) {
          EXPECT_EQ(slot.handle.state(), JobState::completed);
        }
        break;
      default:
        break;
    }
    slot.handle.detach();
  }

  Random random_;
  std::vector<Fate> fates_;
  std::vector<std::atomic<std::uint32_t>> runs_;
  std::array<Slot, 4> slots_;
  std::array<std::uint32_t, takt::kPriorityLevels> next_of_level_{};
};

TEST(ExecutorStress, loses_and_repeats_no_job) {
  std::array<std::atomic<std::uint64_t>, kLanes> ticks{};
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    ASSERT_OK(executor.add_task({.name = "tick", .lane = LaneId{lane}, .period = 1ms},
                                [&ticks, lane] { ++ticks[lane]; }));
  }
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  std::vector<Producer> producers;
  producers.reserve(kProducers);
  for (std::uint32_t number = 0; number < kProducers; ++number) {
    producers.emplace_back(number, takt::test::steps(20'000));
  }
  std::vector<std::thread> threads;
  threads.reserve(kProducers);
  for (Producer& producer : producers) threads.emplace_back([&producer] { producer.run(); });
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));

  std::uint64_t accepted = 0;
  for (const Producer& producer : producers) {
    producer.check();
    accepted += producer.count(Fate::accepted);
  }
  std::uint64_t released = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    const takt::TaskStats& stats = executor.task(lane).stats();
    EXPECT_EQ(stats.completed.get(), ticks[lane].load());
    EXPECT_EQ(stats.releases.get(), ticks[lane].load());
    released += stats.releases.get();
  }
  EXPECT_EQ(takt::test::jobs_run(executor), accepted + released);
  EXPECT_EQ(takt::test::jobs_cancelled(executor), 0);
  EXPECT_GT(accepted, 0);
}

// Whatever ended a job and whenever its handle went: in the end the lane accepts as many as ever.
TEST(ExecutorStress, gives_every_slot_back) {
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  {
    Producer producer(1, takt::test::steps(20'000));
    producer.run();
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
    producer.check();
  }
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  takt::test::Gate gate;
  takt::test::hold_worker(executor, gate, kOrdered);
  std::uint32_t accepted = 0;
  while (executor.post([] {}, {.lane = kOrdered}).ok()) ++accepted;
  EXPECT_EQ(accepted, kJobsPerLane - 1);
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
