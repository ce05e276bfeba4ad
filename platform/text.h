// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_TEXT_H_
#define TAKT_PLATFORM_TEXT_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace takt::inline v0 {

/// Appends text and numbers to a caller's buffer, without allocation, locale or format string.
/// The buffer stays null-terminated; what does not fit is cut and `truncated()` says so.
/// Blocks: no. Bound: O(characters). Callable from: the owner, signal handlers included.
class TextWriter {
 public:
  /// Writes into `buffer` of `capacity` bytes (at least 1), starting empty.
  TextWriter(char* buffer, std::size_t capacity) noexcept : buffer_(buffer), capacity_(capacity) {
    buffer_[0] = '\0';
  }

  TextWriter& operator<<(std::string_view text) noexcept {
    const std::size_t room = capacity_ - 1 - length_;
    const std::size_t count = text.size() < room ? text.size() : room;
    // A default string_view has a null address, which memcpy may not be given.
    if (count != 0) std::memcpy(buffer_ + length_, text.data(), count);
    length_ += count;
    buffer_[length_] = '\0';
    truncated_ = truncated_ || count < text.size();
    return *this;
  }
  TextWriter& operator<<(const char* text) noexcept { return *this << std::string_view(text); }
  TextWriter& operator<<(char character) noexcept {
    return *this << std::string_view(&character, 1);
  }
  /// Decimal.
  template <std::integral Integer>
  TextWriter& operator<<(Integer value) noexcept {
    if constexpr (std::signed_integral<Integer>) {
      const std::int64_t wide = value;
      // The negation is done unsigned: the most negative value has no positive twin.
      return append_decimal(
          wide < 0 ? 0 - static_cast<std::uint64_t>(wide) : static_cast<std::uint64_t>(wide),
          wide < 0);
    } else {
      return append_decimal(static_cast<std::uint64_t>(value), false);
    }
  }

  /// Starts over.
  void clear() noexcept {
    length_ = 0;
    truncated_ = false;
    buffer_[0] = '\0';
  }

  std::string_view view() const noexcept { return {buffer_, length_}; }
  const char* c_str() const noexcept { return buffer_; }
  std::size_t size() const noexcept { return length_; }
  bool truncated() const noexcept { return truncated_; }

 private:
  TextWriter& append_decimal(std::uint64_t magnitude, bool negative) noexcept {
    char digits[21];
    std::size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + magnitude % 10);
      magnitude /= 10;
    } while (magnitude != 0);
    if (negative) digits[--first] = '-';
    return *this << std::string_view(digits + first, sizeof digits - first);
  }

  char* buffer_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  bool truncated_ = false;
};

/// A TextWriter with a buffer of its own: `Text<64> name; name << "worker " << 3;`.
template <std::size_t Capacity>
class Text : public TextWriter {
 public:
  Text() noexcept : TextWriter(storage_, Capacity) {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

 private:
  char storage_[Capacity];
};

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_TEXT_H_
