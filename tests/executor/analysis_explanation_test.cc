// SPDX-License-Identifier: Apache-2.0
// The analysis in words.
#include <chrono>
#include <string>

#include "takt/executor/analysis.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using namespace std::chrono_literals;

constexpr WorkerConfig kControl{
    .lane = LaneId{0}, .cpus = CpuSet::of(1), .scheduling = Fifo{.priority = 80}};

std::string explained(const Deployment& deployment) {
  Text<1024> text;
  explain(text, deployment);
  EXPECT_FALSE(text.truncated());
  return std::string(text.view());
}

TEST(AnalysisExplanation, says_what_is_left) {
  const DeployedTask tasks[] = {{.name = "servo",
                                 .priority = Priority::high,
                                 .period = 1ms,
                                 .deadline = 800us,
                                 .wcet = 100us},
                                {.period = 10ms, .wcet = 300us}};
  EXPECT_EQ(explained({.workers = {&kControl, 1}, .tasks = tasks}),
            "schedulable: each of 2 tasks meets its deadline\n"
            "  servo: ends within 400us of 800us\n"
            "  task 1: ends within 400us of 10ms\n");
}

TEST(AnalysisExplanation, says_who_fails_by_how_much) {
  const DeployedTask tasks[] = {
      {.name = "a", .priority = Priority::critical, .period = 2500us, .wcet = 1ms},
      {.name = "b", .priority = Priority::high, .period = 3500us, .deadline = 3250us, .wcet = 1ms},
      {.name = "c", .period = 3500us, .deadline = 3250us, .wcet = 1ms}};
  EXPECT_EQ(explained({.workers = {&kControl, 1}, .tasks = tasks}),
            "unschedulable: 1 of 3 tasks without a guarantee\n"
            "  a: ends within 2ms of 2500us\n"
            "  b: ends within 3ms of 3250us\n"
            "  c: ends within 3500us of 3250us, 250us too late (job 1 of a busy period of 7ms)\n");
}

TEST(AnalysisExplanation, says_how_much_too_much) {
  const DeployedTask tasks[] = {
      {.name = "a", .priority = Priority::high, .period = 2ms, .wcet = 1ms},
      {.name = "b", .period = 3ms, .wcet = 2ms}};
  EXPECT_EQ(explained({.workers = {&kControl, 1}, .tasks = tasks}),
            "unschedulable: 2 of 2 tasks without a guarantee\n"
            "  a: ends within 3ms of 2ms, 1ms too late (job 0 of a busy period of 4ms)\n"
            "  b: more work than its CPU can do (load 116.66 %)\n");
}

TEST(AnalysisExplanation, says_what_it_cannot_do) {
  const DeployedTask task{.name = "servo", .period = 1ms, .wcet = 100us};
  WorkerConfig roaming = kControl;
  roaming.cpus = CpuSet::of(0, 1);
  EXPECT_EQ(explained({.workers = {&roaming, 1}, .tasks = {&task, 1}}),
            "unsupported: servo: its worker may run on several CPUs\n");
  EXPECT_EQ(explained({.workers = {}, .tasks = {&task, 1}}),
            "invalid: servo: no worker serves its lane\n");
}

TEST(AnalysisExplanation, says_what_servers_lack) {
  WorkerConfig server = kControl;
  server.scheduling = Deadline{.runtime = 600us, .deadline = 900us, .period = 1ms};
  WorkerConfig other = server;
  other.lane = LaneId{1};
  other.scheduling = Deadline{.runtime = 400us, .deadline = 900us, .period = 1ms};
  const WorkerConfig workers[] = {server, other};
  const DeployedTask task{.name = "servo", .period = 1ms, .wcet = 100us};
  EXPECT_EQ(explained({.workers = workers, .tasks = {&task, 1}}),
            "unschedulable: 1 of 1 tasks without a guarantee\n"
            "  servo: workers under SCHED_DEADLINE demand more than their CPU has, by 100us "
            "(load 100.00 %)\n");
}

}  // namespace
}  // namespace takt::test
