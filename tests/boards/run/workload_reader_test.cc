// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/workload_reader.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "takt/boards/run/grammar.h"
#include "takt/tests/boards/run/reading.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Reading reading;

TEST(WorkloadReader, takes_defaults_from_rt_app) {
  reading.interpret(R"({"tasks": {"t": {"run": 10}}})");
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const Workload& workload = reading.workload;
  EXPECT_LT(workload.duration, 0ns);
  EXPECT_TRUE(workload.lock_pages);
  ASSERT_EQ(workload.task_count, 1);
  const TaskDescription& task = workload.tasks()[0];
  EXPECT_EQ(task.name, "t");
  EXPECT_EQ(task.instances, 1);
  EXPECT_EQ(task.loop, kForever);
  EXPECT_TRUE(task.scheduling == Scheduling(Other{}));
  EXPECT_TRUE(task.cpus.empty());
  EXPECT_EQ(task.delay, 0ns);
  ASSERT_EQ(task.phase_count, 1);
  EXPECT_EQ(workload.phases(task)[0].loop, 1);
  EXPECT_EQ(workload.events(workload.phases(task)[0])[0].duration, 10us);
}

TEST(WorkloadReader, reads_all_that_it_executes) {
  reading.interpret(R"({
    "tasks": {
      "a": {"instance": 3, "policy": "SCHED_RR", "priority": 7, "cpus": [0, 2], "delay": 50,
            "phases": {"p": {"loop": 4, "run": 1, "runtime1": 2, "sleep_b": 3, "cpus": [2],
                             "timer": {"ref": "uniqueX", "period": 9, "mode": "absolute"}},
                       "q": {"run": 1, "run": 2}},
            "loop": 5},
      "b": {"priority": -3, "loop": 6, "run": 1},
      "c": {"policy": "SCHED_DEADLINE", "dl-runtime": 10, "dl-deadline": 20, "dl-period": 30,
            "run": 1}},
    "global": {"duration": 7, "default_policy": "SCHED_OTHER", "lock_pages": false}})");
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const Workload& workload = reading.workload;
  EXPECT_EQ(workload.duration, 7s);
  EXPECT_FALSE(workload.lock_pages);
  ASSERT_EQ(workload.task_count, 3);

  const TaskDescription& a = workload.tasks()[0];
  EXPECT_EQ(a.instances, 3);
  EXPECT_EQ(a.loop, 5);
  EXPECT_TRUE(a.scheduling == Scheduling(RoundRobin{.priority = 7}));
  EXPECT_TRUE(a.cpus == CpuSet::of(0, 2));
  EXPECT_EQ(a.delay, 50us);
  ASSERT_EQ(a.phase_count, 2);
  const PhaseDescription& p = workload.phases(a)[0];
  EXPECT_EQ(p.loop, 4);
  EXPECT_TRUE(p.cpus == CpuSet::of(2));
  ASSERT_EQ(p.event_count, 4);
  const auto events = workload.events(p);
  EXPECT_TRUE(events[0].kind == EventKind::run && events[1].kind == EventKind::runtime);
  EXPECT_TRUE(events[2].kind == EventKind::sleep && events[3].kind == EventKind::timer);
  EXPECT_EQ(events[3].duration, 9us);
  EXPECT_TRUE(workload.timers(a)[0].absolute && workload.timers(a)[0].unique);
  const auto repeated = workload.events(workload.phases(a)[1]);
  ASSERT_EQ(repeated.size(), 2);
  EXPECT_EQ(repeated[0].duration, 1us);
  EXPECT_EQ(repeated[1].duration, 2us);

  // The loop of a task without phases is its only phase's.
  const TaskDescription& b = workload.tasks()[1];
  EXPECT_EQ(b.loop, 1);
  EXPECT_EQ(workload.phases(b)[0].loop, 6);
  EXPECT_TRUE(b.scheduling == Scheduling(Other{.nice = -3}));
  EXPECT_TRUE(workload.tasks()[2].scheduling ==
              Scheduling(Deadline{.runtime = 10us, .deadline = 20us, .period = 30us}));
}

TEST(WorkloadReader, global_counts_wherever_it_stands) {
  reading.interpret(R"({"tasks": {"t": {"run": 1}}, "global": {"default_policy": "SCHED_FIFO"}})");
  ASSERT_TRUE(reading.ok);
  EXPECT_TRUE(reading.workload.tasks()[0].scheduling == Scheduling(Fifo{.priority = 10}));
}

TEST(WorkloadReader, says_what_it_does_not_use_and_why) {
  reading.interpret(R"({"global": {
 "logdir": "./", "gnuplot": true, "calibration": "CPU0"},
"tasks": {"t": {"run": 1}}})");
  EXPECT_TRUE(reading.ok);
  EXPECT_EQ(reading.notices(),
            "w:2:2: note: \"logdir\" is not used: takt writes no log; --json FILE has the figures\n"
            "w:2:18: note: \"gnuplot\" is not used: takt writes no log; --json FILE has the "
            "figures\n"
            "w:2:35: note: \"calibration\" is not used: \"run\" lasts until the thread's CPU clock "
            "has counted it\n");
}

TEST(WorkloadReader, is_silent_about_a_setting_that_takt_honours) {
  reading.interpret(R"({"global": {"ftrace": false, "gnuplot": false, "cumulative_slack": false,
 "pi_enabled": false, "frag": 1}, "tasks": {"t": {"run": 1}}})");
  EXPECT_TRUE(reading.ok);
  EXPECT_EQ(reading.notices(), "");
}

TEST(WorkloadReader, reports_in_the_order_of_the_file) {
  // Found in another order: keys first, then "global", then tasks, and scheduling at their end.
  reading.interpret(R"({"tasks": {
"t": {"priority": 99, "run": -1, "loop": 0},
"t": {"run": "x"}},
"global": {"duration": 0},
"resources": {}})");
  EXPECT_EQ(reading.diagnostics.error_count(), 6);
  std::vector<Place> places;
  for (const auto& error : reading.diagnostics.errors()) places.push_back(error.place);
  const std::vector<Place> expected = {{2, 19}, {2, 30}, {2, 42}, {3, 14}, {4, 24}, {5, 1}};
  EXPECT_TRUE(places == expected, "%s", reading.errors().c_str());
}

TEST(WorkloadReader, keeps_the_first_errors_of_the_file) {
  std::string text = "{\"tasks\": {\"t\": {\"loop\": 0";
  for (int i = 0; i < 12; ++i) text += ",\n\"lock\": \"m\"";
  reading.interpret(text + "}}}");  // the loop is looked at behind the locks
  EXPECT_EQ(reading.diagnostics.error_count(), 13);
  ASSERT_EQ(reading.diagnostics.errors().size(), 10);
  EXPECT_EQ(reading.diagnostics.errors()[0].place.line, 1);
  EXPECT_EQ(reading.diagnostics.errors()[9].place.line, 10);
}

TEST(WorkloadReader, reports_several_errors_in_one_go) {
  std::string text = "{\"tasks\": {\"t\": {\"run\": 1";
  for (int i = 0; i < 15; ++i) text += ",\n\"lock\": \"m\"";
  reading.interpret(text + "}}}");
  EXPECT_EQ(reading.diagnostics.error_count(), 15);
  EXPECT_EQ(reading.diagnostics.errors().size(), 10);
  EXPECT_TRUE(reading.errors().find("w:11:1: error: \"lock\" is not supported yet\n"
                                    "w: error: and 5 more\n") != std::string::npos);
}

struct Wrong {
  const char* name;
  const char* text;
  const char* errors;
};

TEST_EACH(
    WorkloadReader, places_errors_of_the_file_and_global,
    Wrong{"no_object", "[]",
          "w:1:1: error: expected an object with \"tasks\", found an empty array\n"},
    Wrong{"no_tasks", " {}", "w:1:2: error: there is no \"tasks\" object: nothing to run\n"},
    Wrong{"tasks_type", "{\"tasks\": 3}", "w:1:11: error: \"tasks\" expects an object, found 3\n"},
    Wrong{"empty_name", "{\"tasks\": {\"\": {\"run\": 1}, \"t\": {\"run\": 1}}}",
          "w:1:12: error: a task needs a name of printable characters\n"},
    Wrong{"escape_in_name", "{\"tasks\": {\"\\u001b[2J\": {\"run\": 1}, \"t\": {\"run\": 1}}}",
          "w:1:12: error: a task needs a name of printable characters\n"},
    Wrong{"escape_in_key", "{\"\\u001b[2J\": 1, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:2: error: unknown key \"?[2J\"\n"},
    Wrong{"no_task", "{\"tasks\": {}}", "w:1:2: error: no task has an instance: nothing to run\n"},
    Wrong{"resources", "{\"resources\": {}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:2: error: \"resources\" is not supported yet\n"},
    Wrong{"unknown", "{\"task\": {}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:2: error: unknown key \"task\"; did you mean \"tasks\"?\n"},
    Wrong{"duration_type", "{\"global\": {\"duration\": \"5\"}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:25: error: \"duration\" expects a whole number of seconds, or -1 for no limit, "
          "found \"5\"\n"},
    Wrong{"duration_fraction",
          "{\"global\": {\"duration\": 0.5}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:25: error: \"duration\" expects a whole number of seconds, or -1 for no limit, "
          "found 0.5\n"},
    Wrong{"policy",
          "{\"global\": {\"default_policy\": \"FIFO\"}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:31: error: \"default_policy\" expects SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, "
          "SCHED_FIFO, SCHED_RR or SCHED_DEADLINE as a string, found \"FIFO\"\n"},
    Wrong{"lock_pages", "{\"global\": {\"lock_pages\": 1}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:27: error: \"lock_pages\" expects true or false, found 1\n"},
    Wrong{"pi_enabled", "{\"global\": {\"pi_enabled\": true}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:1:13: error: \"pi_enabled\" true is not supported yet\n"},
    Wrong{"twice",
          "{\"global\": {\"duration\": 1,\n\"duration\": 2}, \"tasks\": {\"t\": {\"run\": 1}}}",
          "w:2:1: error: \"duration\" is given twice, first in line 1, column 13\n"}) {
  reading.interpret(param.text);
  EXPECT_FALSE(reading.ok);
  EXPECT_EQ(reading.errors(), param.errors);
}

TEST_EACH(
    WorkloadReader, places_errors_of_a_task,
    Wrong{"type", "4", "w:1:16: error: \"t\" expects an object that describes the task, found 4\n"},
    Wrong{"no_events", "{\"loop\": 1}",
          "w:1:12: error: task \"t\" has no events; expected run, runtime, sleep or timer\n"},
    Wrong{"unsupported_event", "{\"run\": 1, \"resume\": \"x\"}",
          "w:1:27: error: \"resume\" is not supported yet\n"},
    Wrong{"valueless_event", "{\"suspend\", \"run\": 1}",
          "w:1:17: error: \"suspend\" is not supported yet\n"},
    Wrong{"numbered_event", "{\"run\": 1, \"barrier2\": \"x\"}",
          "w:1:27: error: \"barrier2\" is not supported yet\n"},
    Wrong{"old_grammar", "{\"exec\": 5000, \"period\": 5000}",
          "w:1:17: error: \"exec\" is not supported yet\n"
          "w:1:31: error: \"period\" is not supported yet\n"},
    Wrong{"unknown", "{\"run\": 1, \"prioritty\": 3}",
          "w:1:27: error: unknown key \"prioritty\"; did you mean \"priority\"?\n"},
    Wrong{"no_event_name", "{\"runs\": 1}",
          "w:1:17: error: unknown key \"runs\"; did you mean \"run\"?\n"},
    Wrong{"unlike_any", "{\"run\": 1, \"colour\": 3}", "w:1:27: error: unknown key \"colour\"\n"},
    Wrong{"negative_run", "{\"run\": -1}",
          "w:1:24: error: \"run\" expects a whole number of microseconds, 0 to 2147483647, found "
          "-1\n"},
    Wrong{"sleep_type", "{\"sleep\": false}",
          "w:1:26: error: \"sleep\" expects a whole number of microseconds, 0 to 2147483647, found "
          "false\n"},
    Wrong{"no_value", "{\"run\"}",
          "w:1:17: error: \"run\" expects a whole number of microseconds, 0 to 2147483647, found "
          "nothing\n"},
    Wrong{"loop", "{\"loop\": 0, \"run\": 1}",
          "w:1:25: error: \"loop\" expects a whole number, 1 to 2147483647, or -1 for a loop "
          "without end, "
          "found 0\n"},
    Wrong{"instances", "{\"instance\": 65, \"run\": 1}",
          "w:1:2: error: 65 task instances; at most 64 are supported\n"},
    Wrong{"cpus_type", "{\"cpus\": 1, \"run\": 1}",
          "w:1:25: error: \"cpus\" expects an array of CPU numbers like [0, 1], found 1\n"},
    Wrong{"cpu", "{\"cpus\": [0, 1024], \"run\": 1}",
          "w:1:29: error: expected a CPU number from 0 to 1023, found 1024\n"},
    Wrong{"nice", "{\"priority\": 20, \"run\": 1}",
          "w:1:29: error: \"priority\" expects a nice value from -20 to 19 with SCHED_OTHER, found "
          "20\n"},
    Wrong{"fifo", "{\"policy\": \"SCHED_FIFO\", \"priority\": -19, \"run\": 1}",
          "w:1:53: error: \"priority\" expects a real-time priority from 1 to 99 with this policy, "
          "found -19\n"},
    Wrong{"deadline_alone", "{\"policy\": \"SCHED_DEADLINE\", \"run\": 1}",
          "w:1:27: error: SCHED_DEADLINE needs \"dl-runtime\"\n"},
    Wrong{"deadline_order",
          "{\"policy\": \"SCHED_DEADLINE\", \"dl-runtime\": 9, \"dl-period\": 8, \"run\": 1}",
          "w:1:59: error: SCHED_DEADLINE expects 2 <= dl-runtime <= dl-deadline <= dl-period, in "
          "microseconds\n"},
    Wrong{"deadline_key", "{\"dl-runtime\": 9, \"run\": 1}",
          "w:1:17: error: \"dl-runtime\" goes with SCHED_DEADLINE, not with SCHED_OTHER\n"},
    Wrong{"event_beside_phases", "{\"run\": 1, \"phases\": {\"p\": {\"run\": 1}}}",
          "w:1:17: error: \"run\" stands beside \"phases\" and would never be executed; move it "
          "into a phase\n"},
    Wrong{"empty_phases", "{\"phases\": {}}", "w:1:17: error: \"phases\" is empty\n"},
    Wrong{"empty_phase", "{\"phases\": {\"p\": {}}}",
          "w:1:28: error: phase \"p\" has no events; expected run, runtime, sleep or timer\n"},
    Wrong{"policy_of_phase", "{\"phases\": {\"p\": {\"run\": 1, \"priority\": 3}}}",
          "w:1:44: error: \"priority\" in a phase is not supported yet\n"},
    Wrong{"timer_type", "{\"timer\": 5}",
          "w:1:26: error: \"timer\" expects an object like { \"ref\": \"unique\", \"period\": 1000 "
          "}, found 5\n"},
    Wrong{"timer_mode", "{\"timer\": {\"ref\": \"unique\", \"period\": 5, \"mode\": \"fixed\"}}",
          "w:1:65: error: \"mode\" expects \"relative\" or \"absolute\", found \"fixed\"\n"},
    Wrong{"timer_key", "{\"timer\": {\"ref\": \"unique\", \"periode\": 5}}",
          "w:1:44: error: unknown key \"periode\"; did you mean \"period\"?\n"},
    Wrong{"shared_timer", "{\"instance\": 2, \"timer\": {\"ref\": \"tick\", \"period\": 5}}",
          "w:1:49: error: timer \"tick\" is shared by several threads, which is not supported yet; "
          "a name that begins with \"unique\" gives each its own\n"}) {
  const std::string text = std::string("{\"tasks\": {\"t\":") + param.text + "}}";
  reading.interpret(text);
  EXPECT_FALSE(reading.ok);
  EXPECT_EQ(reading.errors(), param.errors);
}

TEST(WorkloadReader, refuses_a_timer_of_two_tasks) {
  reading.interpret(R"({"tasks": {
"a": {"timer": {"ref": "tick", "period": 5}},
"b": {"timer": {"ref": "tick", "period": 5}}}})");
  EXPECT_EQ(reading.errors(),
            "w:3:24: error: timer \"tick\" is shared by several threads, which is not supported "
            "yet; a name that begins with \"unique\" gives each its own\n");
}

TEST(WorkloadReader, ends_at_its_limits) {
  std::string tasks = "{\"tasks\": {\n";
  for (int i = 0; i < 65; ++i) tasks += "\"t\": {\"run\": 1},\n";
  reading.interpret(tasks + "}}");
  EXPECT_EQ(reading.errors(), "w:66:1: error: more than 64 tasks\n");
  std::string events = "{\"tasks\": {\"t\": {";
  for (int i = 0; i < 2049; ++i) events += "\"run\": 1,";
  reading.interpret(events + "}}}");
  EXPECT_EQ(reading.diagnostics.error_count(), 1);
  EXPECT_EQ(std::string_view(reading.diagnostics.errors()[0].text), "more than 2048 events");
  std::string timers = "{\"tasks\": {\"t\": {";
  for (int i = 0; i < 17; ++i)
    timers += "\"timer\": {\"ref\": \"unique" + std::to_string(i) + "\"},";
  reading.interpret(timers + "}}}");
  EXPECT_EQ(std::string_view(reading.diagnostics.errors()[0].text),
            "more than 16 timers in one task");
}

TEST(Grammar, finds_numbered_events) {
  EXPECT_EQ(find_rule(task_keys(), "run")->name, "run");
  EXPECT_EQ(find_rule(task_keys(), "run12")->name, "run");
  EXPECT_EQ(find_rule(task_keys(), "runtime0")->name, "runtime");
  EXPECT_EQ(find_rule(task_keys(), "memrun_a")->name, "memrun");
  EXPECT_EQ(find_rule(task_keys(), "sleepB")->name, "sleep");
  EXPECT_EQ(find_rule(task_keys(), "runaway"), nullptr);
  EXPECT_EQ(find_rule(task_keys(), "loop2"), nullptr);
}

TEST(Grammar, suggests_only_what_is_near) {
  EXPECT_EQ(nearest_name(task_keys(), "tmier"), "");
  EXPECT_EQ(nearest_name(task_keys(), "timmer"), "timer");
  EXPECT_EQ(nearest_name(task_keys(), "dl-runtme"), "dl-runtime");
  EXPECT_EQ(nearest_name(global_keys(), "defaultpolicy"), "default_policy");
  EXPECT_EQ(nearest_name(global_keys(), "x"), "");
  EXPECT_EQ(nearest_name(global_keys(), std::string(1000, 'd')), "");
}

}  // namespace
}  // namespace takt::run
