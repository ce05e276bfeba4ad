// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "takt/platform/file_writer.h"

namespace takt::run {
namespace {

bool is_regular(int descriptor) noexcept {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  withdraw();
  ::close(descriptor_);
}

Status OutputFile::open(const char* path) noexcept {
  path_ = path;
  if (std::string_view(path) == "-") {
    // A copy, so that closing it does not close standard output.
    descriptor_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  } else {
    constexpr mode_t kMode = 0644;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC;
    descriptor_ = ::open(path, kFlags | O_EXCL, kMode);
    created_ = descriptor_ >= 0;
    if (!created_ && errno == EEXIST) descriptor_ = ::open(path, kFlags, kMode);
  }
  return descriptor_ >= 0 ? Status() : Status::from_errno(errno, path);
}

Status OutputFile::write(std::string_view text) noexcept {
  const Status status = replace(text);
  if (!status.ok()) withdraw();
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (!status.ok() || closed == 0) return status;
  return Status::from_errno(errno, path_);
}

Status OutputFile::replace(std::string_view text) noexcept {
  // Standard output may be a file that others write to as well.
  const bool own = std::string_view(path_) != "-" && is_regular(descriptor_);
  if (own && ::ftruncate(descriptor_, 0) != 0) return Status::from_errno(errno, path_);
  const Status status = platform::write_all(descriptor_, text);
  if (status.ok()) return status;
  if (own) static_cast<void>(::ftruncate(descriptor_, 0) == 0);
  return Status::from_errno(status.error_number(), path_);
}

void OutputFile::withdraw() noexcept {
  if (created_) ::unlink(path_);
  created_ = false;
}

}  // namespace takt::run
