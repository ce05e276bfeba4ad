// SPDX-License-Identifier: Apache-2.0
// Earliest deadline first on one CPU: published figures, figures at the ends of the range, and a
// comparison with the schedule itself.
#include "takt/executor/demand_bound.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using namespace std::chrono_literals;

constexpr AnalysisReason reason(std::span<const DemandTask> tasks, Duration blocking = 0ns) {
  return demand_bound(tasks, blocking).reason;
}

// Embedded Systems Design and Implementation, University of York, "EDF
// schedulability": the busy period is 14 long, the demand 1, 3, 4, 5, 7, 8, 11, 14 at the deadlines
// 2, 4, 5, 8, 9, 11, 12, 14.
constexpr DemandTask kYork[] = {{1ns, 3ns, 2ns}, {2ns, 5ns, 4ns}, {3ns, 14ns, 12ns}};
static_assert(demand_bound(kYork).verdict == Schedulability::schedulable);
static_assert(demand_bound(kYork).length == 14ns);
constexpr std::int64_t york_demand(std::int64_t length) {
  return takt::detail::Demand(kYork, 0ns).demand(length);
}
static_assert(york_demand(2) == 1 && york_demand(4) == 3 && york_demand(5) == 4);
static_assert(york_demand(8) == 5 && york_demand(9) == 7 && york_demand(11) == 8);
static_assert(york_demand(12) == 11 && york_demand(14) == 14);
static_assert(reason(kYork, 1ns) == AnalysisReason::demand_too_high, "nothing is left at 14");

// Liu, Layland 1973: with deadlines at the periods a load of 1 is schedulable.
constexpr DemandTask kFull[] = {{1ns, 2ns, 2ns}, {1ns, 3ns, 3ns}, {1ns, 6ns, 6ns}};
constexpr DemandTask kOverfull[] = {{1ns, 2ns, 2ns}, {1ns, 3ns, 3ns}, {2ns, 6ns, 6ns}};
constexpr DemandTask kFullTooEarly[] = {{1ns, 2ns, 2ns}, {1ns, 3ns, 2ns}, {1ns, 6ns, 2ns}};
static_assert(reason(kFull) == AnalysisReason::none);
static_assert(reason(kOverfull) == AnalysisReason::overload);
static_assert(reason(kFullTooEarly) == AnalysisReason::demand_too_high);
static_assert(demand_bound(kFullTooEarly).length == 2ns);
static_assert(demand_bound(kFullTooEarly).demand == 3ns);

constexpr DemandTask kNoPeriod[] = {{1ns, 0ns, 2ns}};
constexpr DemandTask kNoDeadline[] = {{1ns, 2ns, 0ns}};
constexpr DemandTask kNegative[] = {{-1ns, 2ns, 2ns}};
constexpr DemandTask kHuge[] = {{Duration::max(), Duration::max(), Duration::max()}};
constexpr DemandTask kLong[] = {{1ns, Duration::max(), Duration::max()}};
constexpr DemandTask kGiant[] = {{Duration::max(), 1ns, 1ns}, {Duration::max(), 1ns, 1ns}};
static_assert(reason({}) == AnalysisReason::none);
static_assert(reason(kNoPeriod) == AnalysisReason::bad_period);
static_assert(reason(kNoDeadline) == AnalysisReason::bad_deadline);
static_assert(reason(kNegative) == AnalysisReason::bad_wcet);
static_assert(reason(kFull, -1ns) == AnalysisReason::bad_blocking);
static_assert(reason(kHuge) == AnalysisReason::too_long);
static_assert(reason(kLong) == AnalysisReason::none);
static_assert(reason(kLong, Duration::max()) == AnalysisReason::too_long);
static_assert(reason(kGiant) == AnalysisReason::overload);

/// A task of few nanoseconds.
struct Small {
  int wcet;
  int period;
  int deadline;
};

/// Plays the schedule of the synchronous releases nanosecond by nanosecond, over twice the least
/// common multiple of all periods: true if each job meets its deadline.
bool plays_without_a_miss(const std::vector<Small>& tasks) {
  struct Job {
    int left = 0;
    int due = 0;
  };
  std::vector<Job> jobs(tasks.size());
  for (int now = 0; now < 240; ++now) {
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      if (jobs[task].left > 0 && jobs[task].due <= now) return false;
      if (now % tasks[task].period == 0)
        jobs[task] = {tasks[task].wcet, now + tasks[task].deadline};
    }
    Job* earliest = nullptr;
    for (Job& job : jobs) {
      if (job.left > 0 && (earliest == nullptr || job.due < earliest->due)) earliest = &job;
    }
    if (earliest != nullptr) --earliest->left;
  }
  return true;
}

TEST(DemandBound, agrees_with_the_schedule) {
  constexpr std::array<int, 7> kPeriods = {4, 5, 6, 8, 10, 12, 20};  // all divide 120
  Random random(1);
  unsigned schedulable = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::vector<Small> tasks;
    std::vector<DemandTask> demands;
    const auto count = static_cast<std::size_t>(random.between(2, 5));
    for (std::size_t task = 0; task < count; ++task) {
      const int period = kPeriods[static_cast<std::size_t>(random.below(kPeriods.size()))];
      const auto wcet = static_cast<int>(random.between(1, 1 + period / static_cast<int>(count)));
      const auto deadline = static_cast<int>(random.between(wcet, period));
      tasks.push_back({wcet, period, deadline});
      demands.push_back({Duration(wcet), Duration(period), Duration(deadline)});
    }
    const bool met = plays_without_a_miss(tasks);
    schedulable += met ? 1 : 0;
    ASSERT_EQ(demand_bound(demands).verdict == Schedulability::schedulable, met, "round %d", round);
  }
  EXPECT_GT(schedulable, 1'000U);
  EXPECT_LT(schedulable, 4'000U);
}

}  // namespace
}  // namespace takt::test
