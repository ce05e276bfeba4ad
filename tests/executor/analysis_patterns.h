// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_ANALYSIS_PATTERNS_H_
#define TAKT_TESTS_EXECUTOR_ANALYSIS_PATTERNS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "takt/tests/executor/analysis_task_sets.h"
#include "takt/tests/executor/schedule_simulator.h"
#include "takt/tests/support/random.h"

// Release patterns for the cross-check of the analysis with the simulator.

namespace takt::test {

/// Releases from `first` on, each as late as the jitter allows until `instant`, and not before it;
/// later ones at once.
inline std::vector<SimulatedRelease> releases_at_instant(const DeployedTask& task,
                                                         std::int64_t instant,
                                                         std::int64_t horizon) {
  std::vector<SimulatedRelease> releases;
  const std::int64_t period = task.period.count();
  for (std::int64_t nominal = instant - task.release_jitter.count(); nominal < horizon;
       nominal += period) {
    releases.push_back({nominal, std::max(nominal, instant), task.wcet.count()});
  }
  return releases;
}

/// How random releases deviate from the worst.
struct Deviation {
  bool shorter_execution = false;
  bool longer_gaps = false;  ///< of sporadic tasks
};

inline std::vector<SimulatedRelease> random_releases(Random& random, const DeployedTask& task,
                                                     std::int64_t begin, std::int64_t horizon,
                                                     const Deviation& deviation) {
  std::vector<SimulatedRelease> releases;
  const std::int64_t period = task.period.count();
  const std::int64_t wcet = task.wcet.count();
  std::int64_t nominal = begin + random.between(0, period - 1);
  std::int64_t ready = nominal;
  while (nominal < horizon) {
    // A release does not overtake the one before.
    ready = std::max(ready, nominal + random.between(0, task.release_jitter.count()));
    const bool shorter = deviation.shorter_execution && random.one_in(2);
    releases.push_back({nominal, ready, shorter ? random.between(1, wcet) : wcet});
    nominal += period;
    if (deviation.longer_gaps && random.one_in(4)) nominal += random.between(0, period);
  }
  return releases;
}

/// The instant that is worst for `target`: all that goes before is released at once, right after a
/// job that blocks it has started and another worker has taken the mutex.
inline void release_at_worst_instant(Random& random, TaskSet& set, std::size_t target,
                                     std::int64_t horizon) {
  const std::int64_t instant = 2 * set.longest_period();
  std::size_t blocker = set.tasks.size();
  std::size_t holder = set.tasks.size();
  const auto section = [&set](std::size_t task) {
    return set.simulated[task].unlock_at - set.simulated[task].lock_at;
  };
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    if (set.goes_before(task, target)) continue;
    if (set.simulated[task].worker == set.simulated[target].worker) {
      if (blocker == set.tasks.size() || set.tasks[task].wcet > set.tasks[blocker].wcet) {
        blocker = task;
      }
    } else if (section(task) > 0 &&
               (holder == set.tasks.size() || section(task) > section(holder))) {
      holder = task;
    }
  }
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    auto& releases = set.simulated[task].releases;
    if (set.goes_before(task, target)) {
      releases = releases_at_instant(set.tasks[task], instant, instant + horizon);
    } else if (task == blocker || task == holder) {
      const std::int64_t lead = task == blocker ? 1 : set.simulated[task].lock_at + 2;
      releases = {{instant - lead, instant - lead, set.tasks[task].wcet.count()}};
    } else {
      releases = random_releases(random, set.tasks[task], instant, instant + horizon, {});
    }
  }
}

inline void release_at_random(Random& random, TaskSet& set, std::int64_t horizon,
                              const Deviation& deviation) {
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    Deviation own = deviation;
    own.longer_gaps = own.longer_gaps && set.simulated[task].sporadic;
    set.simulated[task].releases = random_releases(random, set.tasks[task], 0, horizon, own);
  }
}

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_ANALYSIS_PATTERNS_H_
