// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_DEADLINE_SUPERVISION_H_
#define TAKT_MONITOR_DEADLINE_SUPERVISION_H_

#include <atomic>
#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/monitor/fault_count.h"
#include "takt/monitor/supervision.h"
#include "takt/platform/time.h"
#include "takt/sync/env.h"

// One word that the reporter and the watchdog share, the span from one checkpoint to another:
//
//   bit 0      kOpen: the first checkpoint was reached, the second one not yet. Set by start(),
//              cleared by finish() and, of one who is no more, by reinstate().
//   bit 1      kAccused: the watchdog has found it late already. Set by judge(), cleared by the
//              reporter, who then does not count it a second time.
//   bit 2      kMoved: its beginning was moved, so it may seem early. Set by restart() and
//              exclude(), cleared by the reporter.
//   bits 3-63  when it began, nanoseconds (73 years)
//
//   [closed] --start--> [open] --finish--> [closed], perhaps counted early or late
//                       |    ^
//                       |    '-- restart, exclude: from later on
//                       |--judge--> [open | accused] --finish--> [closed]
//                       '--reinstate, when it began before its entity expired--> [closed]
//
// The watchdog changes the word by CAS and the reporter by exchange, so each span is counted once;
// one that is late and open is shown at each glance, so that no reference cycle goes by without it.

namespace takt::inline v0 {

/// How long it shall take from one checkpoint to another. `max` 0: not supervised.
struct DeadlineExpectation {
  Duration min{};
  Duration max{};
};

/// Deadline supervision of one pair of checkpoints. The reporter's side measures and judges what
/// has come; the watchdog's side finds what does not come.
template <class Env>
class BasicDeadlineSupervision {
 public:
  /// The first checkpoint was reached. Again without the second one: the span begins anew.
  /// Blocks: no. Bound: wait-free. Callable from: the reporter, as finish().
  void start(TimePoint at, const DeadlineExpectation& expected) noexcept {
    close(pack(at) | kOpen, at, expected, false);
  }
  /// The second checkpoint was reached; without the first one it means nothing.
  void finish(TimePoint at, const DeadlineExpectation& expected) noexcept {
    close(0, at, expected, true);
  }

  /// Reads what the reporter has counted and left open; says what is new and wrong.
  /// Blocks: no. Bound: wait-free. Callable from: the watchdog, as the others.
  void judge(const DeadlineExpectation& expected, const Look& look, std::uint32_t from,
             std::uint32_t to, Findings& findings) noexcept;
  /// What was counted is forgotten, what is open begins now. A report that is under way may still
  /// count, here and in reinstate().
  void restart(const Look& look) noexcept;
  /// What was open when its entity expired was somebody's who is no more. What began later is of
  /// whoever was put in that one's place before the watchdog came to know, and may hang as well: as
  /// restart(). No exclude() in between: it would move beginnings beyond `expired`.
  void reinstate(TimePoint expired, const Look& look) noexcept;
  /// The disturbance is no part of what is open.
  void exclude(const Disturbance& disturbance) noexcept;
  /// What was counted is forgotten; what is open goes on.
  void forget_counted() noexcept {
    early_.forget();
    late_.forget();
  }

 private:
  /// Faults of one kind: what the reporter has counted, and what of it the watchdog has seen.
  struct Tally {
    void add(Duration took) noexcept {
      measured.set(static_cast<std::uint64_t>(took.count()));
      count.add();
    }
    void judge(Finding finding, Findings& findings) noexcept {
      const std::uint64_t counted = count.get();
      finding.count = counted - seen;
      finding.measured = Duration{static_cast<std::int64_t>(measured.get())};
      if (finding.count != 0) findings.add(finding);
      seen = counted;
    }
    void forget() noexcept { seen = count.get(); }

    BasicFaultCount<Env> count;
    BasicCounter<Env> measured;  // of the last one
    std::uint64_t seen = 0;
  };

  static constexpr std::uint64_t kOpen = 1;
  static constexpr std::uint64_t kAccused = 2;
  static constexpr std::uint64_t kMoved = 4;
  static constexpr unsigned kShift = 3;

  static constexpr std::uint64_t pack(TimePoint time) noexcept {
    return static_cast<std::uint64_t>(to_ns(time)) << kShift;
  }
  static constexpr TimePoint unpack(std::uint64_t word) noexcept {
    return from_ns(static_cast<std::int64_t>(word >> kShift));
  }

  void move_begin(std::uint64_t span, TimePoint begin, std::uint64_t flags) noexcept;

  void close(std::uint64_t next, TimePoint at, const DeadlineExpectation& expected,
             bool finished) noexcept {
    // relaxed: the word alone carries the decision.
    const std::uint64_t span = word_.exchange(next, std::memory_order_relaxed);
    if ((span & (kOpen | kAccused)) != kOpen || expected.max <= Duration::zero()) return;
    const Duration took = at - unpack(span);
    if (took > expected.max) {
      late_.add(took);
    } else if (finished && took < expected.min && (span & kMoved) == 0) {
      early_.add(took);
    }
  }

  typename Env::template Atomic<std::uint64_t> word_{0};
  Tally early_;
  Tally late_;
};

template <class Env>
void BasicDeadlineSupervision<Env>::judge(const DeadlineExpectation& expected, const Look& look,
                                          std::uint32_t from, std::uint32_t to,
                                          Findings& findings) noexcept {
  Finding finding{
      .fault = Fault::checkpoint_early, .kind = Supervision::deadline, .from = from, .to = to};
  early_.judge(finding, findings);
  finding.fault = Fault::checkpoint_late;
  late_.judge(finding, findings);
  if (expected.max <= Duration::zero()) return;
  // relaxed, here and below: as in close().
  std::uint64_t span = word_.load(std::memory_order_relaxed);
  if ((span & kOpen) == 0) return;
  const Duration takes = look.begin - unpack(span);
  if (takes <= expected.max) return;
  // Accused already: late still, so that no cycle of its is without fault.
  const bool again = (span & kAccused) != 0;
  // Fails when the reporter came meanwhile: then it has counted itself.
  if (!again && !word_.compare_exchange_strong(span, span | kAccused, std::memory_order_relaxed,
                                               std::memory_order_relaxed)) {
    return;
  }
  finding.count = again ? 0 : 1;
  finding.measured = takes;
  findings.add(finding);
}

template <class Env>
void BasicDeadlineSupervision<Env>::move_begin(std::uint64_t span, TimePoint begin,
                                               std::uint64_t flags) noexcept {
  // relaxed: the word is all that is exchanged with the reporter. Fails when the reporter came
  // meanwhile: nothing is open then, or what is open is new.
  static_cast<void>(word_.compare_exchange_strong(span, pack(begin) | kOpen | kMoved | flags,
                                                  std::memory_order_relaxed,
                                                  std::memory_order_relaxed));
}

template <class Env>
void BasicDeadlineSupervision<Env>::restart(const Look& look) noexcept {
  const std::uint64_t span = word_.load(std::memory_order_relaxed);  // relaxed: see move_begin()
  // What has begun since the glance keeps its beginning, or it would seem longer than it is.
  if ((span & kOpen) != 0 && unpack(span) < look.end) move_begin(span, look.end, 0);
  forget_counted();
}

template <class Env>
void BasicDeadlineSupervision<Env>::reinstate(TimePoint expired, const Look& look) noexcept {
  std::uint64_t span = word_.load(std::memory_order_relaxed);  // relaxed: see move_begin()
  if ((span & kOpen) != 0 && unpack(span) < expired) {
    // Fails when the reporter came meanwhile: what is open then is the new one's.
    static_cast<void>(word_.compare_exchange_strong(span, 0, std::memory_order_relaxed,
                                                    std::memory_order_relaxed));
  }
  restart(look);
}

template <class Env>
void BasicDeadlineSupervision<Env>::exclude(const Disturbance& disturbance) noexcept {
  const std::uint64_t span = word_.load(std::memory_order_relaxed);  // relaxed: see move_begin()
  if ((span & kOpen) == 0) return;
  const TimePoint began = unpack(span);
  const TimePoint moved = disturbance.moved(began);
  if (moved != began) move_begin(span, moved, span & kAccused);
}

using DeadlineSupervision = BasicDeadlineSupervision<ThreadEnv>;
extern template class BasicDeadlineSupervision<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_DEADLINE_SUPERVISION_H_
