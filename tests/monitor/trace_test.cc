// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "takt/executor/executor.h"
#include "takt/executor/manual_executor.h"
#include "takt/monitor/executor_view.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/monitor/strict_json.h"
#include "takt/tests/monitor/trace_reading.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ExecutorView;
using takt::LaneId;
using takt::StaticTrace;
using takt::Trace;
using takt::test::expect_strict_json;
using takt::test::TraceReading;
using takt::test::TraceRecord;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr takt::ExecutorLimits kLimits{
    .workers = 2, .lanes = 2, .jobs_per_lane = 4, .tasks = 4, .events_per_worker = 256};
takt::ManualExecutor<kLimits> manual(takt::from_ns(1'000'000'000));
takt::StaticExecutor<kLimits> threads;

/// All that next() has to give now; pieces of `size` bytes.
std::string drain(Trace& trace, std::size_t size = Trace::kMinBuffer) {
  std::vector<char> buffer(size);
  std::string text;
  for (;;) {
    const std::string_view piece = trace.next(buffer);
    if (piece.empty()) return text;
    EXPECT_LE(piece.size(), size);
    text += piece;
  }
}

std::string finish(Trace& trace) {
  std::array<char, Trace::kMinBuffer> buffer;
  return std::string(trace.finish(buffer));
}

std::string whole(Trace& trace) {
  std::string text = drain(trace);
  return text += finish(trace);
}

TEST(Trace, shows_each_worker_its_jobs_and_what_befell_them) {
  auto servo =
      manual.add_task({.name = "servo", .lane = kFirst, .period = 10ms, .deadline = 3ms}, [] {});
  ASSERT_OK(servo);
  manual.set_execution_time(*servo, 2ms);
  const takt::WorkerConfig workers[] = {{.name = "control", .lane = kFirst},
                                        {.name = "aside", .lane = kSecond}};
  ASSERT_OK(manual.start(workers));
  ASSERT_OK(manual.post([] {}, {.lane = kSecond}));
  manual.run_for(5ms);
  manual.set_execution_time(*servo, 4500us);  // past its deadline
  manual.run_for(12ms);
  StaticTrace<2> trace{ExecutorView(manual)};
  const std::string text = whole(trace);
  expect_strict_json(text);
  const TraceReading reading(text);
  EXPECT_EQ(reading.find("M", "process_name")->argument("name")->text, "takt");
  const std::vector<std::string> control = reading.on_track(1);
  const std::vector<std::string> expected = {"M thread_name",
                                             "M thread_sort_index",
                                             "i release servo",
                                             "B servo",
                                             "E",
                                             "B asleep",
                                             "E",
                                             "i release servo",
                                             "B servo",
                                             "E",
                                             "i deadline miss servo",
                                             "B asleep"};
  ASSERT_EQ(control.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(control[i], expected[i]);
  EXPECT_EQ(reading.find("M", "thread_name")->argument("name")->text, "control");
  EXPECT_TRUE(reading.find("B", "job") != nullptr);  // the posted one
  EXPECT_EQ(reading.find("B", "job")->track, 2);

  // The first job: from 1 s to 1.002 s; the second ran 4.5 ms from 1.01 s on.
  const TraceRecord* first = reading.find("B", "servo");
  EXPECT_EQ(first->time, 1'000'000.0);
  EXPECT_EQ(first->argument("job")->integer, 0);
  EXPECT_EQ(first->argument("lane")->integer, 0);
  EXPECT_EQ(first->argument("release_jitter_us")->integer, 0);
  const TraceRecord& end = *(first + 2);  // behind the counter
  EXPECT_EQ(end.phase, "E");
  EXPECT_EQ(end.time, 1'002'000.0);
  EXPECT_EQ(end.argument("end")->text, "completed");
  EXPECT_EQ((first + 1)->phase, "C");
  EXPECT_EQ((first + 1)->argument("response time us")->integer, 2000);
  EXPECT_EQ(reading.find("i", "deadline miss servo")->time, 1'014'500.0);
  EXPECT_EQ(reading.find("i", "deadline miss servo")->argument("job")->integer, 1);
  EXPECT_EQ(reading.check_nesting(), 4);
  EXPECT_EQ(reading.total("events_lost"), 0);
  EXPECT_EQ(reading.total("events"), static_cast<std::int64_t>(trace.events()));
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, says_what_it_lost) {
  static takt::ManualExecutor<takt::ExecutorLimits{.tasks = 1, .events_per_worker = 16}> small;
  ASSERT_OK(small.add_task({.name = "t", .period = 1ms}, [] {}));
  const takt::WorkerConfig workers[] = {{.name = "w"}};
  ASSERT_OK(small.start(workers));
  StaticTrace<1> trace{ExecutorView(small)};
  small.run_for(1500us);
  std::string text = drain(trace);
  const std::uint64_t before = trace.events();
  EXPECT_GT(before, 0);
  EXPECT_EQ(trace.lost(), 0);
  small.run_for(100ms);  // five events a millisecond
  text += drain(trace);
  text += finish(trace);
  const std::uint64_t written = small.worker_events(0).written();
  EXPECT_EQ(trace.events() + trace.lost(), written);
  EXPECT_GT(trace.lost(), 400);
  const TraceReading reading(text);
  reading.check_nesting();
  EXPECT_EQ(reading.total("events_lost"), static_cast<std::int64_t>(trace.lost()));
  const std::string lost = std::to_string(trace.lost()) + " events lost";
  ASSERT_TRUE(reading.find("i", lost) != nullptr);
  EXPECT_EQ(reading.find("C", "events lost")->argument("events")->integer,
            static_cast<std::int64_t>(trace.lost()));
  // It slept when the loss began: that slice says so.
  bool marked = false;
  for (const TraceRecord& record : reading.records) {
    const auto* how = record.phase == "E" ? record.argument("end") : nullptr;
    marked = marked || (how != nullptr && how->text == "lost");
  }
  EXPECT_TRUE(marked);
  EXPECT_OK(small.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, escapes_names) {
  ASSERT_OK(
      manual.add_task({.name = "a\"b\\c\n\xff\xc3\xa9", .lane = kFirst, .period = 1ms}, [] {}));
  const takt::WorkerConfig workers[] = {{.name = "w\"\x01", .lane = kFirst}};
  ASSERT_OK(manual.start(workers));
  manual.run_for(500us);
  StaticTrace<2> trace(ExecutorView(manual), "p\t\"");
  const std::string text = whole(trace);
  expect_strict_json(text);
  const TraceReading reading(text);
  EXPECT_TRUE(reading.find("B", "a\"b\\c\n\ufffd\u00e9") != nullptr);
  EXPECT_EQ(reading.find("M", "process_name")->argument("name")->text, "p\t\"");
  EXPECT_EQ(reading.find("M", "thread_name")->argument("name")->text, "w\"\x01");
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, a_piece_never_ends_inside_a_record) {
  ASSERT_OK(manual.add_task({.name = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
                             .lane = kFirst,
                             .period = 1ms,
                             .deadline = 1us},
                            [] {}));
  manual.set_execution_time(100us);
  const takt::WorkerConfig workers[] = {{.name = "w", .lane = kFirst}};
  ASSERT_OK(manual.start(workers));
  manual.run_for(30ms);
  StaticTrace<2> small{ExecutorView(manual)};
  StaticTrace<2> large{ExecutorView(manual)};
  std::array<char, Trace::kMinBuffer> buffer;
  std::string pieces;
  int count = 0;
  for (;; ++count) {
    const std::string_view piece = small.next(buffer);
    if (piece.empty()) break;
    EXPECT_TRUE(piece.ends_with('}'));
    pieces += piece;
  }
  EXPECT_GT(count, 3);
  EXPECT_EQ(pieces, drain(large, 1 << 20));
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, without_rings_it_is_empty_but_whole) {
  static takt::ManualExecutor<takt::ExecutorLimits{}> silent;
  StaticTrace<1> trace{ExecutorView(silent)};
  const std::string text = whole(trace);
  expect_strict_json(text);
  const TraceReading reading(text);
  EXPECT_EQ(reading.records.size(), 1);
  EXPECT_EQ(reading.total("events"), 0);
}

TEST(Trace, says_how_many_workers_have_no_track) {
  const takt::WorkerConfig workers[] = {{.name = "a", .lane = kFirst},
                                        {.name = "b", .lane = kSecond}};
  ASSERT_OK(manual.start(workers));
  StaticTrace<1> trace{ExecutorView(manual)};
  const TraceReading reading(whole(trace));
  EXPECT_EQ(reading.total("workers_without_track"), 1);
  EXPECT_EQ(reading.on_track(2).size(), 0);
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, goes_on_after_a_restart_with_fewer_workers) {
  const takt::WorkerConfig workers[] = {{.name = "a", .lane = kFirst},
                                        {.name = "b", .lane = kSecond}};
  ASSERT_OK(manual.start(workers));
  StaticTrace<2> trace{ExecutorView(manual)};
  drain(trace);
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
  drain(trace);
  ASSERT_OK(manual.start(std::span(workers, 1)));
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = trace.events();
    ASSERT_OK(manual.post([] {}, {.lane = kFirst}));
    manual.run_for(1ms);
    drain(trace);
    EXPECT_GE(trace.events(), before + 2);  // start and end
  }
  EXPECT_OK(manual.stop(takt::StopMode::cancel, 1s));
}

TEST(Trace, says_that_it_could_not_be_written) {
  StaticTrace<2> trace{ExecutorView(manual)};
  std::array<char, Trace::kMinBuffer> buffer;
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  EXPECT_EQ(trace.write_to(full, buffer).error_number(), ENOSPC);
  EXPECT_EQ(trace.finish_to(full, buffer).error_number(), ENOSPC);
  ::close(full);
}

TEST(Trace, reads_along_with_workers_that_run) {
  // Two jobs that post each other, without a pause; the trace reads what it can.
  static std::atomic<bool> over{false};
  struct Volley {
    static void hit(takt::Executor& executor, LaneId lane, int left) noexcept {
      if (left == 0) return over.store(true);
      EXPECT_OK(executor.post([&executor, lane, left] { hit(executor, lane, left - 1); },
                              {.lane = lane == kFirst ? kSecond : kFirst}));
    }
  };
  const takt::test::Running running(
      threads, {{.name = "one", .lane = kFirst}, {.name = "two", .lane = kSecond}});
  StaticTrace<2> trace{ExecutorView(threads)};
  std::string text;
  Volley::hit(threads, kFirst, 2'000);
  while (!over.load()) text += drain(trace);
  text += drain(trace);
  text += finish(trace);
  const TraceReading reading(text);
  reading.check_nesting();
  EXPECT_GT(reading.total("events"), 0);
}

/// A worker that noted what the test says.
struct Recorded {
  std::array<takt::EventRing::Cell, 32> cells{};
  takt::EventRing ring;
  takt::WorkerStats stats;

  Recorded() { ring.attach(cells.data(), static_cast<std::uint32_t>(cells.size())); }
  static std::uint32_t worker_count() noexcept { return 1; }
  static const char* worker_name(std::uint32_t /*worker*/) noexcept { return "w"; }
  const takt::WorkerStats& worker_stats(std::uint32_t /*worker*/) noexcept { return stats; }
  const takt::EventRing& worker_events(std::uint32_t /*worker*/) noexcept { return ring; }
  static std::uint32_t task_count() noexcept { return 2; }
  struct Task {
    std::uint32_t number;
    const char* name() const noexcept { return number == 0 ? "servo" : "log"; }
    static const takt::TaskStats& stats() noexcept { std::abort(); }
  };
  static Task task(std::uint32_t number) noexcept { return {number}; }
};

TEST(Trace, shows_each_kind_of_event) {
  using takt::EventKind;
  using takt::WorkerEvent;
  static Recorded recorded;
  std::int64_t milliseconds = 0;
  const auto note = [&milliseconds](EventKind kind, WorkerEvent::Subject subject) {
    recorded.ring.record({kind, ++milliseconds * 1'000'000, subject});
  };
  const auto servo = WorkerEvent::job_of(2, true, 0, 41);
  const auto log = WorkerEvent::job_of(2, true, 1, 7);
  const auto posted = WorkerEvent::job_of(2, false, 3, 9);
  const auto worker = WorkerEvent::worker_of(2);
  note(EventKind::completed, servo);  // 1: both began before the trace did
  note(EventKind::failed, posted);
  note(EventKind::release, log);  // 3
  note(EventKind::start, log);
  note(EventKind::failed, log);
  note(EventKind::budget_overrun, log);
  note(EventKind::deadline_miss, log);
  note(EventKind::cancelled, posted);  // 8
  note(EventKind::cancelled, servo);
  note(EventKind::overrun, servo);  // 10
  note(EventKind::pause, worker);
  note(EventKind::resume, worker);
  note(EventKind::park, worker);
  note(EventKind::wake, worker);
  note(EventKind::start, posted);  // 15: its release was lost
  note(EventKind::completed, posted);
  note(static_cast<EventKind>(13), log);  // 17: of a later version
  StaticTrace<1> trace{ExecutorView(recorded)};
  const std::string text = whole(trace);
  expect_strict_json(text);
  const TraceReading reading(text);
  const std::vector<std::string> expected = {"M thread_name",
                                             "M thread_sort_index",
                                             "i completed servo",
                                             "i failed job",
                                             "i release log",
                                             "B log",
                                             "E",
                                             "i budget overrun log",
                                             "i deadline miss log",
                                             "i cancelled job",
                                             "i cancelled servo",
                                             "i overrun servo",
                                             "B paused",
                                             "E",
                                             "B asleep",
                                             "E",
                                             "B job",
                                             "E",
                                             "i unknown event log"};
  const std::vector<std::string> track = reading.on_track(1);
  ASSERT_EQ(track.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(track[i], expected[i]);
  EXPECT_EQ(reading.check_nesting(), 4U);

  struct Instant {
    const char* name;
    double milliseconds;
    std::int64_t job;  // of a posted one its use
  };
  for (const Instant& instant : {Instant{"completed servo", 1, 41},
                                 {"failed job", 2, 9},
                                 {"release log", 3, 7},
                                 {"budget overrun log", 6, 7},
                                 {"deadline miss log", 7, 7},
                                 {"cancelled job", 8, 9},
                                 {"cancelled servo", 9, 41},
                                 {"overrun servo", 10, 41},
                                 {"unknown event log", 17, 7}}) {
    const TraceRecord* const record = reading.find("i", instant.name);
    ASSERT_TRUE(record != nullptr, "%s", instant.name);
    EXPECT_EQ(record->time, 1000 * instant.milliseconds);
    EXPECT_EQ(record->argument("lane")->integer, 2);
    const auto* const job = record->argument("job");
    EXPECT_EQ(job != nullptr, !std::string_view(instant.name).ends_with("job"));
    EXPECT_EQ((job != nullptr ? job : record->argument("use"))->integer, instant.job);
    if (job == nullptr) EXPECT_EQ(record->argument("slot")->integer, 3);
  }
  // The ends, in their order: of who failed, of two sleeps, of the posted job.
  std::vector<std::string> ends;
  for (const TraceRecord& record : reading.records) {
    if (record.phase != "E") continue;
    const auto* const how = record.argument("end");
    ends.push_back(std::to_string(static_cast<int>(record.time)) + " " +
                   (how != nullptr ? std::string(how->text) : ""));
  }
  ASSERT_EQ(ends.size(), 4U);
  EXPECT_EQ(ends[0], "5000 failed");
  EXPECT_EQ(ends[1], "12000 ");
  EXPECT_EQ(ends[2], "14000 ");
  EXPECT_EQ(ends[3], "16000 completed");
  // From release to start 1 ms, to the end 2; of the posted job nothing is known.
  EXPECT_EQ(reading.find("B", "log")->argument("release_jitter_us")->integer, 1000);
  EXPECT_EQ(reading.find("C", "log")->argument("response time us")->integer, 2000);
  EXPECT_TRUE(reading.find("B", "job")->argument("release_jitter_us") == nullptr);
  EXPECT_EQ(reading.total("events"), 17);
}

TEST(Trace, a_round_ends_however_fast_the_workers_are) {
  // The reader takes at most a ring's length in a round, though more is noted meanwhile.
  std::array<takt::EventRing::Cell, 8> cells{};
  struct Endless {
    takt::EventRing ring;
    takt::WorkerStats stats;
    std::uint64_t noted = 0;
    static std::uint32_t worker_count() noexcept { return 1; }
    static const char* worker_name(std::uint32_t /*worker*/) noexcept { return "w"; }
    const takt::WorkerStats& worker_stats(std::uint32_t /*worker*/) noexcept { return stats; }
    const takt::EventRing& worker_events(std::uint32_t /*worker*/) noexcept { return ring; }
    // Called with each event: by then there is another one.
    std::uint32_t task_count() noexcept {
      ++noted;
      ring.record({takt::EventKind::overrun, static_cast<std::int64_t>(noted),
                   takt::WorkerEvent::job_of(0, true, 0, noted)});
      return 0;
    }
    struct Task {
      static const char* name() noexcept { return ""; }
      static const takt::TaskStats& stats() noexcept { std::abort(); }
    };
    static Task task(std::uint32_t /*task*/) noexcept { return {}; }
  };
  static Endless endless;
  endless.ring.attach(cells.data(), 8);
  endless.task_count();
  StaticTrace<1> trace{ExecutorView(endless)};
  const std::string first = drain(trace);
  EXPECT_EQ(trace.events(), 8);
  drain(trace);
  EXPECT_EQ(trace.events(), 16);
}

TEST(Trace, misuse_aborts) {
  static StaticTrace<2> trace{ExecutorView(manual)};
  static std::array<char, Trace::kMinBuffer> buffer;
  EXPECT_ABORT([] { trace.next(std::span(buffer).first(100)); }, "too small for a piece");
  trace.finish(buffer);
  EXPECT_ABORT([] { trace.finish(buffer); }, "finish() twice");
  EXPECT_ABORT([] { trace.next(buffer); }, "after finish");
}

}  // namespace
