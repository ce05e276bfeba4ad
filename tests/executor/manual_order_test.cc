// SPDX-License-Identifier: Apache-2.0
// One script on threads and in virtual time: the same answers, the same order of jobs. Real time is
// made harmless by a gate: nothing runs before all of the script has happened and all of its times
// have passed.
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::Executor;
using takt::JobHandle;
using takt::LaneId;
using takt::Overrun;
using takt::Priority;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskHandle;
using takt::TimePoint;
using takt::WorkerId;
using takt::WorkerState;
using takt::test::Gate;
using takt::test::jobs_run;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Random;
using takt::test::wait_until;

constexpr takt::ExecutorLimits kLimits{.workers = 2, .jobs_per_lane = 16, .tasks = 7, .timers = 5};
constexpr LaneId kLane{0};
constexpr takt::WorkerConfig kWorker{.name = "worker"};
/// The second never takes a job.
constexpr std::array kWorkers{kWorker, takt::WorkerConfig{.name = "benched"}};
/// All times of a script lie within it, after the epoch or after what it does.
constexpr Duration kSpan = 1ms;

takt::StaticExecutor<kLimits> threaded;
takt::ManualExecutor<kLimits> manual;

/// What a script is about.
enum class About {
  releases,  ///< among other things releases by time
  pauses,    ///< pauses of the lane, which cover releases by time
};

/// One script, the same for the same seed: what it does, and what came of it.
class Script {
 public:
  /// `hold` is what the first job does, in a script about releases.
  template <class Hold>
  Script(Executor& executor, std::uint64_t seed, About about, Hold hold)
      : executor_(executor), random_(seed), pauses_(about == About::pauses) {
    if (!pauses_) add({.name = "hold", .priority = Priority::critical, .period = 1h}, hold);
    // A level of their own: a slow machine may see their releases before the first job begins.
    for (std::uint64_t number = 0; number < 3; ++number) {
      // Of what a pause covers slip() alone is released then: at its end, in a new phase.
      add({.name = "periodic",
           .priority = Priority::high,
           .period = 1h,
           .offset = random_.between(1, 8) * 10us,
           .overrun = pauses_ && number == 0 ? Overrun::slip() : Overrun::skip()},
          [this, number] { note("p", number); });
      if (pauses_) EXPECT_OK(tasks_.back().suspend());
    }
    for (std::uint64_t number = 0; number < 3; ++number) {
      auto task =
          executor_.add_sporadic_task({.name = "sporadic",
                                       .priority = level(),
                                       .min_interarrival = 1us,
                                       .pending = static_cast<std::uint32_t>(random_.below(4))},
                                      [this, number] { note("s", number); });
      EXPECT_OK(task);
      sporadic_.push_back(*task);
      tasks_.push_back(*task);
    }
  }

  /// While the first job holds the worker.
  void play() {
    // Not before: who looks at the timers is held now.
    if (pauses_) {
      for (std::size_t periodic = 0; periodic < 3; ++periodic) EXPECT_OK(tasks_[periodic].resume());
    }
    for (std::uint64_t left = 10 + random_.below(15); left > 0; --left) {
      if (pauses_ && random_.one_in(3)) {
        change_workers();
      } else {
        act();
      }
    }
    if (pauses_) note(executor_.pause(kLane));
  }
  /// When all times of the script have passed.
  void resume() { note(executor_.resume(kLane)); }
  /// A job has paused the lane: how many had ended then.
  void resume_after_job() {
    EXPECT_OK(executor_.wait_paused_for(kLane, kPatience));
    note("paused", jobs_run(executor_));
    EXPECT_OK(executor_.resume(kLane));  // jobs write the transcript from here on
  }
  /// Has the executor forget the script.
  void end() {
    handles_.clear();
    for (TaskHandle& task : tasks_) EXPECT_OK(task.remove());
  }
  [[nodiscard]] const std::string& transcript() const { return transcript_; }

 private:
  void note(const char* what, std::uint64_t number) {
    transcript_ += ' ';
    transcript_ += what;
    transcript_ += std::to_string(number);
  }
  void note(const takt::Status& status) { note(status.ok() ? "+" : to_string(status.code()), 0); }

  template <class Function>
  void add(const takt::TaskConfig& config, Function function) {
    auto task = executor_.add_task(config, std::move(function));
    EXPECT_OK(task);
    tasks_.push_back(*task);
  }

  Priority level() {
    constexpr Priority kLevels[] = {Priority::critical, Priority::normal, Priority::low};
    return kLevels[random_.below(3)];
  }

  auto job() {
    return [this, number = next_job_++] {
      note("j", number);
      // Jobs act, too, but not for ever, and not where the answer depends on their duration.
      if (next_job_ > 60) return;
      if (pauses_ && random_.one_in(4)) note(executor_.pause(kLane));
      for (std::uint64_t left = random_.below(3); left > 0; --left) act_at_ease();
    };
  }

  void act_at_ease() {
    if (random_.one_in(3) && !handles_.empty()) {
      const auto which = static_cast<std::size_t>(random_.below(handles_.size()));
      note(handles_[which].cancel() ? "cancelled" : "too_late", which);
    } else if (random_.one_in(3)) {
      auto handle = executor_.submit(job(), {.priority = level()});
      note(handle.status());
      if (handle.ok()) handles_.push_back(std::move(*handle));
    } else {
      note(executor_.post(job(), {.priority = level()}));
    }
  }

  void change_workers() {
    switch (random_.below(4)) {
      case 0:
        note(executor_.pause(kLane));
        break;
      case 1:
        note(executor_.resume(kLane));
        break;
      case 2:
        note(executor_.wait_paused_for(kLane, 0ns));
        break;
      default:  // 1 is what there is
        note(executor_.set_active_workers(kLane, random_.one_in(2) ? 1 : 3));
    }
    note("active", executor_.active_workers(kLane));
  }

  void act() {
    TaskHandle& task = sporadic_[static_cast<std::size_t>(random_.below(sporadic_.size()))];
    switch (random_.below(6)) {
      case 0:
        note(executor_.post_at(executor_.epoch() + random_.between(0, 9) * (kSpan / 10), job(),
                               {.priority = level()}));
        break;
      case 1:
      case 2:
        note(task.release());
        break;
      case 3:
        note(random_.one_in(4) ? task.suspend() : task.resume());
        break;
      default:
        act_at_ease();
    }
  }

  Executor& executor_;
  Random random_;
  const bool pauses_;
  std::string transcript_;
  std::uint64_t next_job_ = 0;
  std::vector<TaskHandle> tasks_;
  std::vector<TaskHandle> sporadic_;
  std::vector<JobHandle<void>> handles_;
};

/// What came of a script.
struct Outcome {
  std::string transcript;
  std::uint64_t jobs = 0;
  int pauses = 0;  // by jobs
};

/// Has the first worker, and no other, work from now on; posts it the job that holds it.
template <class Wait, class Hold>
void bench_second(Executor& executor, const Wait& wait, Hold hold) {
  EXPECT_OK(executor.set_active_workers(kLane, 1));
  wait();
  EXPECT_TRUE(executor.worker_activity(1).state() == WorkerState::paused);
  EXPECT_OK(executor.post_to(WorkerId{0}, hold));
}

Outcome play_manually(std::uint64_t seed, About about) {
  Outcome outcome;
  manual.set_execution_time(2 * kSpan);
  Script script(manual, seed, about, [] {});
  if (about == About::pauses) {
    EXPECT_OK(manual.start(kWorkers));
    bench_second(
        manual, [] { manual.run_for(0ns); }, [] {});
  } else {
    EXPECT_OK(manual.start({&kWorker, 1}));
  }
  EXPECT_TRUE(manual.step());  // the first job has begun
  manual.set_execution_time(1ms);
  script.play();
  if (about == About::pauses) {
    manual.run_for(kSpan);
    script.resume();
  }
  manual.run_for(1s);
  for (; manual.active_workers(kLane) == 0; manual.run_for(1s)) {
    script.resume_after_job();
    ++outcome.pauses;
  }
  outcome.jobs = jobs_run(manual);
  EXPECT_OK(manual.stop(StopMode::drain, kPatience));
  script.end();
  outcome.transcript = script.transcript();
  return outcome;
}

/// As often and as long as `expected` says.
std::string play_threaded(std::uint64_t seed, About about, const Outcome& expected) {
  Gate gate;
  const auto hold = [&gate] { gate.pass(); };
  Script script(threaded, seed, about, hold);
  if (about == About::pauses) {
    if (!EXPECT_OK(threaded.start(kWorkers, kAnyMemory))) return "";
    bench_second(
        threaded,
        [] {
          wait_until([] { return threaded.worker_activity(1).state() == WorkerState::paused; });
        },
        hold);
  } else {
    if (!EXPECT_OK(threaded.start({&kWorker, 1}, kAnyMemory))) return "";
  }
  gate.wait_for_entries();
  script.play();
  takt::platform::sleep_until(takt::now() + kSpan);  // a lower bound is all that it takes
  if (about == About::pauses) script.resume();
  gate.open();
  const TimePoint patience = takt::now() + kPatience;
  int pauses = 0;
  while ((jobs_run(threaded) < expected.jobs || pauses < expected.pauses) &&
         takt::now() < patience) {
    if (threaded.active_workers(kLane) == 0) {
      script.resume_after_job();
      ++pauses;
    } else {
      ::sched_yield();
    }
  }
  EXPECT_OK(threaded.stop(StopMode::drain, kPatience));
  script.end();
  return script.transcript();
}

/// So many scripts; how long their transcripts are.
std::size_t compare(int part, About about, std::uint64_t rounds) {
  std::size_t words = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::uint64_t seed = static_cast<std::uint64_t>(part) * 1'000 + round;
    const Outcome in_virtual_time = play_manually(seed, about);
    const std::string on_threads = play_threaded(seed, about, in_virtual_time);
    if (!EXPECT_EQ(on_threads, in_virtual_time.transcript, "seed %llu",
                   static_cast<unsigned long long>(seed))) {
      return 0;
    }
    words += in_virtual_time.transcript.size();
  }
  return words;
}

TEST_EACH(ManualOrder, threads_and_virtual_time_agree, 1, 2, 3, 4) {
  EXPECT_GT(compare(param, About::releases, 25), 25U * 100U);  // it did something
}

TEST_EACH(ManualOrder, threads_and_virtual_time_agree_on_pauses, 5, 6) {
  EXPECT_GT(compare(param, About::pauses, 10), 10U * 100U);
}

}  // namespace
