// SPDX-License-Identifier: Apache-2.0
// Everything that an executor can do, at random and at once: all forms of posting, handles, tasks
// that come, change and go, a watched descriptor, pauses, fewer workers, stops and restarts. In the
// end each post was rejected, or its job completed, failed, was cancelled or dropped: one of them,
// once, and the figures add up.
#include <sched.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/executor/running.h"
#include "takt/tests/stress/chaos_session.h"
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
using takt::WorkerId;
using takt::test::any_mode;
using takt::test::Chaos;
using takt::test::Figures;
using takt::test::kAnyMemory;
using takt::test::kBroadcast;
using takt::test::kHandles;
using takt::test::kJobsPerLane;
using takt::test::kLanes;
using takt::test::kLayouts;
using takt::test::kPatience;
using takt::test::kPosted;
using takt::test::kThreads;
using takt::test::Random;
using takt::test::Record;
using takt::test::RecordedJob;

takt::Executor& executor = takt::test::chaos_executor;

PostOptions any_options(Random& random) {
  // Bounded waits: two lanes full of jobs that wait for room in each other would wait for ever.
  return {.lane = LaneId{static_cast<std::uint32_t>(random.below(kLanes))},
          .priority = static_cast<Priority>(random.below(takt::kPriorityLevels)),
          .deadline = random.one_in(4) ? takt::deadline_after(50us) : takt::kNever,
          .when_full = static_cast<WhenFull>(random.below(3)),
          .wait_until = takt::deadline_after(20us)};
}

class Agent {
 public:
  Agent(Chaos& chaos, std::uint32_t number, std::uint32_t steps)
      : chaos_(&chaos), random_(number), steps_(steps), records_(3 * steps), tried_(3 * steps) {}

  void run() {
    for (std::uint32_t step = 0; step < steps_; ++step) {
      if (!executor.running() && random_.one_in(16)) chaos_->session.restart(random_);
      act(step);
    }
    for (Slot& slot : slots_) end(slot);
  }

  void check() const {
    for (std::size_t number = 0; number < records_.size(); ++number) {
      const Record& record = records_[number];
      EXPECT_EQ(record.ends.load(), tried_[number].load(), "job %zu", number);
      EXPECT_LE(record.runs.load(), record.ends.load(), "job %zu", number);
    }
  }
  [[nodiscard]] std::uint64_t posts() const {
    std::uint64_t sum = 0;
    for (const auto& tried : tried_) sum += tried.load();
    return sum;
  }
  [[nodiscard]] std::uint64_t runs() const {
    std::uint64_t sum = 0;
    for (const Record& record : records_) sum += record.runs.load();
    return sum;
  }
  [[nodiscard]] std::uint64_t cancelled() const { return cancelled_; }

 private:
  struct Slot {
    JobHandle<std::uint32_t> handle;
    std::uint32_t step = 0;
  };

  RecordedJob attempt(std::size_t number) {
    tried_[number].store(1);
    return RecordedJob(records_[number]);
  }
  void note(const Status& status) {
    if (!status.ok()) chaos_->rejected.fetch_add(1);
  }

  /// A job that posts another one, which may find its own lane full.
  auto parent(std::uint32_t step) {
    return [job = attempt(step), this, step, seed = random_.next()]() mutable {
      job.run();
      Random random(seed);
      note(executor.post([child = attempt(steps_ + step)]() mutable { child.run(); },
                         any_options(random)));
      if (random.one_in(1'024)) executor.request_stop(any_mode(random));
      if (random.one_in(8)) fail();
    };
  }
  void fail() {
    chaos_->thrown.fetch_add(1);
    throw std::runtime_error("wanted");
  }

  void act(std::uint32_t step) {
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
        return note(executor.post(parent(step), any_options(random_)));
      case 3:
        return note(executor.post_to(WorkerId{static_cast<std::uint32_t>(random_.below(kPosted))},
                                     parent(step), any_options(random_)));
      case 4:
        return note(executor.post_after(std::chrono::microseconds(random_.below(200)), parent(step),
                                        any_options(random_)));
      case 5:
        return broadcast();
      case 6:
        return random_.one_in(2) ? chaos_->tasks.add(random_) : chaos_->tasks.remove_any(random_);
      case 7:
        return chaos_->tasks.change_any(random_);
      case 8:
        return poke();
      case 9:
        if (random_.one_in(16)) return hinder();
        if (random_.one_in(32)) return stop();
        [[fallthrough]];
      default:
        return submit(step);
    }
  }

  void submit(std::uint32_t step) {
    auto job = executor.submit(
        [job = attempt(step), this, step]() mutable {
          job.run();
          if (step % 8 == 0) fail();
          return step;
        },
        any_options(random_));
    note(job.status());
    if (!job.ok()) return;
    Slot& slot = slots_[static_cast<std::size_t>(random_.below(slots_.size()))];
    end(slot);
    slot.handle = std::move(*job);
    slot.step = step;
  }

  void end(Slot& slot) {
    if (!slot.handle.valid()) return;
    JobHandle<std::uint32_t>& handle = slot.handle;
    const auto patience = std::chrono::microseconds(random_.below(50));
    const std::uint64_t before = RecordedJob::ended_here;
    switch (random_.below(6)) {
      case 0:
        if (const auto result = handle.wait_for(patience); result.ok()) {
          EXPECT_EQ(*result, slot.step);
        }
        break;
      case 1:
        static_cast<void>(handle.cancel());
        cancelled_ += RecordedJob::ended_here - before;  // 1: by this handle, not by a stop before
        break;
      case 2:
        static_cast<void>(handle.cancel_and_wait_for(patience));
        cancelled_ += RecordedJob::ended_here - before;
        break;
      case 3:
        return follow(slot);
      case 4:
        wait_for_any(patience);
        break;
      default:
        break;
    }
    look(slot);
    handle.detach();
  }

  /// What the handle says is what has happened.
  void look(const Slot& slot) {
    const JobState state = slot.handle.state();
    if (state == JobState::pending || state == JobState::running) return;
    const bool ran = state == JobState::completed || state == JobState::failed;
    EXPECT_EQ(records_[slot.step].runs.load(), ran ? 1 : 0);
    EXPECT_EQ(records_[slot.step].ends.load(), 1);
  }

  void follow(Slot& slot) {
    const std::uint32_t step = slot.step;
    note(slot.handle.then(
        [job = attempt(2 * steps_ + step), step](Result<std::uint32_t> result) mutable {
          job.run();
          if (result.ok()) EXPECT_EQ(*result, step);
        },
        any_options(random_)));
    slot.handle.detach();
  }

  void wait_for_any(takt::Duration patience) {
    std::array<takt::JobHandleBase*, kHandles> all{};
    std::size_t count = 0;
    for (Slot& slot : slots_) {
      if (slot.handle.valid()) all[count++] = &slot.handle;
    }
    const auto which = takt::wait_any_for(std::span(all.data(), count), patience);
    EXPECT_TRUE(which.ok() || which.code() == StatusCode::timed_out);
    static_cast<void>(takt::wait_all_for(std::span(all.data(), count), patience));
  }

  void broadcast() {
    const Result<std::uint32_t> result = executor.broadcast(
        [runs = &chaos_->broadcast_runs] { runs->fetch_add(1); }, {.lane = kBroadcast});
    if (result.ok()) chaos_->given.fetch_add(*result);
  }

  /// Makes the watched descriptor ready, or lets it rest for a moment.
  void poke() {
    if (random_.one_in(8)) EXPECT_OK(chaos_->watch.suspend());
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(chaos_->event.here, &one, sizeof one), 8);
    if (random_.one_in(4)) EXPECT_OK(chaos_->watch.resume());
  }

  /// Fewer workers, or none for a moment.
  void hinder() {
    const LaneId lane{static_cast<std::uint32_t>(random_.below(kLanes + 1))};
    const auto may_stop = [](const Status& status) {
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::failed_precondition ||
                  status.code() == StatusCode::timed_out);
    };
    if (random_.one_in(2)) {
      const Status status =
          executor.set_active_workers(lane, 1 + static_cast<std::uint32_t>(random_.below(2)));
      // One layout has only one worker for a lane.
      return status.code() == StatusCode::invalid_argument ? void() : may_stop(status);
    }
    may_stop(executor.pause(lane));
    may_stop(executor.wait_paused_for(lane, std::chrono::microseconds(random_.below(100))));
    if (random_.one_in(2)) ::sched_yield();
    may_stop(executor.resume(lane));
  }

  void stop() {
    if (random_.one_in(2)) {
      const Status status = executor.stop(any_mode(random_), random_.below(2) * 100us);
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::timed_out);
    }
    if (random_.one_in(2)) chaos_->session.restart(random_);
  }

  Chaos* chaos_;
  Random random_;
  std::uint32_t steps_;
  // Of each step: the job that was posted, its child, its continuation.
  std::vector<Record> records_;
  std::vector<std::atomic<std::uint32_t>> tried_;
  std::array<Slot, kHandles> slots_;
  std::uint64_t cancelled_ = 0;
};

/// As many jobs fit as ever.
void expect_all_slots_free() {
  ASSERT_OK(executor.start(kLayouts[0], kAnyMemory));
  takt::test::Gate gate;
  for (std::uint32_t lane = 0; lane <= kLanes; ++lane) {
    for (int worker = 0; worker < 2; ++worker) {
      takt::test::hold_worker(executor, gate, LaneId{lane});
    }
    std::uint32_t accepted = 0;
    while (executor.post([] {}, {.lane = LaneId{lane}}).ok()) ++accepted;
    EXPECT_EQ(accepted, kJobsPerLane - 2, "lane %u", lane);
  }
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
}

TEST(Chaos, every_job_ends_once) {
  const std::uint32_t steps = takt::test::steps(8'000);
  Chaos chaos(steps);
  chaos.event.here = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const auto watched =
      executor.watch(LaneId{0}, chaos.event.here, takt::Readiness::readable, [&chaos] {
        std::uint64_t count = 0;
        EXPECT_EQ(::read(chaos.event.here, &count, sizeof count), 8);
        chaos.descriptor_runs.fetch_add(1);
      });
  ASSERT_OK(watched);
  chaos.watch = *watched;
  std::vector<Agent> agents;
  agents.reserve(kThreads);
  for (std::uint32_t number = 0; number < kThreads; ++number) {
    agents.emplace_back(chaos, number, steps);
  }
  ASSERT_OK(executor.start(kLayouts[0], kAnyMemory));
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (Agent& agent : agents) threads.emplace_back([&agent] { agent.run(); });
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  Figures& figures = chaos.session.figures;
  figures.add();
  chaos.tasks.end();
  const takt::DescriptorStats& events = chaos.watch.stats();
  EXPECT_EQ(events.events.get(), events.completed.get() + events.cancelled.get());
  EXPECT_EQ(events.completed.get(), chaos.descriptor_runs.load());

  std::uint64_t posts = 0;
  std::uint64_t runs = 0;
  std::uint64_t cancelled = figures.cancelled - chaos.tasks.cancelled - events.cancelled.get();
  for (const Agent& agent : agents) {
    agent.check();
    posts += agent.posts();
    runs += agent.runs();
    cancelled += agent.cancelled();
  }
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    dropped += executor.lane_stats(LaneId{lane}).dropped.get();
    rejected += executor.lane_stats(LaneId{lane}).rejected.get();
  }
  EXPECT_EQ(figures.jobs,
            runs + chaos.tasks.run + chaos.tasks.failed + chaos.descriptor_runs.load());
  EXPECT_EQ(figures.failed, chaos.thrown.load() + chaos.tasks.failed);
  EXPECT_EQ(rejected, chaos.rejected.load());
  EXPECT_EQ(posts, runs + cancelled + dropped + rejected);
  EXPECT_EQ(chaos.given.load(), figures.broadcast_jobs + figures.broadcast_cancelled);
  EXPECT_EQ(chaos.broadcast_runs.load(), figures.broadcast_jobs);
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%llu posts: %llu ran (%llu failed), %llu cancelled, %llu dropped, %llu rejected; ",
              number(posts), number(runs), number(chaos.thrown), number(cancelled), number(dropped),
              number(rejected));
  std::printf("%llu releases, %llu events, %llu broadcast jobs, %llu restarts\n",
              number(chaos.tasks.releases), number(events.events.get()),
              number(figures.broadcast_jobs), number(chaos.session.starts));
  EXPECT_GT(runs, 0);
  // Where many steps were made, nothing adds up because it never was.
  struct Kind {
    const char* name;
    std::uint64_t count;
  };
  const Kind kinds[] = {{"failed", chaos.thrown.load()},
                        {"cancelled", cancelled},
                        {"dropped", dropped},
                        {"rejected", rejected},
                        {"releases", chaos.tasks.releases.load()},
                        {"jobs of tasks", chaos.tasks.run.load()},
                        {"events", events.completed.get()},
                        {"broadcast jobs", figures.broadcast_jobs},
                        {"starts", chaos.session.starts}};
  for (const Kind& kind : kinds) {
    if (steps >= 800) EXPECT_GT(kind.count, 0, "%s", kind.name);
  }
  EXPECT_OK(chaos.watch.remove());
  expect_all_slots_free();
}

}  // namespace
