// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_NUMBER_TEXT_H_
#define TAKT_PLATFORM_NUMBER_TEXT_H_

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <string_view>

/// Reading what the kernel writes into /proc and /sys. Private to platform/.
namespace takt::inline v0::platform::detail {

inline constexpr std::string_view kWhiteSpace = " \t\r\n";

/// The first `count` characters, or all if there are fewer. (substr would refer to an exception.)
constexpr std::string_view beginning(std::string_view text, std::size_t count) noexcept {
  return {text.data(), std::min(count, text.size())};
}

/// The text without white space at both ends.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  return beginning(text, text.find_last_not_of(kWhiteSpace) + 1);
}

/// Takes the first word off `text`; empty when there is none.
constexpr std::string_view take_word(std::string_view& text) noexcept {
  const std::size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(begin);
  const std::string_view word = beginning(text, text.find_first_of(kWhiteSpace));
  text.remove_prefix(word.size());
  return word;
}

/// The whole of `text` as a decimal number that fits; false, and nothing written, else.
template <std::integral Number>
bool parse_number(std::string_view text, Number& number) noexcept {
  Number parsed{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, parsed);
  if (error != std::errc() || stop != end) return false;
  number = parsed;
  return true;
}

}  // namespace takt::inline v0::platform::detail

#endif  // TAKT_PLATFORM_NUMBER_TEXT_H_
