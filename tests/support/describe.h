// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_DESCRIBE_H_
#define TAKT_TESTS_SUPPORT_DESCRIBE_H_

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ratio>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/tests/support/message.h"

namespace takt::test {

namespace detail {

/// Appends the text in quotes, with everything unprintable escaped.
void append_quoted(Message& message, std::string_view text) noexcept;
void append_bytes(Message& message, const void* object, std::size_t size) noexcept;

template <class T>
concept Text = std::convertible_to<const T&, std::string_view>;

template <class T>
concept Duration = requires {
  typename T::rep;
  typename T::period;
  requires std::same_as<T, std::chrono::duration<typename T::rep, typename T::period>>;
};

template <class T>
concept TimePoint = requires(const T& value) {
  typename T::clock;
  {value.time_since_epoch()};
};

/// takt::Status, and whatever looks like it.
template <class T>
concept StatusLike = requires(const T& value) {
  { value.ok() } -> std::convertible_to<bool>;
  { value.error_number() } -> std::convertible_to<int>;
  { value.text() } -> std::convertible_to<std::string_view>;
};

/// takt::Result, and whatever looks like it.
template <class T>
concept ResultLike = requires(const T& value) {
  { value.ok() } -> std::convertible_to<bool>;
  {value.status()};
};

template <class T>
concept OptionalLike = requires(const T& value) {
  { value.has_value() } -> std::convertible_to<bool>;
  {*value};
};

template <class T>
concept Named = requires(const T& value) {
  { value.name } -> std::convertible_to<std::string_view>;
};

/// A `to_string(value)` next to the enumeration, found by its namespace.
template <class T>
concept HasToString = requires(const T& value) {
  { to_string(value) } -> std::convertible_to<std::string_view>;
};

/// A type of a test's own brings `describe(Message&, const T&)` in its namespace.
template <class T>
concept DescribesItself = requires(Message& message, const T& value) {
  describe(message, value);
};

template <class Period>
constexpr std::string_view unit_name() noexcept {
  if constexpr (std::same_as<Period, std::nano>) {
    return " ns";
  } else if constexpr (std::same_as<Period, std::micro>) {
    return " us";
  } else if constexpr (std::same_as<Period, std::milli>) {
    return " ms";
  } else if constexpr (std::same_as<Period, std::ratio<1>>) {
    return " s";
  } else {
    return "";
  }
}

}  // namespace detail

/// Appends the value as a reader of a failure wants to see it. Blocks: no. Allocates nothing.
template <class T>
void append_value(Message& message, const T& value) noexcept {
  using Value = std::remove_cvref_t<T>;
  if constexpr (detail::DescribesItself<Value>) {
    describe(message, value);
  } else if constexpr (std::same_as<Value, bool>) {
    message.append(value ? "true" : "false");
  } else if constexpr (std::same_as<Value, std::nullptr_t>) {
    message.append("nullptr");
  } else if constexpr (std::same_as<Value, const char*> || std::same_as<Value, char*>) {
    value == nullptr ? static_cast<void>(message.append("nullptr"))
                     : detail::append_quoted(message, value);
  } else if constexpr (detail::Text<Value>) {
    detail::append_quoted(message, value);
  } else if constexpr (std::same_as<Value, char>) {
    detail::append_quoted(message, std::string_view(&value, 1));
    message.format(" (%d)", value);
  } else if constexpr (std::integral<Value>) {
    message.append_number(value);
    if (!std::in_range<std::int16_t>(value)) {
      message.append(" (0x");
      message.append_number(static_cast<std::make_unsigned_t<Value>>(value), 16).append(')');
    }
  } else if constexpr (std::floating_point<Value>) {
    message.append_number(value);
  } else if constexpr (std::is_enum_v<Value>) {
    if constexpr (detail::HasToString<Value>) {
      message.append(to_string(value)).append(' ');
    }
    message.append('(').append_number(static_cast<std::underlying_type_t<Value>>(value));
    message.append(')');
  } else if constexpr (std::is_pointer_v<Value>) {
    message.append("0x").append_number(reinterpret_cast<std::uintptr_t>(value), 16);
  } else if constexpr (detail::Duration<Value>) {
    message.append_number(value.count());
    if constexpr (detail::unit_name<typename Value::period>().empty()) {
      message.format(" * %jd/%jd s", std::intmax_t{Value::period::num},
                     std::intmax_t{Value::period::den});
    } else {
      message.append(detail::unit_name<typename Value::period>());
    }
  } else if constexpr (detail::TimePoint<Value>) {
    append_value(message, value.time_since_epoch());
    message.append(" since the clock's epoch");
  } else if constexpr (detail::ResultLike<Value>) {
    value.ok() ? static_cast<void>(message.append("a value"))
               : append_value(message, value.status());
  } else if constexpr (detail::StatusLike<Value>) {
    append_value(message, value.code());
    if (!value.ok()) {
      message.append(", errno ").append_number(value.error_number());
      message.append(": ").append(value.text());
    }
  } else if constexpr (detail::OptionalLike<Value>) {
    value.has_value() ? append_value(message, *value) : static_cast<void>(message.append("empty"));
  } else if constexpr (detail::Named<Value>) {
    message.append(value.name);
  } else {
    detail::append_bytes(message, &value, sizeof value);
  }
}

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_DESCRIBE_H_
