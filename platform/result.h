// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_RESULT_H_
#define TAKT_PLATFORM_RESULT_H_

#include <memory>
#include <type_traits>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/status.h"

namespace takt::inline v0 {

/// A value, or the Status that says why there is none. `Result<void>` is not needed: use Status.
/// Blocks: no. Bound: O(1) beyond T's own moves. Callable from: the owner.
template <class T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_void_v<T>);

 public:
  using value_type = T;

  Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)  // NOLINT(*-explicit-*)
      : has_value_(true) {
    std::construct_at(&value_, std::move(value));
  }
  /// `status` must not be ok: a Result without a value says why.
  Result(const Status& status) noexcept : has_value_(false) {  // NOLINT(*-explicit-*)
    TAKT_CHECK(!status.ok(), "a Result needs a value or an error");
    std::construct_at(&status_, status);
  }
  Result(const Result& other) requires std::is_copy_constructible_v<T>
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(&value_, other.value_);
    } else {
      std::construct_at(&status_, other.status_);
    }
  }
  Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(&value_, std::move(other.value_));
    } else {
      std::construct_at(&status_, other.status_);
    }
  }
  Result& operator=(Result other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    std::destroy_at(this);
    return *std::construct_at(this, std::move(other));
  }
  ~Result() {
    if (has_value_) std::destroy_at(&value_);
  }

  bool ok() const noexcept { return has_value_; }
  /// The error; an ok Status when there is a value.
  Status status() const noexcept { return has_value_ ? Status() : status_; }
  /// ok, or the error's code.
  StatusCode code() const noexcept { return has_value_ ? StatusCode::ok : status_.code(); }

  /// The value; aborts with the error's text when there is none.
  T& value() & noexcept {
    TAKT_CHECK(has_value_, status_.text());
    return value_;
  }
  const T& value() const& noexcept {
    TAKT_CHECK(has_value_, status_.text());
    return value_;
  }
  T&& value() && noexcept { return std::move(value()); }
  template <class Other>
  T value_or(Other&& other) const& {
    return has_value_ ? value_ : static_cast<T>(std::forward<Other>(other));
  }
  T& operator*() & noexcept { return value(); }
  const T& operator*() const& noexcept { return value(); }
  T&& operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const T* operator->() const noexcept { return &value(); }

 private:
  union {
    T value_;
    Status status_;
  };
  bool has_value_;
};

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_RESULT_H_
