// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_STRESS_CHAOS_TASKS_H_
#define TAKT_TESTS_STRESS_CHAOS_TASKS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "takt/executor/executor.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// Tasks that many threads add, remove, suspend, resume, release and give other periods, with what
/// became of their jobs.
class ChaosTasks {
 public:
  /// At most `most` tasks are ever added, in lanes 0 to `lanes` - 1.
  ChaosTasks(Executor& executor, std::size_t most, std::uint32_t lanes)
      : executor_(executor), records_(most), lanes_(lanes) {}

  /// Any number of threads add, or any number remove, never both: the figures of a task that was
  /// removed are there until the slot is another's. Who comes at the wrong time does nothing.
  void add(Random& random) {
    if (!enter(1)) return;
    if (const std::size_t number = used_.fetch_add(1); number < records_.size()) {
      add_with(records_[number], random);
    }
    inside_.fetch_sub(1);
  }
  void remove_any(Random& random) {
    if (!enter(-1)) return;
    if (TaskHandle task = any(random); task.valid()) {
      const Status removed = task.remove_for(std::chrono::microseconds(random.below(100)));
      if (removed.ok()) collect(task);
      EXPECT_TRUE(removed.ok() || removed.code() == StatusCode::timed_out ||
                  removed.code() == StatusCode::failed_precondition);
      if (removed.ok()) EXPECT_EQ(task.suspend().code(), StatusCode::failed_precondition);
    }
    inside_.fetch_add(1);
  }

  /// Does something to a task of anybody's, which may be gone.
  void change_any(Random& random) {
    TaskHandle task = any(random);
    if (!task.valid()) return;
    Status status;
    switch (random.below(6)) {
      case 0:
        status = task.suspend();
        break;
      case 1:
        status = task.set_period(any_period(random));
        break;
      case 2:
        status = task.resume();
        break;
      default:
        status = task.release();
    }
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::failed_precondition ||
                status.code() == StatusCode::resource_exhausted);
  }

  /// Once the executor is stopped: removes all that are left, and looks at each one's life.
  void end() {
    for (std::uint32_t number = 0; number < executor_.task_count(); ++number) {
      TaskHandle task = executor_.task(number);
      if (task.state() == TaskState::removed) continue;
      EXPECT_OK(task.remove());
      collect(task);
    }
    const std::size_t used = used_.load() < records_.size() ? used_.load() : records_.size();
    for (std::size_t number = 0; number < records_.size(); ++number) {
      EXPECT_EQ(records_[number].ends.load(), number < used ? 1 : 0, "task %zu", number);
    }
    EXPECT_EQ(releases.load(), run.load() + failed.load() + cancelled.load());
    EXPECT_EQ(runs_of_callables(), run.load() + failed.load());
    EXPECT_EQ(thrown_.load(), failed.load());
  }

  // What the figures of all removed tasks say.
  std::atomic<std::uint64_t> releases{0};
  std::atomic<std::uint64_t> run{0};  // and returned
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> cancelled{0};

 private:
  struct Record {
    std::atomic<std::uint64_t> runs{0};
    std::atomic<std::uint32_t> ends{0};
    std::atomic<std::uint32_t> inside{0};
  };

  /// A task's callable.
  class Work {
   public:
    Work(ChaosTasks& tasks, Record& record) noexcept : tasks_(&tasks), record_(&record) {}
    Work(Work&& other) noexcept
        : tasks_(other.tasks_), record_(std::exchange(other.record_, nullptr)) {}
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work() {
      if (record_ != nullptr) record_->ends.fetch_add(1);
    }

    void operator()() const {
      EXPECT_EQ(record_->inside.exchange(1), 0);
      const std::uint64_t number = record_->runs.fetch_add(1);
      record_->inside.store(0);
      if (number % 8 != 7) return;
      tasks_->thrown_.fetch_add(1);
      throw std::runtime_error("wanted");
    }

   private:
    ChaosTasks* tasks_;
    Record* record_;
  };

  static Duration any_period(Random& random) {
    return std::chrono::microseconds(200 + random.below(2'000));
  }

  void add_with(Record& record, Random& random) {
    const LaneId lane{static_cast<std::uint32_t>(random.below(lanes_))};
    const auto priority = static_cast<Priority>(random.below(kPriorityLevels));
    const Duration period = any_period(random);
    const Overrun overruns[] = {Overrun::skip(), Overrun::catch_up(2), Overrun::slip(),
                                Overrun::abort()};
    const Result<TaskHandle> added =
        random.one_in(2) ? executor_.add_sporadic_task({.name = "sporadic",
                                                        .lane = lane,
                                                        .priority = priority,
                                                        .min_interarrival = period},
                                                       Work(*this, record))
                         : executor_.add_task({.name = "periodic",
                                               .lane = lane,
                                               .priority = priority,
                                               .period = period,
                                               .overrun = overruns[random.below(4)]},
                                              Work(*this, record));
    EXPECT_TRUE(added.ok() || added.code() == StatusCode::resource_exhausted);
  }

  TaskHandle any(Random& random) {
    const std::uint32_t count = executor_.task_count();
    if (count == 0) return {};
    return executor_.task(static_cast<std::uint32_t>(random.below(count)));
  }

  /// The figures of a task that the caller has removed.
  void collect(const TaskHandle& task) {
    const TaskStats& stats = task.stats();
    releases.fetch_add(stats.releases.get());
    run.fetch_add(stats.completed.get());
    failed.fetch_add(stats.failed.get());
    cancelled.fetch_add(stats.cancelled.get());
  }

  [[nodiscard]] std::uint64_t runs_of_callables() const {
    std::uint64_t sum = 0;
    for (const Record& record : records_) sum += record.runs.load();
    return sum;
  }

  bool enter(int side) {
    int seen = inside_.load();
    while (seen * side >= 0) {
      if (inside_.compare_exchange_weak(seen, seen + side)) return true;
    }
    return false;
  }

  Executor& executor_;
  std::vector<Record> records_;
  std::uint32_t lanes_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::uint64_t> thrown_{0};
  std::atomic<int> inside_{0};  // above 0: threads that add; below: that remove
};

}  // namespace takt::test

#endif  // TAKT_TESTS_STRESS_CHAOS_TASKS_H_
