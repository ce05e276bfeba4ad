// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/phase_runner.h"

#include <chrono>
#include <string>

#include "takt/monitor/histogram.h"
#include "takt/tests/boards/run/reading.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Reading reading;
PhaseRunner runner;
StopSignal stop;

// Counts are exact whatever the machine's load is; of times only lower bounds are.
const TaskStats& run_to_end(std::string_view task, TimePoint epoch = now()) {
  reading.deploy("{\"tasks\": {\"t\": {" + std::string(task) + "}}}");
  EXPECT_TRUE(reading.ok, "%s", reading.errors().c_str());
  runner.attach(reading.workload, reading.plan.tasks()[0]);
  runner.run(epoch, stop);
  return runner.stats();
}

TEST(PhaseRunner, a_job_reaches_from_wait_to_wait) {
  const TimePoint begin = now();
  const TaskStats& stats =
      run_to_end(R"("loop": 3, "run": 200, "runtime": 100, "sleep": 2000)", begin);
  EXPECT_GE(now() - begin, 3 * 2ms);
  EXPECT_EQ(stats.releases.get(), 4);  // the last wake-up ends the task
  EXPECT_EQ(stats.completed.get(), 4);
  EXPECT_EQ(stats.deadline_misses.get(), 0);
  EXPECT_EQ(Histogram(stats.histograms.load()->response_time).count(), 4);
  EXPECT_GE(Histogram(stats.histograms.load()->response_time).max(), 300us);
  EXPECT_GE(Duration(static_cast<Duration::rep>(stats.execution_ns.get())), 3 * 300us);
  EXPECT_GE(Duration(static_cast<Duration::rep>(runner.cpu_ns().get())), 3 * 200us);
}

TEST(PhaseRunner, a_timer_keeps_its_grid) {
  const TimePoint begin = now();
  const TaskStats& stats = run_to_end(
      R"("loop": 5, "timer": {"ref": "unique", "period": 2000, "mode": "absolute"})", begin);
  EXPECT_GE(now(), begin + 5 * 2ms);
  EXPECT_EQ(stats.releases.get(), 5);  // it begins with a wait: no job before that
}

TEST(PhaseRunner, a_relative_timer_that_is_late_begins_anew) {
  const TaskStats& stats = run_to_end(
      R"("phases": {"late": {"run": 30000, "timer": {"ref": "unique", "period": 1000}},
                    "next": {"timer": {"ref": "unique", "period": 1000000}}}, "loop": 1)");
  EXPECT_EQ(stats.overruns.get(), 1);
  EXPECT_EQ(stats.deadline_misses.get(), 1);
  EXPECT_EQ(stats.completed.get(), 3);
  EXPECT_GE(Histogram(stats.histograms.load()->response_time).max(), 30ms);
}

TEST(PhaseRunner, an_absolute_timer_catches_up) {
  // 40 ms of load leave nothing of the first three expiries: each is a job that misses.
  const TaskStats& stats = run_to_end(
      R"("phases": {"late": {"run": 40000},
                    "next": {"loop": 3,
                             "timer": {"ref": "unique", "period": 10000, "mode": "absolute"}}},
         "loop": 1)");
  EXPECT_EQ(stats.overruns.get(), 3);
  EXPECT_EQ(stats.deadline_misses.get(), 3);
}

TEST(PhaseRunner, loads_without_a_wait_are_jobs_of_their_own) {
  const TaskStats& stats = run_to_end(R"("loop": 4, "run": 10)");
  EXPECT_EQ(stats.releases.get(), 4);
  EXPECT_EQ(stats.completed.get(), 4);
}

TEST(PhaseRunner, phases_loop_inside_the_task) {
  const TaskStats& stats = run_to_end(
      R"("phases": {"p": {"loop": 3, "run": 1}, "q": {"loop": 2, "sleep": 10}}, "loop": 2)");
  // Three loads, of which the last ends with the first sleep; then a job for each wake-up, of
  // which the fourth continues into the loads of the second round.
  EXPECT_EQ(stats.completed.get(), 3 + 1 + 3 + 2);
}

TEST(PhaseRunner, waits_for_its_delay) {
  const TimePoint epoch = now();
  const TaskStats& stats = run_to_end(R"("delay": 5000, "loop": 1, "run": 1)", epoch);
  EXPECT_GE(now() - epoch, 5ms);
  EXPECT_EQ(stats.completed.get(), 1);
}

TEST(PhaseRunner, ends_when_it_is_told) {
  stop.request();
  const TaskStats& stats = run_to_end(R"("run": 1000, "sleep": 2000000000)");
  EXPECT_EQ(stats.completed.get(), 0);
}

}  // namespace
}  // namespace takt::run
