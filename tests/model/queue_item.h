// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_QUEUE_ITEM_H_
#define TAKT_TESTS_MODEL_QUEUE_ITEM_H_

#include <optional>
#include <utility>

#include "takt/tests/model/model.h"

namespace takt::model {

/// An item for queues, its memory watched: a queue that hands an item or its place over before it
/// is made, moved or destroyed, or without ordering that, shows a race.
class QueueItem {
 public:
  QueueItem(int value) noexcept : value_(value) {}  // NOLINT(google-explicit-constructor): brevity
  QueueItem(QueueItem&& other) noexcept : value_(other.value()) { other.value_.set(kMoved); }
  QueueItem& operator=(QueueItem&& other) noexcept {
    value_.set(other.value());
    other.value_.set(kMoved);
    return *this;
  }
  ~QueueItem() = default;

  int value() const { return value_.get(); }

  static constexpr int kMoved = -1;

 private:
  Variable<int> value_;
};

/// What a pop returns when there was nothing.
inline constexpr int kNothing = -2;

/// Pops one item; its value, or kNothing.
template <class Queue>
int pop_from(Queue& queue) {
  const std::optional<QueueItem> item = queue.try_pop();
  if (!item.has_value()) return kNothing;
  require(item->value() != QueueItem::kMoved, "popped by somebody else as well");
  return item->value();
}

/// Pushes an item; when it is refused, it must still be there.
template <class Queue>
bool push_to(Queue& queue, int value) {
  QueueItem item(value);
  const bool pushed = queue.try_push(std::move(item));
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): the promise under test
  const int left = item.value();
  require(left == (pushed ? QueueItem::kMoved : value), "moved from if and only if it was pushed");
  return pushed;
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_QUEUE_ITEM_H_
