// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_HISTORY_H_
#define TAKT_TESTS_MODEL_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "takt/platform/check.h"
#include "takt/tests/model/engine.h"

namespace takt::model {

/// The calls of one execution, for linearizability.h: which were made, what came of them, and which
/// came before which. An object of the model's body, without heap memory; recording is no step.
///
/// *Before* means that the return of one happens before the begin of the other, as C++ orders them,
/// not that it came earlier in the execution at hand: no program can tell the latter. So what this
/// orders is a call's own thread, what a model adds (an Atomic by which one thread tells another),
/// and what the recorded calls themselves order.
///
/// `Call` says what was called and, once it is over, what came of it; copyable.
template <class Call, std::size_t kMost = 12>
class History {
  static_assert(kMost <= 32, "sets of calls are 32 bits");

 public:
  using CallSet = std::uint32_t;

  struct Entry {
    Call call;
    int thread;
    bool finished;
    CallSet before;  ///< the calls that came before it
    /// Of its return: the thread's own clock, by which others know of it.
    std::uint16_t end;
  };

  /// The running thread begins a call; its number, for end().
  int begin(const Call& call) {
    const int thread = Engine::get().scheduler().running();
    const ClockVector& known = Engine::get().memory().clocks(thread);
    CallSet before = 0;
    for (int i = 0; i < count_; ++i) {
      const Entry& entry = entries_[i];
      if (entry.finished && entry.end <= known[entry.thread]) before |= CallSet{1} << i;
    }
    return add({call, thread, false, before, 0});
  }

  /// The call returns; `call` as in begin(), with what came of it.
  void end(int number, const Call& call) {
    Entry& entry = entries_[number];
    entry.call = call;
    entry.finished = true;
    entry.end = Engine::get().memory().tick(entry.thread);
  }

  /// begin(), `run(call)`, end(): `run` makes the call, and writes into `call` what came of it.
  template <class Run>
  void record(Call call, Run&& run) {
    const int number = begin(call);
    std::forward<Run>(run)(call);
    end(number, call);
  }

  /// An entry written by hand; its number.
  int add(const Entry& entry) {
    TAKT_CHECK(count_ < static_cast<int>(kMost), "History: too small, give it a larger kMost");
    entries_[count_] = entry;
    return count_++;
  }

  int count() const { return count_; }
  const Entry& operator[](int number) const { return entries_[number]; }
  bool is_before(int first, int second) const {
    return (entries_[second].before >> first & 1U) != 0;
  }
  /// Whether neither is before the other.
  bool overlap(int one, int other) const {
    return one != other && !is_before(one, other) && !is_before(other, one);
  }

 private:
  Entry entries_[kMost];
  int count_ = 0;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_HISTORY_H_
