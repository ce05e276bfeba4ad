// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SEQUENTIAL_ORDER_H_
#define TAKT_TESTS_MODEL_SEQUENTIAL_ORDER_H_

#include "takt/tests/model/event_set.h"

namespace takt::model {

/// The single total order S of all seq_cst operations (C++20 [atomics.order]), kept as the
/// constraints on it: S exists as long as they have no cycle. It is a graph and not simply the
/// order of execution, because S may disagree with it: a seq_cst store whose effect another thread
/// learnt of only through relaxed operations can come after that thread's seq_cst operations.
class SequentialOrder {
 public:
  void reset() { count_ = 0; }
  int count() const { return count_; }

  /// A new operation, after all of `before`.
  int add(const EventSet& before) {
    before_[count_] = before;
    return count_++;
  }

  /// Puts all of `earlier` before all of `later`.
  void require(const EventSet& earlier, const EventSet& later) {
    later.for_each([&](int event) { before_[event] |= earlier; });
  }

  /// Whether an operation (or several) may stand after `earlier` and before `later`: nothing in
  /// `later` leads to anything in `earlier`.
  bool allows(const EventSet& earlier, const EventSet& later) const {
    EventSet closed;
    EventSet open = earlier;
    while (!open.empty()) {
      if (open.intersects(later)) return false;
      closed |= open;
      EventSet next;
      open.for_each([&](int event) { next |= before_[event]; });
      open = next.without(closed);
    }
    return true;
  }

 private:
  int count_ = 0;
  EventSet before_[kMaxEvents];
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SEQUENTIAL_ORDER_H_
