// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/describe.h"

#include <algorithm>

namespace takt::test::detail {

void append_quoted(Message& message, std::string_view text) noexcept {
  message.append('"');
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      message.append('\\').append(character);
    } else if (character == '\n') {
      message.append("\\n");
    } else if (character >= ' ' && character <= '~') {
      message.append(character);
    } else {
      message.format("\\x%02x", static_cast<unsigned char>(character));
    }
  }
  message.append('"');
}

void append_bytes(Message& message, const void* object, std::size_t size) noexcept {
  constexpr std::size_t kShown = 32;
  const auto* bytes = static_cast<const unsigned char*>(object);
  message.format("%zu bytes:", size);
  for (std::size_t index = 0; index < std::min(size, kShown); ++index) {
    message.format(" %02x", bytes[index]);
  }
  if (size > kShown) {
    message.append(" ...");
  }
}

}  // namespace takt::test::detail
