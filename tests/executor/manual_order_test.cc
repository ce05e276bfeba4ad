// SPDX-License-Identifier: Apache-2.0
// One script on threads and in virtual time: the same answers, the same order of jobs. Real time is
// made harmless by a gate: nothing runs before all of the script has happened and all of its times
// have passed.
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
using takt::ManualJob;
using takt::Priority;
using takt::StatusCode;
using takt::StopMode;
using takt::TaskHandle;
using takt::TimePoint;
using takt::test::Gate;
using takt::test::jobs_run;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Random;

constexpr takt::ExecutorLimits kLimits{.jobs_per_lane = 16, .tasks = 7, .timers = 5};
constexpr takt::WorkerConfig kWorker{.name = "worker"};
/// All times of a script lie within it, after the epoch or after what it does.
constexpr Duration kSpan = 1ms;

takt::StaticExecutor<kLimits> threaded;
takt::ManualExecutor<kLimits> manual;

/// One script, the same for the same seed: what it does, and what came of it.
class Script {
 public:
  /// `hold` is what the first job does.
  template <class Hold>
  Script(Executor& executor, std::uint64_t seed, Hold hold) : executor_(executor), random_(seed) {
    add({.name = "hold", .priority = Priority::critical, .period = 1h}, hold);
    // A level of their own: a slow machine may see their releases before the first job begins.
    for (std::uint64_t number = 0; number < 3; ++number) {
      add({.name = "periodic",
           .priority = Priority::high,
           .period = 1h,
           .offset = random_.between(1, 8) * 10us},
          [this, number] { note("p", number); });
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
    for (std::uint64_t left = 10 + random_.below(15); left > 0; --left) act();
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
  std::string transcript_;
  std::uint64_t next_job_ = 0;
  std::vector<TaskHandle> tasks_;
  std::vector<TaskHandle> sporadic_;
  std::vector<JobHandle<void>> handles_;
};

std::string play_manually(std::uint64_t seed, std::uint64_t& jobs) {
  manual.set_execution_model([](const ManualJob& job, void*) noexcept {
    return std::string_view(job.task != nullptr ? job.task : "") == "hold" ? Duration(2 * kSpan)
                                                                           : Duration(1ms);
  });
  Script script(manual, seed, [] {});
  EXPECT_OK(manual.start({&kWorker, 1}));
  EXPECT_TRUE(manual.step());  // the first job has begun
  script.play();
  manual.run_for(1s);
  jobs = jobs_run(manual);
  EXPECT_OK(manual.stop(StopMode::drain, kPatience));
  script.end();
  return script.transcript();
}

std::string play_threaded(std::uint64_t seed, std::uint64_t jobs) {
  Gate gate;
  Script script(threaded, seed, [&gate] { gate.pass(); });
  if (!EXPECT_OK(threaded.start({&kWorker, 1}, kAnyMemory))) return "";
  gate.wait_for_entries();
  script.play();
  takt::platform::sleep_until(takt::now() + kSpan);  // a lower bound is all that it takes
  gate.open();
  const TimePoint patience = takt::now() + kPatience;
  while (jobs_run(threaded) < jobs && takt::now() < patience) ::sched_yield();
  EXPECT_OK(threaded.stop(StopMode::drain, kPatience));
  script.end();
  return script.transcript();
}

TEST_EACH(ManualOrder, threads_and_virtual_time_agree, 1, 2, 3, 4) {
  std::size_t words = 0;
  for (std::uint64_t round = 0; round < 25; ++round) {
    const std::uint64_t seed = static_cast<std::uint64_t>(param) * 1'000 + round;
    std::uint64_t jobs = 0;
    const std::string in_virtual_time = play_manually(seed, jobs);
    const std::string on_threads = play_threaded(seed, jobs);
    ASSERT_EQ(on_threads, in_virtual_time, "seed %llu", static_cast<unsigned long long>(seed));
    words += in_virtual_time.size();
  }
  EXPECT_GT(words, 25U * 100U);  // it did something
}

}  // namespace
