// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_QUEUE_SPECIFICATION_H_
#define TAKT_TESTS_MODEL_QUEUE_SPECIFICATION_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace takt::model {

/// A call of a queue of small integers, and what came of it.
struct QueueCall {
  enum class Kind : std::uint8_t { push, pop, look };

  static QueueCall push(int value) { return {Kind::push, false, value}; }
  static QueueCall pop() { return {Kind::pop, false, 0}; }
  static QueueCall look() { return {Kind::look, false, 0}; }  ///< asks whether it is empty

  Kind kind = Kind::push;
  bool done = false;  ///< false: the queue was full (push), or empty (pop, look)
  int value = 0;      ///< pushed or popped
};

inline int describe(const QueueCall& call, bool finished, char* text, std::size_t size) {
  if (call.kind == QueueCall::Kind::push) {
    const char* const refused = call.done ? "" : ": full";
    return std::snprintf(text, size, "push(%d)%s", call.value, finished ? refused : " unfinished");
  }
  const char* const name = call.kind == QueueCall::Kind::pop ? "pop" : "look";
  if (!finished) return std::snprintf(text, size, "%s unfinished", name);
  if (!call.done) return std::snprintf(text, size, "%s: empty", name);
  if (call.kind == QueueCall::Kind::look) return std::snprintf(text, size, "look: not empty");
  return std::snprintf(text, size, "pop: %d", call.value);
}

/// When a queue may refuse beyond being full or empty.
struct QueueRefusals {
  bool full_while_pushing = false;   ///< `full` while another push is unfinished
  bool full_while_popping = false;   ///< `full` while a pop is unfinished
  bool empty_while_pushing = false;  ///< `empty` while a push is unfinished
  bool empty_while_popping = false;  ///< `empty` while another pop is unfinished
  bool operator==(const QueueRefusals&) const = default;
};

/// First in, first out, of `kCapacity` items: a specification for linearizability.h.
template <std::size_t kCapacity>
class QueueSpecification {
 public:
  explicit QueueSpecification(QueueRefusals spurious = {}) : spurious_(spurious) {}

  template <class Around>
  bool apply(const QueueCall& call, const Around& around) {
    if (call.kind == QueueCall::Kind::push) {
      if (call.done) return push(call.value);
      return count_ == static_cast<int>(kCapacity) ||
             refused(around, spurious_.full_while_pushing, spurious_.full_while_popping);
    }
    if (call.done) {
      if (count_ == 0) return false;
      return call.kind == QueueCall::Kind::look || (items_[0] == call.value && pop());
    }
    return count_ == 0 ||
           refused(around, spurious_.empty_while_pushing, spurious_.empty_while_popping);
  }

  void apply_unfinished(const QueueCall& call) {
    if (call.kind == QueueCall::Kind::push) {
      push(call.value);
    } else if (call.kind == QueueCall::Kind::pop) {
      pop();
    }
  }

  bool operator==(const QueueSpecification&) const = default;

 private:
  template <class Around>
  static bool refused(const Around& around, bool while_pushing, bool while_popping) {
    return around.any([&](const QueueCall& other) {
      return (other.kind == QueueCall::Kind::push && while_pushing) ||
             (other.kind == QueueCall::Kind::pop && while_popping);
    });
  }

  bool push(int value) {
    if (count_ == static_cast<int>(kCapacity)) return false;
    items_[count_++] = value;
    return true;
  }
  bool pop() {
    if (count_ == 0) return false;
    for (std::size_t i = 1; i < kCapacity; ++i) items_[i - 1] = items_[i];
    items_[--count_] = 0;  // so that equal queues are equal
    return true;
  }

  QueueRefusals spurious_;
  int count_ = 0;
  int items_[kCapacity] = {};
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_QUEUE_SPECIFICATION_H_
