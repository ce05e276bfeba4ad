// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_MESSAGE_H_
#define TAKT_TESTS_SUPPORT_MESSAGE_H_

#include <charconv>
#include <concepts>
#include <cstdarg>
#include <cstddef>
#include <string_view>

namespace takt::test {

/// A text that is put together without the heap, so that a failure can be told while the
/// allocation guard is armed. What does not fit is cut off and marked with "...".
///
/// A message stays below PIPE_BUF: the kernel then writes it as one piece, whichever thread or
/// process reports at the same time.
class Message {
 public:
  static constexpr std::size_t kCapacity = 3000;

  Message() = default;

  Message& append(std::string_view text) noexcept;
  Message& append(char character) noexcept { return append(std::string_view(&character, 1)); }

  /// Appends like printf.
  [[gnu::format(printf, 2, 3)]] Message& format(const char* format, ...) noexcept;
  Message& format_list(const char* format, std::va_list arguments) noexcept;

  /// Appends a number in the shortest decimal form that reads back to the same value.
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number> Message& append_number(
      Number number, int base = 10) noexcept {
    char digits[80];
    std::to_chars_result result{};
    if constexpr (std::integral<Number>) {
      result = std::to_chars(digits, digits + sizeof digits, number, base);
    } else {
      result = std::to_chars(digits, digits + sizeof digits, number);
    }
    return append(std::string_view(digits, static_cast<std::size_t>(result.ptr - digits)));
  }

  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  char text_[kCapacity];
  std::size_t size_ = 0;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_MESSAGE_H_
