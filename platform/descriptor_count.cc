// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/descriptor_count.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "takt/platform/fault.h"
#include "takt/platform/number_text.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// A call that returns -1 and errno, unless a test lets it fail. 0 or the errno; `value` is what it
/// returned.
template <class Call>
int attempt(SystemCall which, std::ptrdiff_t& value, const Call& call) noexcept {
  if (const int error = injected_fault(which)) return error;
  value = static_cast<std::ptrdiff_t>(call());
  return value < 0 ? errno : 0;
}

bool is_socket(int directory, std::string_view name) noexcept {
  constexpr std::string_view kSocket = "socket:";
  // The name of an entry is followed by a null.
  char target[kSocket.size()];
  std::ptrdiff_t length = 0;
  const int error = attempt(SystemCall::readlinkat, length, [&] {
    return ::readlinkat(directory, name.data(), target, sizeof target);
  });
  return error == 0 && std::string_view(target, static_cast<std::size_t>(length)) == kSocket;
}

/// Counts what the directory lists. 0 or the errno.
int count_entries(int directory, DescriptorCount& count) noexcept {
  alignas(dirent64) std::byte buffer[1024];
  for (;;) {
    std::ptrdiff_t length = 0;
    const int error = attempt(SystemCall::getdents64, length,
                              [&] { return ::getdents64(directory, buffer, sizeof buffer); });
    if (error != 0) return error;
    std::span<const std::byte> entries =
        std::span<const std::byte>(buffer).first(static_cast<std::size_t>(length));
    if (entries.empty()) return 0;
    std::string_view name;
    while (take_directory_entry(entries, name)) {
      int descriptor = -1;  // "." and ".." are no numbers
      if (!detail::parse_number(name, descriptor) || descriptor == directory) continue;
      if (count.open == kMaxCountedDescriptors) return 0;
      ++count.open;
      if (is_socket(directory, name)) ++count.sockets;
    }
  }
}

}  // namespace

bool take_directory_entry(std::span<const std::byte>& entries, std::string_view& name) noexcept {
  constexpr std::size_t kNameOffset = offsetof(dirent64, d_name);
  // From here on a null is found: that of a name at the end lies within its entry.
  if (entries.size() <= kNameOffset) return false;
  decltype(dirent64::d_reclen) length = 0;
  std::memcpy(&length, entries.data() + offsetof(dirent64, d_reclen), sizeof length);
  if (length <= kNameOffset || length > entries.size()) return false;
  const auto* const begin = reinterpret_cast<const char*>(entries.data()) + kNameOffset;
  const std::size_t room = length - kNameOffset;
  const std::size_t name_length = ::strnlen(begin, room);
  if (name_length == room) return false;
  name = std::string_view(begin, name_length);
  entries = entries.subspan(length);
  return true;
}

Result<DescriptorCount> count_descriptors(const char* proc_root) noexcept {
  Text<256> path;
  path << proc_root << "/self/fd";
  std::ptrdiff_t directory = -1;
  int error = attempt(SystemCall::open, directory,
                      [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (error != 0) return Status::from_errno(error, "/proc/self/fd: cannot be opened");
  DescriptorCount count;
  error = count_entries(static_cast<int>(directory), count);
  // Past the fault seam: whatever close says, nothing is lost.
  ::close(static_cast<int>(directory));
  if (error != 0) return Status::from_errno(error, "/proc/self/fd: cannot be listed");
  return count;
}

}  // namespace takt::inline v0::platform
