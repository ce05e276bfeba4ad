// SPDX-License-Identifier: Apache-2.0
// In virtual time: reports and steps are told when they happen.
#include "takt/monitor/error_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::ErrorEntry;
using takt::ErrorKind;
using takt::ErrorKindConfig;
using takt::ErrorLog;
using takt::RateWindow;
using takt::RecoveryAction;
using takt::RecoveryRule;
using takt::Severity;
using takt::StaticErrorLog;
using takt::StatusCode;
using takt::TimePoint;

constexpr ErrorKind kBus{0}, kDisk{1};
constexpr ErrorKindConfig kKinds[] = {
    {.name = "i2c", .severity = Severity::warning, .window = 10s},
    {.name = "disk", .severity = Severity::critical, .window = 1h},
};
constexpr RecoveryRule kRules[] = {
    {.kind = kBus, .threshold = 0, .action = RecoveryAction::retry},
    {.kind = kBus, .threshold = 3, .action = RecoveryAction::reset_device},
    {.kind = kBus, .threshold = 5, .action = RecoveryAction::degrade},
    {.kind = kDisk, .threshold = 1, .action = RecoveryAction::stop},
};

TimePoint at(Duration time) { return takt::from_ns(time.count()); }

/// A log, and what its callbacks were told.
struct Fixture {
  Fixture() {
    EXPECT_OK(log.configure(kKinds, kRules));
    log.set_recovery(
        [](const ErrorEntry& entry, RecoveryAction action, void* self) noexcept {
          static_cast<Fixture*>(self)->actions.emplace_back(entry.kind, action);
        },
        this);
  }
  std::vector<RecoveryAction> actions_of(ErrorKind kind) {
    std::vector<RecoveryAction> of_kind;
    for (const auto& [whose, action] : std::exchange(actions, {})) {
      if (whose == kind) of_kind.push_back(action);
    }
    return of_kind;
  }
  void report_bus(Duration when) {
    EXPECT_TRUE(log.report_at(at(when), kBus, "no acknowledge"));
    log.step(at(when));
  }
  StaticErrorLog<4, 8, 6> log;
  std::vector<std::pair<ErrorKind, RecoveryAction>> actions;
};

TEST(RateWindow, counts_all_of_the_window_and_little_more) {
  RateWindow window;
  window.begin(8s);
  for (int second = 0; second < 100; ++second) {
    window.add(at(second * 1s), 1);
    // Those of the last 8 s, and of the second before.
    EXPECT_EQ(window.count(at(second * 1s + 999ms)), std::min(second + 1, 9));
  }
  EXPECT_EQ(window.count(at(107s)), 1);
  EXPECT_EQ(window.count(at(108s)), 0);
  window.add(at(24h), 5);
  window.add(at(24h - 7s), 1);  // late, and within
  window.add(at(24h - 9s), 1);  // too late
  EXPECT_EQ(window.count(at(24h)), 6);
  EXPECT_EQ(window.count(at(23h)), 6);
}

TEST(ErrorLog, keeps_the_newest) {
  Fixture fixture;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(fixture.log.report_at(at(i * 1s), i % 2 == 0 ? kBus : kDisk,
                                      "number " + std::to_string(i), i));
  }
  std::array<ErrorEntry, 20> entries;
  EXPECT_EQ(fixture.log.history(entries), 0);  // step() takes them
  EXPECT_EQ(fixture.log.step(at(10s)), 10);
  EXPECT_EQ(fixture.log.step(at(10s)), 0);
  ASSERT_EQ(fixture.log.history(entries), 6);
  for (int i = 0; i < 6; ++i) {
    const ErrorEntry& entry = entries[static_cast<std::size_t>(i)];
    EXPECT_EQ(entry.code, 9 - i);
    EXPECT_EQ(std::string(entry.text), "number " + std::to_string(9 - i));
    EXPECT_TRUE(entry.time == at((9 - i) * 1s));
    EXPECT_EQ(entry.thread, static_cast<std::uint32_t>(::gettid()));
    EXPECT_TRUE(entry.kind == (i % 2 == 0 ? kDisk : kBus));
    EXPECT_TRUE(entry.severity == (i % 2 == 0 ? Severity::critical : Severity::warning));
  }
  EXPECT_EQ(fixture.log.history(std::span(entries).first(2)), 2);
  EXPECT_EQ(fixture.log.taken(Severity::critical), 5);
  EXPECT_EQ(fixture.log.taken(Severity::warning), 5);
  EXPECT_EQ(fixture.log.taken(Severity::info), 0);
}

TEST(ErrorLog, cuts_a_text) {
  Fixture fixture;
  fixture.log.report(kBus, takt::Status(StatusCode::failed, std::string(80, 'x'), EIO));
  fixture.log.report(kBus, takt::Status());  // ok: nothing
  EXPECT_EQ(fixture.log.step(takt::now()), 1);
  std::array<ErrorEntry, 1> entries;
  ASSERT_EQ(fixture.log.history(entries), 1);
  EXPECT_EQ(std::string(entries[0].text), std::string(47, 'x'));
  EXPECT_EQ(entries[0].code, EIO);
}

// The recovery table, as an escalation: each rule fires when the window's errors reach its
// threshold, and again only after they have become fewer.
TEST(ErrorLog, recovers_as_the_table_says) {
  Fixture fixture;
  using enum RecoveryAction;
  using Actions = std::vector<RecoveryAction>;
  fixture.report_bus(100s);
  EXPECT_TRUE(fixture.actions_of(kBus) == Actions{retry});
  fixture.report_bus(101s);
  EXPECT_TRUE(fixture.actions_of(kBus) == Actions{retry});
  fixture.report_bus(102s);
  EXPECT_TRUE((fixture.actions_of(kBus) == Actions{retry, reset_device}));
  fixture.report_bus(103s);
  EXPECT_TRUE(fixture.actions_of(kBus) == Actions{retry});
  fixture.report_bus(104s);
  EXPECT_TRUE((fixture.actions_of(kBus) == Actions{retry, degrade}));
  EXPECT_EQ(fixture.log.figures(kBus, at(104s)).in_window, 5);
  EXPECT_EQ(fixture.log.figures(kBus, at(104s)).recoveries, 7);

  // A day later all are armed again, whether somebody stepped meanwhile or not.
  for (const Duration day : {Duration(24h), Duration(48h)}) {
    for (int i = 0; i < 3; ++i) fixture.report_bus(day + i * 1s);
    EXPECT_TRUE((fixture.actions_of(kBus) == Actions{retry, retry, retry, reset_device}));
    if (day == Duration(24h)) fixture.log.step(at(47h));
  }
  EXPECT_EQ(fixture.log.figures(kBus, at(72h)).in_window, 0);
  EXPECT_EQ(fixture.log.figures(kBus, at(72h)).reported, 11);
  EXPECT_EQ(fixture.log.figures(kDisk, at(72h)).recoveries, 0);
}

TEST(ErrorLog, a_time_that_cannot_be_spoils_no_rule) {
  Fixture fixture;
  const TimePoint now = at(3s);  // of uptime
  for (const Duration wrong :
       {Duration(-10s), Duration(-1s), Duration(1h), Duration(24h * 20'000)}) {
    EXPECT_TRUE(fixture.log.report_at(at(wrong), kBus, "when?"));
    fixture.log.step(now);
  }
  std::array<ErrorEntry, 4> entries;
  ASSERT_EQ(fixture.log.history(entries), 4);
  EXPECT_TRUE(entries[0].time == at(24h * 20'000));  // as it was reported
  EXPECT_EQ(fixture.log.figures(kBus, now).in_window, 4);
  // They have left the window: each rule works as before.
  fixture.actions.clear();
  for (int i = 0; i < 3; ++i) fixture.report_bus(60s);
  using enum RecoveryAction;
  EXPECT_TRUE((fixture.actions_of(kBus) == std::vector{retry, retry, retry, reset_device}));
}

TEST(ErrorLog, tells_listeners_of_their_severity) {
  StaticErrorLog<4, 1, 1> log;
  ASSERT_OK(log.configure(kKinds));
  int all = 0;
  int critical = 0;
  const auto count = [](const ErrorEntry&, void* counter) noexcept {
    ++*static_cast<int*>(counter);
  };
  ASSERT_OK(log.add_listener(count, &all));
  ASSERT_OK(log.add_listener(count, &critical, Severity::critical));
  log.report(kBus, "a");
  log.report(kDisk, "b");
  log.step(takt::now());
  EXPECT_EQ(all, 2);
  EXPECT_EQ(critical, 1);
  ASSERT_OK(log.add_listener(count, &all));
  ASSERT_OK(log.add_listener(count, &all));
  const takt::Status full = log.add_listener(count, &all);
  EXPECT_EQ(std::string(full.text()), "ErrorLog: 5 listeners, room for 4");
}

TEST(ErrorLog, a_flood_is_counted_and_fires_its_rules) {
  Fixture fixture;
  int refused = 0;
  for (std::size_t i = 0; i < ErrorLog::kInbox + 36; ++i) {
    refused += fixture.log.report_at(at(1s), kDisk, "full") ? 0 : 1;
  }
  fixture.log.report_at(at(1s), kBus, "no room either");
  EXPECT_EQ(refused, 36);
  EXPECT_EQ(fixture.log.step(at(2s)), ErrorLog::kInbox + 2);
  EXPECT_EQ(fixture.log.figures(kDisk, at(2s)).reported, ErrorLog::kInbox + 36);
  EXPECT_EQ(fixture.log.figures(kDisk, at(2s)).unrecorded, 36);
  EXPECT_EQ(fixture.log.figures(kDisk, at(2s)).in_window, ErrorLog::kInbox + 36);
  EXPECT_EQ(fixture.log.taken(Severity::critical), ErrorLog::kInbox + 36);
  // One that found no room counts as well as any.
  EXPECT_TRUE(fixture.actions_of(kBus) == std::vector{RecoveryAction::retry});
  std::array<ErrorEntry, 2> entries;
  fixture.log.history(entries);
  EXPECT_EQ(entries[0].count, 36);
  EXPECT_EQ(std::string(entries[0].text), "more reports than the log had room for");
}

TEST(ErrorLog, callbacks_may_read_and_report) {
  Fixture fixture;
  ASSERT_OK(fixture.log.add_listener(
      [](const ErrorEntry& entry, void* self) noexcept {
        Fixture& mine = *static_cast<Fixture*>(self);
        std::array<ErrorEntry, 1> newest;
        EXPECT_EQ(mine.log.history(newest), 1);
        EXPECT_TRUE(newest[0].kind == entry.kind);
        if (entry.kind == kBus) mine.log.report_at(entry.time, kDisk, "because of the bus");
      },
      &fixture));
  fixture.log.report_at(at(1s), kBus, "first");
  EXPECT_EQ(fixture.log.step(at(1s)), 2);
}

TEST(ErrorLog, sums_up) {
  Fixture fixture;
  char buffer[400];
  takt::TextWriter out(buffer, sizeof buffer);
  fixture.log.write_summary(out, at(1s));
  EXPECT_EQ(out.view(), "");
  fixture.report_bus(1s);
  fixture.report_bus(20s);
  fixture.log.write_summary(out, at(20s));
  EXPECT_EQ(out.view(), "warning i2c: 2, of these 1 in the last 10 s, recoveries: 2\n");
  EXPECT_TRUE(fixture.log.report_at(at(20s), kDisk, "worn out"));
  fixture.log.step(at(20s));
  out.clear();
  fixture.log.write_summary(out, at(20s));
  EXPECT_TRUE(
      out.view().ends_with("critical disk: 1, of these 1 in the last 1 h, recoveries: 1\n"));
  takt::TextWriter small(buffer, 10);
  fixture.log.write_summary(small, at(20s));
  EXPECT_TRUE(small.truncated());
}

TEST(ErrorLog, refuses_what_makes_no_sense) {
  StaticErrorLog<1, 1, 1> log;
  const auto text_of = [&](std::vector<ErrorKindConfig> kinds, std::vector<RecoveryRule> rules) {
    return std::string(log.configure(kinds, rules).text());
  };
  EXPECT_EQ(text_of({{.name = "a"}, {.name = "b"}}, {}), "ErrorLog: 2 kinds, room for 1");
  EXPECT_EQ(text_of({{.name = "a"}}, {{}, {}}), "ErrorLog: 2 rules, room for 1");
  EXPECT_EQ(text_of({{.name = ""}}, {}), "ErrorLog: kind 0 has no name");
  EXPECT_EQ(text_of({{.name = "a", .window = 7ns}}, {}),
            "ErrorLog: kind 0 has a window under 8 ns");
  EXPECT_EQ(text_of({{.name = "a", .severity = Severity{4}}}, {}),
            "ErrorLog: kind 0 has no such severity");
  EXPECT_EQ(text_of({{.name = "a"}}, {{.kind = kDisk}}),
            "ErrorLog: rule 0 is for a kind that is not there");
  EXPECT_EQ(text_of({{.name = "a"}}, {}), "");
  EXPECT_EQ(text_of({{.name = "a"}}, {}), "ErrorLog: configured already");
  StaticErrorLog<2, 1, 1> two;
  const ErrorKindConfig twice[] = {{.name = "a"}, {.name = "a"}};
  EXPECT_EQ(std::string(two.configure(twice).text()),
            "ErrorLog: kind 1 has the name of another one");
  EXPECT_ABORT([&] { log.report(kDisk, "x"); }, "no such kind");
}

// Threads that report, one that steps, one that reads: each thread's reports come in their order,
// and each is there or counted as unrecorded, once.
TEST(ErrorLogStress, each_report_is_taken_once_in_its_threads_order) {
  constexpr std::size_t kThreads = 3;
  static StaticErrorLog<kThreads, 1, 16> log;
  static std::array<std::int32_t, kThreads> last{};
  static std::array<std::uint64_t, kThreads> seen{};
  constexpr ErrorKindConfig kWhose[] = {{.name = "0"}, {.name = "1"}, {.name = "2"}};
  ASSERT_OK(log.configure(kWhose));
  static std::uint64_t disorder = 0;
  ASSERT_OK(log.add_listener([](const ErrorEntry& entry, void*) noexcept {
    const auto whose = static_cast<std::size_t>(entry.kind);
    seen[whose] += entry.count;
    if (entry.code == 0) return;  // those without room
    if (entry.code <= last[whose] || entry.text[0] != static_cast<char>('a' + whose)) ++disorder;
    last[whose] = entry.code;
  }));
  const auto reports = static_cast<std::int32_t>(40'000 / takt::test::time_scale());
  std::atomic<std::size_t> done{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (std::size_t whose = 0; whose < kThreads; ++whose) {
    threads.emplace_back([&, whose] {
      const std::string text(30, static_cast<char>('a' + whose));
      for (std::int32_t i = 1; i <= reports; ++i) {
        log.report(ErrorKind{static_cast<std::uint32_t>(whose)}, text, i);
        if (i % 32 == 0) std::this_thread::yield();
      }
      ++done;
    });
  }
  threads.emplace_back([&] {
    std::array<ErrorEntry, 16> entries;
    while (!over.load()) {
      const std::size_t count = log.history(entries);
      for (std::size_t i = 0; i < count; ++i) EXPECT_GT(entries[i].count, 0);
      EXPECT_LE(log.figures(ErrorKind{0}, takt::now()).reported, static_cast<unsigned>(reports));
      std::this_thread::yield();
    }
  });
  while (done.load() < kThreads) log.step(takt::now());
  while (log.step(takt::now()) != 0) {
  }
  over.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(disorder, 0);
  for (std::size_t whose = 0; whose < kThreads; ++whose) {
    EXPECT_EQ(seen[whose], static_cast<std::uint64_t>(reports));
  }
}

}  // namespace
