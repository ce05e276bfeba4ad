// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/plan.h"

#include <chrono>
#include <string_view>

#include "takt/boards/run/quickstart.h"
#include "takt/tests/boards/run/reading.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Reading reading;

const Plan& plan_of(std::string_view tasks, const CpuSet& cpus = CpuSet::of(0, 1)) {
  reading.deploy("{\"tasks\": {" + std::string(tasks) + "}}", cpus);
  EXPECT_TRUE(reading.ok, "%s", reading.errors().c_str());
  return reading.plan;
}

constexpr const char* kTimer = "\"timer\": {\"ref\": \"unique\", \"period\": 1000}";

TEST(Plan, makes_a_timer_loop_periodic) {
  const Plan& plan = plan_of(R"("t": {"run": 10, "runtime": 5, "delay": 30,
      "timer": {"ref": "unique", "period": 2000, "mode": "absolute"}})");
  ASSERT_EQ(plan.task_count, 1);
  const PlannedTask& task = plan.tasks()[0];
  EXPECT_TRUE(task.is_periodic());
  EXPECT_EQ(task.period, 2ms);
  EXPECT_EQ(task.offset, 30us);
  EXPECT_FALSE(plan.lanes()[task.lane].dedicated);
}

TEST(Plan, delays_a_loop_that_begins_with_its_timer) {
  const Plan& plan = plan_of(R"("t": {"timer": {"ref": "unique", "period": 2000}, "run": 10})");
  EXPECT_TRUE(plan.tasks()[0].is_periodic());
  EXPECT_EQ(plan.tasks()[0].offset, 2ms);
}

TEST(Plan, a_sleep_of_nothing_is_no_sleep) {
  const Plan& plan = plan_of(std::string(R"("t": {"run": 10, "sleep": 0, )") + kTimer + "}");
  EXPECT_TRUE(plan.tasks()[0].is_periodic());
}

struct Dedicated {
  const char* name;
  const char* task;
  Form form;
};

TEST_EACH(
    Plan, gives_every_other_task_a_worker_of_its_own,
    Dedicated{"sleeps", R"("run": 1, "sleep": 1)", Form::sleeps},
    Dedicated{"no_timer", R"("run": 1)", Form::no_timer},
    Dedicated{"finite_loop", R"("loop": 3, "run": 1, "timer": {"ref": "unique", "period": 9})",
              Form::finite_loop},
    Dedicated{"several_phases",
              R"("phases": {"p": {"timer": {"ref": "unique", "period": 9}}, "q": {"run": 1}})",
              Form::several_phases},
    Dedicated{"several_timers",
              R"("timer": {"ref": "unique", "period": 9}, "timer": {"ref": "unique", "period": 9})",
              Form::several_timers},
    Dedicated{"no_period", R"("run": 1, "timer": {"ref": "unique"})", Form::timer_without_period},
    Dedicated{"middle", R"("run": 1, "timer": {"ref": "unique", "period": 9}, "run": 2)",
              Form::timer_in_the_middle},
    Dedicated{"deadline",
              R"("policy": "SCHED_DEADLINE", "dl-runtime": 5,
                 "run": 1, "timer": {"ref": "unique", "period": 9})",
              Form::deadline_policy},
    Dedicated{"phase_cpus",
              R"("phases": {"p": {"cpus": [1], "timer": {"ref": "unique", "period": 9}}})",
              Form::changes_cpus}) {
  const Plan& plan = plan_of(std::string("\"t\": {") + param.task + "}");
  ASSERT_EQ(plan.task_count, 1);
  EXPECT_TRUE(plan.tasks()[0].form == param.form, "is: %s", to_string(plan.tasks()[0].form));
  const PlannedLane& lane = plan.lanes()[plan.tasks()[0].lane];
  EXPECT_TRUE(lane.dedicated);
  EXPECT_EQ(lane.workers, 1);
  EXPECT_EQ(std::string_view(lane.name), "t");
}

TEST(Plan, an_endless_phase_in_a_finite_loop_is_endless) {
  const Plan& plan = plan_of(
      R"("t": {"loop": 1, "phases": {"p": {"loop": -1,
         "timer": {"ref": "unique", "period": 9}}}})");
  EXPECT_TRUE(plan.tasks()[0].is_periodic());
}

TEST(Plan, gives_namesakes_the_next_free_number) {
  const std::string timer = kTimer;
  const Plan& plan = plan_of("\"a\": {" + timer + "}, \"a\": {" + timer + "}, \"a1\": {" + timer +
                             "}, \"a\": {" + timer + "}");
  ASSERT_EQ(plan.task_count, 4);
  EXPECT_EQ(std::string_view(plan.tasks()[0].name), "a");
  EXPECT_EQ(std::string_view(plan.tasks()[1].name), "a2");
  EXPECT_EQ(std::string_view(plan.tasks()[2].name), "a1");
  EXPECT_EQ(std::string_view(plan.tasks()[3].name), "a3");
}

TEST(Plan, lets_equals_share_a_lane) {
  const std::string timer = kTimer;
  const Plan& plan = plan_of(R"("a": {"instance": 3, "policy": "SCHED_FIFO", )" + timer + R"(},
         "b": {"policy": "SCHED_FIFO", "priority": 10, )" +
                             timer + R"(},
         "c": {"policy": "SCHED_FIFO", "priority": 11, )" +
                             timer + R"(},
         "d": {"policy": "SCHED_FIFO", "cpus": [1], )" +
                             timer + R"(},
         "e": {"policy": "SCHED_FIFO", "cpus": [0, 1], )" +
                             timer + R"(},
         "f": {"policy": "SCHED_RR", )" +
                             timer + R"(},
         "g": {)" + timer + "}");
  ASSERT_EQ(plan.lane_count, 5);
  EXPECT_EQ(plan.task_count, 9);
  EXPECT_EQ(std::string_view(plan.lanes()[0].name), "fifo10");
  EXPECT_EQ(plan.lanes()[0].tasks, 5);  // a-0 to a-2, b, and e: both CPUs are all there are
  EXPECT_EQ(plan.lanes()[0].workers, 2);
  EXPECT_EQ(std::string_view(plan.lanes()[1].name), "fifo11");
  EXPECT_EQ(plan.lanes()[1].workers, 1);
  EXPECT_EQ(std::string_view(plan.lanes()[2].name), "fifo10@1");
  EXPECT_TRUE(plan.lanes()[2].cpus == CpuSet::of(1));
  EXPECT_EQ(std::string_view(plan.lanes()[3].name), "rr10");
  EXPECT_EQ(std::string_view(plan.lanes()[4].name), "other");
  EXPECT_EQ(plan.worker_count(), 6);
  EXPECT_TRUE(plan.has_real_time());
}

TEST(Plan, names_instances_and_namesakes) {
  const std::string timer = kTimer;
  const Plan& plan = plan_of("\"t\": {\"instance\": 2, " + timer + "}, \"t\": {" + timer + "}");
  EXPECT_EQ(std::string_view(plan.tasks()[0].name), "t-0");
  EXPECT_EQ(std::string_view(plan.tasks()[1].name), "t-1");
  EXPECT_EQ(std::string_view(plan.tasks()[2].name), "t1");
}

TEST(Plan, refuses_cpus_that_are_not_there) {
  reading.deploy(R"({"tasks": {
"a": {"cpus": [0, 2, 3], "run": 1},
"b": {"phases": {"p": {"cpus": [5], "run": 1}}}}})");
  EXPECT_FALSE(reading.ok);
  EXPECT_EQ(reading.errors(),
            "w:2:15: error: \"cpus\": there are no CPUs 2,3; this process may use 0,1\n"
            "w:3:32: error: \"cpus\": there is no CPU 5; this process may use 0,1\n");
}

TEST(Plan, refuses_cpus_with_deadline_scheduling) {
  reading.deploy(R"({"tasks": {"a": {"policy": "SCHED_DEADLINE", "dl-runtime": 5, "cpus": [0],
                     "run": 1}}})");
  EXPECT_EQ(reading.errors(),
            "w:1:71: error: \"cpus\" with SCHED_DEADLINE: the kernel refuses it without an "
            "exclusive cpuset; leave \"cpus\" out\n");
}

TEST_EACH(Plan, quickstart_fits_any_number_of_cpus, 1, 2, 4, 64) {
  reading.deploy(kQuickstart, CpuSet::range(0, static_cast<std::size_t>(param) - 1));
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const Plan& plan = reading.plan;
  EXPECT_EQ(plan.periodic_count(), plan.task_count);
  EXPECT_EQ(plan.lane_count, 9);  // a rate each
  double load = 0;
  for (const PlannedTask& task : plan.tasks()) {
    const auto events = reading.workload.events(reading.workload.phases(*task.description)[0]);
    load +=
        static_cast<double>(events[0].duration.count()) / static_cast<double>(task.period.count());
    EXPECT_EQ(task.period, events[1].duration);
  }
  EXPECT_GT(load, 0.60);
  EXPECT_LT(load, 0.69);  // ln 2: rate monotonic priorities then hold it on one CPU as well
  for (const PlannedLane& lane : plan.lanes()) {
    EXPECT_LE(lane.workers, param);
    EXPECT_GE(lane.workers, 1);
  }
}

}  // namespace
}  // namespace takt::run
