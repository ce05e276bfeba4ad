// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SYNC_COUNTED_H_
#define TAKT_TESTS_SYNC_COUNTED_H_

#include <utility>

namespace takt::test {

/// An item for containers: move-only, without a default; knows how many of its kind are alive.
class Counted {
 public:
  explicit Counted(int value) noexcept : value_(value) { ++alive_; }
  Counted(Counted&& other) noexcept : value_(std::exchange(other.value_, kMoved)) { ++alive_; }
  Counted& operator=(Counted&& other) noexcept {
    value_ = std::exchange(other.value_, kMoved);
    return *this;
  }
  ~Counted() { --alive_; }

  [[nodiscard]] int value() const noexcept { return value_; }
  static int alive() noexcept { return alive_; }

  /// The value of an item that was moved from.
  static constexpr int kMoved = -1;

 private:
  static inline int alive_ = 0;

  int value_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SYNC_COUNTED_H_
