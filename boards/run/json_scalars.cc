// SPDX-License-Identifier: Apache-2.0
// JsonReader's numbers, words and strings; the structure around them is in json_reader.cc.
#include <charconv>
#include <system_error>

#include "takt/boards/run/json_reader.h"

namespace takt::run {
bool JsonReader::read_number(JsonNode& node) noexcept {
  const std::size_t begin = position_;
  bool integral = true;
  const auto digits = [this] {
    if (!is_digit(peek())) return fail_expected("a digit");
    while (is_digit(peek())) advance();
    return true;
  };
  if (peek() == '-') advance();
  if (peek() == '0' && is_digit(peek_next())) return fail(node.place, "a number begins with 0");
  if (!digits()) return false;
  if (peek() == '.') {
    integral = false;
    advance();
    if (!digits()) return false;
  }
  if (peek() == 'e' || peek() == 'E') {
    integral = false;
    advance();
    if (peek() == '+' || peek() == '-') advance();
    if (!digits()) return false;
  }
  node.type = JsonType::number;
  // Kept in the arena like the strings: the nodes outlive the input.
  const std::size_t text_begin = text_used_;
  for (const char digit : input_.substr(begin, position_ - begin)) {
    if (!put(digit)) return false;
  }
  node.text = {text_.data() + text_begin, text_used_ - text_begin};
  if (!put('\0')) return false;
  const char* const first = node.text.data();
  const char* const last = first + node.text.size();
  node.is_integer = integral && std::from_chars(first, last, node.integer).ec == std::errc();
  if (std::from_chars(first, last, node.number).ec != std::errc()) {
    return fail(node.place, "a number that no floating-point type can hold");
  }
  return true;
}

bool JsonReader::read_word(JsonNode& node) noexcept {
  const std::size_t begin = position_;
  while (is_lower(peek())) advance();
  const std::string_view word = input_.substr(begin, position_ - begin);
  if (word == "true" || word == "false") {
    node.type = JsonType::boolean;
    node.boolean = word == "true";
    return true;
  }
  if (word == "null") {
    node.type = JsonType::null;
    return true;
  }
  diagnostics_->error(node.place) << "expected a value, found '" << word.substr(0, 40)
                                  << "'; a string needs double quotes";
  return false;
}

bool JsonReader::read_string(std::string_view& text) noexcept {
  const Place begin = here();
  const std::size_t text_begin = text_used_;
  advance();
  while (peek() != '"') {
    if (at_end() || peek() == '\n') return fail(begin, "a string without its closing quote");
    const auto byte = static_cast<unsigned char>(peek());
    bool taken = true;
    if (byte == '\\') {
      taken = read_escape();
    } else if (byte >= 0x80) {
      taken = read_utf8();
    } else if (byte < 0x20 && byte != '\t') {
      return fail_expected("a printable character");
    } else {
      taken = put(peek());
      advance();
    }
    if (!taken) return false;
  }
  advance();
  text = {text_.data() + text_begin, text_used_ - text_begin};
  return put('\0');
}

bool JsonReader::read_escape() noexcept {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const Place begin = here();
  advance();
  const std::size_t which = at_end() ? std::string_view::npos : kEscapes.find(peek());
  if (which != std::string_view::npos) {
    advance();
    return put(kMeanings[which]);
  }
  if (peek() != 'u') return fail_expected("one of \" \\ / b f n r t u after a backslash");
  std::uint32_t code_point = 0;
  if (!read_code_unit(code_point)) return false;
  if (code_point >= 0xd800 && code_point < 0xdc00) {  // the first half of a surrogate pair
    std::uint32_t second = 0;
    if (peek() != '\\' || peek_next() != 'u') {
      return fail(begin, "half of a surrogate pair; expected \\u and the other half");
    }
    advance();
    if (!read_code_unit(second)) return false;
    if (second < 0xdc00 || second >= 0xe000) {
      return fail(begin, "half of a surrogate pair; expected \\u and the other half");
    }
    code_point = 0x10000 + ((code_point - 0xd800) << 10) + (second - 0xdc00);
  } else if (code_point >= 0xdc00 && code_point < 0xe000) {
    return fail(begin, "the second half of a surrogate pair without its first");
  }
  if (code_point == 0) return fail(begin, "\\u0000 in a string");  // names end up as C strings
  return put_code_point(code_point);
}

// On entry the position is on the 'u'.
bool JsonReader::read_code_unit(std::uint32_t& unit) noexcept {
  advance();
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char digit = peek();
    std::uint32_t value = 0;
    if (is_digit(digit)) {
      value = static_cast<std::uint32_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = static_cast<std::uint32_t>(digit - 'a') + 10;
    } else if (digit >= 'A' && digit <= 'F') {
      value = static_cast<std::uint32_t>(digit - 'A') + 10;
    } else {
      return fail_expected("four hexadecimal digits after \\u");
    }
    unit = unit * 16 + value;
    advance();
  }
  return true;
}

// Well-formed sequences of RFC 3629 only: what is read here is printed again, as JSON too.
bool JsonReader::read_utf8() noexcept {
  const Place begin = here();
  const auto lead = static_cast<unsigned char>(peek());
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  std::uint32_t code_point = lead & (0x3fU >> more);
  advance();
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(peek());
    if (at_end() || (byte & 0xc0) != 0x80) return fail(begin, "not well-formed UTF-8");
    code_point = (code_point << 6) | (byte & 0x3fU);
    advance();
  }
  constexpr std::uint32_t kSmallest[] = {0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (lead < 0xc0 || lead > 0xf4 || code_point < kSmallest[more - 1] || code_point > 0x10ffff ||
      surrogate) {
    return fail(begin, "not well-formed UTF-8");
  }
  return put_code_point(code_point);
}

bool JsonReader::put_code_point(std::uint32_t code_point) noexcept {
  const auto tail = [code_point](int shift) {
    return static_cast<char>(0x80U | ((code_point >> shift) & 0x3fU));
  };
  if (code_point < 0x80) return put(static_cast<char>(code_point));
  if (code_point < 0x800) return put(static_cast<char>(0xc0U | (code_point >> 6))) && put(tail(0));
  if (code_point < 0x10000) {
    return put(static_cast<char>(0xe0U | (code_point >> 12))) && put(tail(6)) && put(tail(0));
  }
  return put(static_cast<char>(0xf0U | (code_point >> 18))) && put(tail(12)) && put(tail(6)) &&
         put(tail(0));
}

bool JsonReader::put(char character) noexcept {
  if (text_used_ == text_.size()) {
    diagnostics_->error(here()) << "more than " << text_.size() << " characters of keys and values";
    return false;
  }
  text_[text_used_++] = character;
  return true;
}

}  // namespace takt::run
