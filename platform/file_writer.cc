// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "takt/platform/fault.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// errno of a call that gives -1 when it fails, EINTR apart.
template <class Call>
int error_of(SystemCall which, const Call& call) noexcept {
  for (;;) {
    int error = injected_fault(which);
    if (error == 0 && call() >= 0) return 0;
    if (error == 0) error = errno;
    if (error != EINTR) return error;
  }
}

/// The end of a path tells more than its beginning.
void write_end_of_path(std::string_view path, TextWriter& text) noexcept {
  constexpr std::size_t kPathShown = 50;
  if (path.size() > kPathShown) {
    text << "...";
    path.remove_prefix(path.size() - kPathShown);
  }
  text << path;
}

Status writing_error(std::string_view path, int error, std::string_view what) noexcept {
  Text<Status::kTextBytes> text;
  write_end_of_path(path, text);
  text << ": " << what;
  return Status::from_errno(error, text.view());
}

Status no_regular_file(std::string_view path) noexcept {
  Text<Status::kTextBytes> text;
  write_end_of_path(path, text);
  text << ": no regular file";
  return {StatusCode::invalid_argument, text.view()};
}

int write_text(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    ssize_t written = 0;
    const int error = error_of(SystemCall::write, [&] {
      written = ::write(descriptor, text.data(), text.size());
      return written;
    });
    if (error != 0) return error;
    if (written == 0) return EIO;  // it would go on for ever
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Status write_all(int descriptor, std::string_view text) noexcept {
  const int error = write_text(descriptor, text);
  if (error == 0) return {};
  Text<Status::kTextBytes> what;
  what << "descriptor " << descriptor << ": write failed";
  return Status::from_errno(error, what.view());
}

Status AtomicFile::open(const char* path) noexcept {
  constexpr mode_t kMode = 0644;  // for a collector under another user, as far as umask allows
  // Without waiting: PATH.tmp may be somebody's pipe.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const std::string_view name(path);
  if (name.empty()) return {StatusCode::invalid_argument, "a file needs a path, not ''"};
  if (name.size() > kMaxPath) {
    return {StatusCode::invalid_argument, "a file to be replaced has a path of 500 bytes at most"};
  }
  withdraw();
  struct stat there {};
  if (::lstat(path, &there) == 0 && !S_ISREG(there.st_mode)) return no_regular_file(name);
  length_ = name.size();
  TextWriter(temporary_, sizeof temporary_) << name << ".tmp";
  const int error = error_of(SystemCall::open, [&] {
    descriptor_ = ::open(temporary_, kFlags, kMode);
    return descriptor_;
  });
  if (error != 0) return writing_error(temporary_, error, "cannot be created");
  if (::fstat(descriptor_, &there) == 0 && S_ISREG(there.st_mode)) return {};
  ::close(std::exchange(descriptor_, -1));  // not ours to remove
  return no_regular_file(temporary_);
}

Status AtomicFile::write(std::string_view text) noexcept {
  if (descriptor_ < 0)
    return {StatusCode::failed_precondition, "AtomicFile: write() before open()"};
  const int error = write_text(descriptor_, text);
  return error == 0 ? Status() : give_up(error, "cannot be written");
}

Status AtomicFile::commit() noexcept {
  if (descriptor_ < 0) {
    return {StatusCode::failed_precondition, "AtomicFile: commit() before open()"};
  }
  int error = error_of(SystemCall::fsync, [this] { return ::fsync(descriptor_); });
  if (error != 0) return give_up(error, "cannot be synced to the disk");
  error = injected_fault(SystemCall::close);
  // Closed whatever it says, EINTR included.
  if (::close(std::exchange(descriptor_, -1)) != 0 && error == 0) error = errno;
  if (error != 0 && error != EINTR) return give_up(error, "cannot be closed");
  char path[kMaxPath + 1];
  std::memcpy(path, temporary_, length_);
  path[length_] = '\0';
  error = error_of(SystemCall::rename, [&] { return ::rename(temporary_, path); });
  return error == 0 ? Status() : give_up(error, "cannot be renamed");
}

Status AtomicFile::give_up(int error, std::string_view what) noexcept {
  const Status status = writing_error(temporary_, error, what);
  if (descriptor_ < 0) {
    ::unlink(temporary_);
  } else {
    withdraw();
  }
  return status;
}

void AtomicFile::withdraw() noexcept {
  if (descriptor_ < 0) return;
  ::close(std::exchange(descriptor_, -1));
  ::unlink(temporary_);
}

Status replace_file(const char* path, std::string_view text) noexcept {
  AtomicFile file;
  Status status = file.open(path);
  if (status.ok()) status = file.write(text);
  if (status.ok()) status = file.commit();
  return status;
}

}  // namespace takt::inline v0::platform
