// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_ANALYSIS_CROSS_CHECK_H_
#define TAKT_TESTS_EXECUTOR_ANALYSIS_CROSS_CHECK_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "takt/executor/analysis.h"
#include "takt/tests/executor/analysis_patterns.h"
#include "takt/tests/executor/analysis_task_sets.h"
#include "takt/tests/executor/schedule_simulator.h"
#include "takt/tests/support/random.h"

// The analysis against the simulator, over random task sets: no response may exceed its bound.

namespace takt::test {

/// What a run of the cross-check has seen.
class CrossCheck {
 public:
  /// What the shipped analysis is checked with: so many sets of each of four streams, the first of
  /// which must do to catch a wrong one.
  static constexpr int kFirstStream = 1;
  static constexpr int kSetsOfAStream = 2'500;
  /// Utilisations from 70 to 95 %, in steps of 5.
  static constexpr std::size_t kBins = 5;
  struct Bin {
    unsigned sets = 0;
    unsigned schedulable = 0;
    [[nodiscard]] double share() const {
      return sets == 0 ? 0 : static_cast<double>(schedulable) / sets;
    }
  };

  explicit CrossCheck(std::uint64_t stream) : random_(stream) {}

  /// Generates and checks one set.
  void check_one() {
    TaskSetOptions options;
    options.tasks = static_cast<std::size_t>(random_.between(2, 8));
    options.utilisation =
        random_.one_in(4) ? 0.2 + 0.8 * uniform(random_) : 0.70 + 0.25 * uniform(random_);
    options.lanes = 1 + any_of(std::min<std::size_t>(options.tasks, 4));
    options.jitter = random_.one_in(2);
    options.mutex = random_.one_in(3);
    options.equal_priorities = random_.one_in(4);
    options.sporadic = random_.one_in(2);
    options.least_deadline = 0.7;
    options.largest_deadline = 3.0;
    TaskSet set = random_task_set(random_, options);
    ++sets_;
    const Deployment deployment = set.deployment();
    bounds_of_set_.clear();
    bool all = true;
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      const TaskAnalysis analysis = analyse_task(deployment, task);
      bounds_of_set_.push_back(analysis.response);
      all = all && analysis.verdict == Schedulability::schedulable;
    }
    count(options.utilisation, all);
    const std::int64_t horizon = 3 * set.longest_period();
    for (int times = 0; times < 3; ++times) {
      const std::size_t target = any_of(set.tasks.size());
      release_at_worst_instant(random_, set, target, horizon);
      simulate(set, "worst instant");
    }
    release_at_random(random_, set, horizon, {});
    simulate(set, "random offsets and jitter");
    release_at_random(random_, set, horizon, {.shorter_execution = true, .longer_gaps = true});
    simulate(set, "random execution times");
  }

  [[nodiscard]] unsigned violations() const { return violations_; }
  [[nodiscard]] const std::string& first_violation() const { return first_violation_; }
  [[nodiscard]] unsigned long bounds() const { return bounds_; }
  [[nodiscard]] unsigned long reached() const { return reached_; }
  [[nodiscard]] const std::array<Bin, kBins>& bins() const { return bins_; }

 private:
  std::size_t any_of(std::size_t count) { return static_cast<std::size_t>(random_.below(count)); }

  void count(double utilisation, bool is_schedulable) {
    const double bin = (utilisation - 0.70) / 0.05;
    if (bin < 0 || bin >= static_cast<double>(kBins)) return;
    Bin& counted = bins_[static_cast<std::size_t>(bin)];
    ++counted.sets;
    counted.schedulable += is_schedulable ? 1 : 0;
  }

  void simulate(const TaskSet& set, const char* pattern) {
    ScheduleSimulator simulator(set.priorities(), set.simulated);
    simulator.run();
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      if (bounds_of_set_[task] == Duration::max()) continue;
      ++bounds_;
      const std::int64_t seen = simulator.response(task);
      if (seen == bounds_of_set_[task].count()) ++reached_;
      if (seen <= bounds_of_set_[task].count()) continue;
      if (++violations_ == 1) describe(set, pattern, task, seen);
    }
  }

  void describe(const TaskSet& set, const char* pattern, std::size_t task, std::int64_t seen) {
    char line[200];
    std::snprintf(line, sizeof line, "set %u, %s: task %zu took %lld ns\n", sets_, pattern, task,
                  static_cast<long long>(seen));
    first_violation_ = line;
    for (std::size_t index = 0; index < set.tasks.size(); ++index) {
      const DeployedTask& one = set.tasks[index];
      std::snprintf(line, sizeof line,
                    "  %zu: T %lld C %lld J %lld B %lld, priority %d, level %u%s, bound %lld\n",
                    index, static_cast<long long>(one.period.count()),
                    static_cast<long long>(one.wcet.count()),
                    static_cast<long long>(one.release_jitter.count()),
                    static_cast<long long>(one.blocking.count()), set.priority(index),
                    set.simulated[index].level, set.simulated[index].sporadic ? ", sporadic" : "",
                    static_cast<long long>(bounds_of_set_[index].count()));
      first_violation_ += line;
    }
  }

  Random random_;
  std::vector<Duration> bounds_of_set_;
  unsigned sets_ = 0;
  unsigned violations_ = 0;
  std::string first_violation_;
  unsigned long bounds_ = 0;
  unsigned long reached_ = 0;
  std::array<Bin, kBins> bins_{};
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_ANALYSIS_CROSS_CHECK_H_
