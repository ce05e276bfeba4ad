// SPDX-License-Identifier: Apache-2.0
// 10,000 random task sets: no simulated response exceeds the bound of the analysis, and where the
// analysis is exact, it is so to the nanosecond.
#include "takt/tests/executor/analysis_cross_check.h"

#include <cstdio>

#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

TEST_EACH(AnalysisCrossCheck, no_response_exceeds_its_bound, CrossCheck::kFirstStream, 2, 3, 4) {
  if (kThreadSanitizer) SKIP("one thread and a minute of arithmetic: not for a search of races");
  CrossCheck check(static_cast<std::uint64_t>(param));
  for (int set = 0; set < CrossCheck::kSetsOfAStream; ++set) check.check_one();
  EXPECT_EQ(check.violations(), 0U, "%s", check.first_violation().c_str());
  std::printf("%lu bounds, %lu of them reached; schedulable:", check.bounds(), check.reached());
  int percent = 70;
  for (const CrossCheck::Bin& bin : check.bins()) {
    std::printf("  %d-%d %%: %.0f %% of %u", percent, percent + 5, 100 * bin.share(), bin.sets);
    percent += 5;
    EXPECT_GE(bin.share(), 0.2, "too few sets are schedulable for the check to mean much");
    EXPECT_LE(bin.share(), 0.8, "too few sets are unschedulable for the check to mean much");
  }
  std::printf("\n");
}

/// All at once, once: the longest response of each task until the CPU idles, and beyond.
std::vector<std::int64_t> synchronous_responses(TaskSet& set) {
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    set.simulated[task].releases =
        releases_at_instant(set.tasks[task], 0, 40 * set.longest_period());
  }
  ScheduleSimulator simulator(set.priorities(), set.simulated);
  simulator.run();
  std::vector<std::int64_t> responses;
  for (std::size_t task = 0; task < set.tasks.size(); ++task) {
    responses.push_back(simulator.response(task));
  }
  return responses;
}

TEST(AnalysisCrossCheck, one_task_a_lane_is_exact) {
  Random random(100);
  for (int round = 0; round < 1'000; ++round) {
    TaskSetOptions options;
    options.tasks = static_cast<std::size_t>(random.between(1, 8));
    options.lanes = options.tasks;
    options.utilisation = 0.3 + 0.65 * uniform(random);
    options.widest_period = 20;
    options.largest_deadline = 3;
    TaskSet set = random_task_set(random, options);
    const std::vector<std::int64_t> seen = synchronous_responses(set);
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      ASSERT_EQ(analyse_task(set.deployment(), task).response.count(), seen[task],
                "round %d, task %zu", round, task);
    }
  }
}

TEST(AnalysisCrossCheck, the_last_level_of_a_lane_is_exact) {
  Random random(101);
  for (int round = 0; round < 1'000; ++round) {
    TaskSetOptions options;
    options.lanes = static_cast<std::size_t>(random.between(1, 3));
    options.tasks = options.lanes * 2 + (random.one_in(2) ? 1 : 0);
    options.utilisation = 0.3 + 0.65 * uniform(random);
    options.widest_period = 20;
    TaskSet set = random_task_set(random, options);
    const std::vector<std::int64_t> seen = synchronous_responses(set);
    for (std::size_t task = 0; task < set.tasks.size(); ++task) {
      const bool last = task + 1 == set.tasks.size() ||
                        set.simulated[task + 1].worker != set.simulated[task].worker;
      if (!last) continue;
      ASSERT_EQ(analyse_task(set.deployment(), task).response.count(), seen[task],
                "round %d, task %zu", round, task);
    }
  }
}

}  // namespace
}  // namespace takt::test
