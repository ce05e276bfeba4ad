// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_TIMER_QUEUE_H_
#define TAKT_EXECUTOR_TIMER_QUEUE_H_

#include <cstdint>

namespace takt::inline v0::detail {

/// What becomes due when: `item` at `when`, nanoseconds of the monotonic clock.
struct Timer {
  std::int64_t when;
  std::uint32_t item;
};

/// A binary heap of timers over memory of the caller's; the earliest first, equal ones by item.
/// O(log n) at worst, no wheel that cascades. Not synchronised: its lane's mutex guards it.
class TimerQueue {
 public:
  /// Uses `timers`, room for all items that will be in it, and `places`, one for each item that
  /// there is, zero at first; it may be shared with other queues that hold other items. Called
  /// once.
  void attach(Timer* timers, std::uint32_t* places) noexcept {
    timers_ = timers;
    places_ = places;
  }
  /// Forgets all timers. Bound: O(n).
  void clear() noexcept {
    for (std::uint32_t place = 0; place < size_; ++place) places_[timers_[place].item] = 0;
    size_ = 0;
  }
  bool empty() const noexcept { return size_ == 0; }
  /// The earliest; there must be one. Bound: O(1).
  const Timer& front() const noexcept { return timers_[0]; }
  /// When the earliest is due; INT64_MAX without one. Bound: O(1).
  std::int64_t earliest() const noexcept { return empty() ? INT64_MAX : timers_[0].when; }

  /// Sets the one timer of `item`; INT64_MAX removes it. Bound: O(log n).
  void set(std::uint32_t item, std::int64_t when) noexcept {
    const std::uint32_t place = places_[item];
    if (when == INT64_MAX) {
      if (place != 0) erase(place - 1);
    } else if (place != 0) {
      settle(place - 1, {when, item});
    } else {
      settle(size_++, {when, item});
    }
  }

 private:
  static bool before(const Timer& left, const Timer& right) noexcept {
    return left.when != right.when ? left.when < right.when : left.item < right.item;
  }

  void put(std::uint32_t place, const Timer& timer) noexcept {
    timers_[place] = timer;
    places_[timer.item] = place + 1;
  }

  void erase(std::uint32_t place) noexcept {
    places_[timers_[place].item] = 0;
    const Timer last = timers_[--size_];
    if (place != size_) settle(place, last);
  }

  /// Puts a timer into the hole at `hole`, or where it belongs above or below it.
  void settle(std::uint32_t hole, const Timer timer) noexcept {
    while (hole > 0) {
      const std::uint32_t parent = (hole - 1) / 2;
      if (!before(timer, timers_[parent])) break;
      put(hole, timers_[parent]);
      hole = parent;
    }
    for (;;) {
      std::uint32_t child = 2 * hole + 1;
      if (child >= size_) break;
      if (child + 1 < size_ && before(timers_[child + 1], timers_[child])) ++child;
      if (!before(timers_[child], timer)) break;
      put(hole, timers_[child]);
      hole = child;
    }
    put(hole, timer);
  }

  Timer* timers_ = nullptr;
  std::uint32_t* places_ = nullptr;  // of each item, from 1; 0: not in the queue
  std::uint32_t size_ = 0;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_TIMER_QUEUE_H_
