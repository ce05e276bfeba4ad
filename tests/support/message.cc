// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/message.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace takt::test {

namespace {
constexpr std::string_view kCutOff = "...";
}

Message& Message::append(std::string_view text) noexcept {
  const std::size_t room = kCapacity - size_;
  const std::size_t count = std::min(text.size(), room);
  std::memcpy(text_ + size_, text.data(), count);
  size_ += count;
  if (count < text.size()) {
    std::memcpy(text_ + kCapacity - kCutOff.size(), kCutOff.data(), kCutOff.size());
  }
  return *this;
}

Message& Message::format(const char* format, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, format);
  format_list(format, arguments);
  va_end(arguments);
  return *this;
}

Message& Message::format_list(const char* format, std::va_list arguments) noexcept {
  char text[1024];
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  if (length < 0) {
    return append("<bad format>");
  }
  append(std::string_view(text, std::min(static_cast<std::size_t>(length), sizeof text - 1)));
  return static_cast<std::size_t>(length) < sizeof text ? *this : append(kCutOff);
}

}  // namespace takt::test
