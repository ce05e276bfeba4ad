// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_CLOCK_VECTOR_H_
#define TAKT_TESTS_MODEL_CLOCK_VECTOR_H_

#include <cstdint>

#include "takt/tests/model/limits.h"

namespace takt::model {

/// One clock per thread. Two readings: as a *view* it says up to which of its own steps each
/// thread is known (step c of thread u happens before the owner's next step iff view[u] >= c); as
/// a record of *first steps* it says when each thread first did something, kNever if not yet.
/// All threads fit one vector register: joining and comparing are a few instructions.
class ClockVector {
 public:
  static constexpr std::uint16_t kNever = 0xFFFF;

  static ClockVector none() { return ClockVector(); }
  static ClockVector never() {
    ClockVector clocks;
    clocks.lanes_ = ~clocks.lanes_;
    return clocks;
  }

  std::uint16_t operator[](int thread) const { return lanes_[thread]; }
  void set(int thread, std::uint16_t clock) { lanes_[thread] = clock; }
  std::uint16_t tick(int thread) { return ++lanes_[thread]; }

  void join(const ClockVector& other) { lanes_ = other.lanes_ > lanes_ ? other.lanes_ : lanes_; }
  /// Whether any of these first steps is known to `view`.
  bool any_known_to(const ClockVector& view) const {
    const auto mask = reinterpret_cast<Halves>(lanes_ <= view.lanes_);
    return (mask[0] | mask[1]) != 0;
  }
  /// Whether every one of these last steps (0: none) is known to `view`.
  bool all_known_to(const ClockVector& view) const {
    const auto mask = reinterpret_cast<Halves>(lanes_ > view.lanes_);
    return (mask[0] | mask[1]) == 0;
  }

 private:
  using Lanes = std::uint16_t __attribute__((vector_size(2 * kMaxThreads)));
  using Halves = std::uint64_t __attribute__((vector_size(2 * kMaxThreads)));

  Lanes lanes_ = {};
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_CLOCK_VECTOR_H_
