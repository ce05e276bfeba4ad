// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_DIRECTORY_ENTRY_H_
#define TAKT_TESTS_PLATFORM_DIRECTORY_ENTRY_H_

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace takt::test {

/// An entry as getdents64(2) writes it.
inline std::string directory_entry(std::string_view name) {
  constexpr std::size_t kNameOffset = offsetof(dirent64, d_name);
  const std::size_t length = (kNameOffset + name.size() + 1 + 7) / 8 * 8;
  std::string entry(length, '\0');
  const auto stored = static_cast<std::uint16_t>(length);
  std::memcpy(&entry[offsetof(dirent64, d_reclen)], &stored, sizeof stored);
  std::memcpy(&entry[kNameOffset], name.data(), name.size());
  return entry;
}

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_DIRECTORY_ENTRY_H_
