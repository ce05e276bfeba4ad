// SPDX-License-Identifier: Apache-2.0
// monitor/deadline_supervision.h, fault_count.h: what is late is counted once, by the watchdog that
// finds it open or by the reporter that ends it; who comes in time is never accused, whatever is
// moved meanwhile.
#include "takt/monitor/deadline_supervision.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

constexpr TimePoint at(std::int64_t nanoseconds) { return from_ns(nanoseconds); }
constexpr DeadlineExpectation kSpan{.min = Duration(2), .max = Duration(5)};

/// One pair of checkpoints, its reporter and its watchdog.
struct Pair {
  // The reporter's.
  void start(std::int64_t time) { supervision.start(at(time), kSpan); }
  void finish(std::int64_t time) { supervision.finish(at(time), kSpan); }

  // The watchdog's.
  /// One glance. Whether what is late is open still.
  bool look(std::int64_t time) {
    Findings findings;
    supervision.judge(kSpan, {at(time), at(time)}, 0, 1, findings);
    bool open = false;
    for (std::uint32_t number = 0; number < findings.count; ++number) {
      const Finding& finding = findings.items[number];
      const bool is_late = finding.fault == Fault::checkpoint_late;
      require(is_late ? finding.measured > kSpan.max : finding.measured < kSpan.min,
              "it took that long, or as short");
      (is_late ? late : early) += finding.count;
      open = open || finding.count == 0;
    }
    return open;
  }
  void require_faults(std::uint64_t late_ones, std::uint64_t early_ones) {
    look(1000);  // nothing is open then
    require(late == late_ones, "each late one is counted once, and no other");
    require(early == early_ones, "each early one is counted once, and no other");
  }

  BasicDeadlineSupervision<ModelEnv> supervision;
  std::uint64_t late = 0;
  std::uint64_t early = 0;
};

void a_late_one_is_counted_once() {
  Pair pair;
  concurrently([&] { pair.start(10), pair.finish(20); },
               [&] {
                 pair.look(16);
                 if (pair.look(17)) require(pair.late == 1, "what is shown again was found before");
               });
  pair.require_faults(1, 0);
}

// The next one has begun when the watchdog accuses the one before.
void its_successor_is_not_accused() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.finish(20), pair.start(20), pair.finish(23); }, [&] { pair.look(16); });
  pair.require_faults(1, 0);
}

// A period: each time that the checkpoint is reached ends a span and begins one.
void a_period() {
  Pair pair;
  pair.start(10);
  concurrently(
      [&] {
        for (const std::int64_t time : {20, 24}) pair.finish(time), pair.start(time);
      },
      [&] { pair.look(16), pair.look(17); });
  pair.finish(27);
  pair.require_faults(1, 0);
}

void early_ones_are_counted() {
  Pair pair;
  concurrently([&] { pair.start(10), pair.finish(11), pair.start(20), pair.finish(21); },
               [&] { pair.look(12), pair.look(13); });
  pair.require_faults(0, 2);
}

// Each is shown with a time of its own kind.
void one_of_each() {
  Pair pair;
  concurrently([&] { pair.start(10), pair.finish(11), pair.start(20), pair.finish(30); },
               [&] { pair.look(12); });
  pair.require_faults(1, 1);
}

// What begins over is not early, and what comes after it is judged as ever.
void what_starts_over() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.finish(13), pair.start(20), pair.finish(23), pair.start(30); },
               [&] {
                 pair.supervision.restart({at(12), at(12)});
               });
  pair.finish(34);
  pair.require_faults(0, 0);
}

// Only what was open at the disturbance is moved. What has begun since is late when it is.
void a_disturbance() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.finish(13), pair.start(30); },
               [&] {
                 pair.supervision.exclude({at(11), at(29)});
               });
  pair.finish(34);
  pair.require_faults(0, 0);
  pair.start(40), pair.finish(46);
  pair.require_faults(1, 0);
}

// An accusation outlives a disturbance: it is not made again.
void accused_and_disturbed() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.finish(60); },
               [&] {
                 pair.look(16);
                 pair.supervision.exclude({at(16), at(50)});
                 pair.look(51);
               });
  pair.require_faults(1, 0);
}

// The reporter's successor begins while what its predecessor left is dropped.
void somebody_new() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.start(50), pair.finish(53); },
               [&] {
                 pair.look(16);
                 pair.supervision.reinstate(at(16), {at(40), at(40)});
               });
  // Also where the new one's first report was under way when it was dropped.
  pair.look(100);
  require(pair.late <= 1 && pair.early == 0, "the predecessor's, if anything");
  pair.late = 0;
  pair.start(60), pair.finish(66);
  pair.require_faults(1, 0);
}

// The successor hangs, perhaps before the watchdog knows that there is one: found all the same.
void somebody_new_who_hangs() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.start(50); },
               [&] {
                 pair.look(16);
                 pair.supervision.reinstate(at(16), {at(51), at(51)});
               });
  require(!pair.look(55), "it has its time");
  pair.late = 0;  // see above
  pair.look(57);
  require(pair.late == 1 && pair.look(58), "found, and shown");
}

// The reporter hangs for ever: found, and shown at each glance.
void one_that_does_not_come() {
  Pair pair;
  pair.start(10);
  concurrently([&] { pair.finish(14); },
               [&] {
                 if (pair.look(16)) require(false, "the first time it is counted");
               });
  const bool open = pair.look(17);
  require(!open || pair.late == 1, "shown again, counted once");
  require(pair.late <= 1, "counted once");
}

const Model kModels[] = {
    {"deadline: a late one is counted once", a_late_one_is_counted_once, {}, 3'800},
    {"deadline: its successor is not accused", its_successor_is_not_accused, {}, 840},
    {"deadline: a period", a_period, {.preemptions = 3}, 4'100},
    {"deadline: early ones are counted", early_ones_are_counted, {.preemptions = 3}, 12'900},
    {"deadline: one of each", one_of_each, {}, 28'000},
    {"deadline: what starts over", what_starts_over, {}, 40},
    {"deadline: a disturbance", a_disturbance, {}, 12},
    {"deadline: accused and disturbed", accused_and_disturbed, {}, 1'300},
    {"deadline: somebody new", somebody_new, {}, 3'100},
    {"deadline: somebody new who hangs", somebody_new_who_hangs, {}, 1'200},
    {"deadline: one that does not come", one_that_does_not_come, {.freezes = 1, .freezable = 1}, 5},
};

const ModelSet kSet(kModels, {"monitor/deadline_supervision.h", "monitor/fault_count.h"});

}  // namespace
}  // namespace takt::model
