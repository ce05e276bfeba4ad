// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_LINEARIZABILITY_H_
#define TAKT_TESTS_MODEL_LINEARIZABILITY_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "takt/tests/model/engine.h"
#include "takt/tests/model/history.h"

namespace takt::model {

/// A history is linearizable (Herlihy and Wing 1990) if its calls can be put one after the other so
/// that no call comes ahead of one that was before it, and each returns what the specification says
/// in that place. A call that has not returned may be left out, or be put anywhere behind those
/// before it.
///
/// The search is that of Wing and Gong (1993) with Lowe's memory of what was tried (2017): it puts
/// a call that nobody is left before next, and goes back when no call fits. Exponential at worst;
/// histories of up to ten calls take a few microseconds.
///
/// A `Specification` is the sequential object: small, copyable, comparable, default-constructible,
/// and with
///
///   bool apply(const Call& call, const Around& around)
///       whether `call` may return what it did in this state; if so, does it. `around.any(which)`:
///       whether a call overlaps it of which `which(other)` holds, for contracts that are weaker
///       while others are unfinished.
///   void apply_unfinished(const Call& call)
///       does `call`, which has not returned, whatever it would return.
template <class Specification, class Calls>
class Linearization {
 public:
  /// What the specification may ask about the calls that overlap the one that it applies.
  class Around {
   public:
    Around(const Calls& history, int number) : history_(history), number_(number) {}
    template <class Which>
    bool any(const Which& which) const {
      for (int i = 0; i < history_.count(); ++i) {
        if (history_.overlap(number_, i) && which(history_[i].call)) return true;
      }
      return false;
    }

   private:
    const Calls& history_;
    int number_;
  };

  explicit Linearization(const Calls& history) : history_(history) {
    for (int i = 0; i < history.count(); ++i) {
      if (history[i].finished) finished_ |= CallSet{1} << i;
    }
  }

  /// Whether there is one that begins with `initial`.
  bool exists(const Specification& initial) { return search(0, initial); }

 private:
  using CallSet = typename Calls::CallSet;
  static constexpr int kRemembered = 64;

  bool search(CallSet placed, const Specification& state) {
    if ((finished_ & ~placed) == 0) return true;
    for (int i = 0; i < history_.count(); ++i) {
      const auto& entry = history_[i];
      // Nobody unplaced may be before it; all that are before are finished, so none is left out.
      if ((placed >> i & 1U) != 0 || (entry.before & ~placed) != 0) continue;
      Specification next = state;
      if (!entry.finished) {
        next.apply_unfinished(entry.call);
      } else if (!next.apply(entry.call, Around(history_, i))) {
        continue;
      }
      const CallSet with = placed | CallSet{1} << i;
      if (tried(with, next)) continue;
      if (search(with, next)) return true;
      remember(with, next);
    }
    return false;
  }

  bool tried(CallSet placed, const Specification& state) const {
    for (int i = 0; i < remembered_; ++i) {
      if (memory_[i].placed == placed && memory_[i].state == state) return true;
    }
    return false;
  }
  void remember(CallSet placed, const Specification& state) {
    // Full: it may search twice, that is all.
    if (remembered_ < kRemembered) memory_[remembered_++] = {placed, state};
  }

  struct Dead {
    CallSet placed = 0;
    Specification state;
  };

  const Calls& history_;
  CallSet finished_ = 0;
  Dead memory_[kRemembered];
  int remembered_ = 0;
};

/// Whether the calls of `history` can be explained one after the other, from `initial` on.
template <class Specification, class Call, std::size_t kMost>
bool is_linearizable(const History<Call, kMost>& history, const Specification& initial) {
  return Linearization<Specification, History<Call, kMost>>(history).exists(initial);
}

/// At the end of a model's body: fails the model unless `history` is linearizable, and lists the
/// calls. Needs `int describe(const Call&, bool finished, char* text, std::size_t size)`, which
/// writes as snprintf does.
template <class Specification, class Call, std::size_t kMost>
void require_linearizable(const History<Call, kMost>& history, const Specification& initial) {
  if (is_linearizable(history, initial)) return;
  char text[512] = "";
  std::size_t used = 0;
  const auto written = [&](int count) {
    if (count > 0) used += static_cast<std::size_t>(count);
    if (used >= sizeof text) used = sizeof text - 1;
  };
  for (int i = 0; i < history.count(); ++i) {
    const auto& entry = history[i];
    written(std::snprintf(text + used, sizeof text - used, "; %d: T%d ", i, entry.thread));
    written(describe(entry.call, entry.finished, text + used, sizeof text - used));
    const char* separator = ", after ";
    for (int k = 0; k < i; ++k) {
      if (!history.is_before(k, i)) continue;
      written(std::snprintf(text + used, sizeof text - used, "%s%d", separator, k));
      separator = " ";
    }
  }
  Engine::get().scheduler().fail("not linearizable%s", text);
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_LINEARIZABILITY_H_
