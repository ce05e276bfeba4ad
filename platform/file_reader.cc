// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "takt/platform/fault.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

int open_to_read(const char* path, int& descriptor) noexcept {
  for (;;) {
    int error = injected_fault(SystemCall::open);
    if (error == 0) {
      descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
      if (descriptor >= 0) return 0;
      error = errno;
    }
    if (error != EINTR) return error;
  }
}

/// Fills `room` as far as the file goes; `count` tells how far that was.
int read_some(int descriptor, std::span<char> room, std::size_t& count) noexcept {
  for (;;) {
    int error = injected_fault(SystemCall::read);
    if (error == 0) {
      const ssize_t got = ::read(descriptor, room.data(), room.size());
      count = got < 0 ? 0 : static_cast<std::size_t>(got);
      if (got >= 0) return 0;
      error = errno;
    }
    if (error != EINTR) return error;
  }
}

/// Fills the buffer from the file and finds out whether that was all of it.
int read_all(int descriptor, std::span<char> buffer, std::size_t& length, bool& complete) noexcept {
  length = 0;
  complete = false;
  char beyond;
  for (;;) {
    const bool full = length == buffer.size();
    std::size_t count = 0;
    const std::span<char> room = full ? std::span<char>(&beyond, 1) : buffer.subspan(length);
    if (const int error = read_some(descriptor, room, count)) return error;
    if (count == 0) complete = true;
    if (full || complete) return 0;
    length += count;
  }
}

/// The end of a path tells more than its beginning: "…/4711/schedstat".
Status file_error(const char* path, int error, std::string_view what) noexcept {
  constexpr std::size_t kPathShown = 60;
  std::string_view shown(path);
  Text<Status::kTextBytes> text;
  if (shown.size() > kPathShown) {
    text << "...";
    shown.remove_prefix(shown.size() - kPathShown);
  }
  text << shown << ": " << what;
  if (error == 0) return {StatusCode::resource_exhausted, text.view()};
  return Status::from_errno(error, text.view());
}

}  // namespace

Result<std::string_view> read_file(const char* path, std::span<char> buffer) noexcept {
  int descriptor = -1;
  if (const int error = open_to_read(path, descriptor)) {
    return file_error(path, error, "cannot be opened");
  }
  std::size_t length = 0;
  bool complete = false;
  const int error = read_all(descriptor, buffer, length, complete);
  // Past the fault seam: nothing was written, so that whatever close says, nothing is lost.
  ::close(descriptor);
  if (error != 0) return file_error(path, error, "cannot be read");
  if (!complete) return file_error(path, 0, "longer than expected");
  return std::string_view(buffer.data(), length);
}

}  // namespace takt::inline v0::platform
