// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FILE_WRITER_H_
#define TAKT_PLATFORM_FILE_WRITER_H_

#include <cstddef>
#include <string_view>

#include "takt/platform/status.h"

namespace takt::inline v0::platform {

/// Writes all of `text` to a descriptor.
/// Blocks: as write(2). Bound: O(bytes). Callable from: any thread. Errors: those of write(2); some
/// of the text may be there.
Status write_all(int descriptor, std::string_view text) noexcept;

/// A file that others read while it is replaced: they see what it held, or all of the new content,
/// also after the power failed. The content goes to a temporary file beside it, PATH.tmp, which
/// commit() gives the name. Links, pipes and devices are refused in either place: they would be
/// replaced, or block.
///
///              open()             commit(): fsync, rename
///   [closed] ---------> [open] -----------------------------> [closed]
///                         '------ a failed call, the destructor: the temporary file is removed
///
/// Callable from: the owner. Two who write the same path at once spoil each other's temporary file.
class AtomicFile {
 public:
  /// The longest path, its terminating null not included. Bytes.
  static constexpr std::size_t kMaxPath = 500;

  AtomicFile() noexcept = default;
  ~AtomicFile() { withdraw(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Creates the temporary file, in the place of one that a killed process left. The path is
  /// copied. Called when closed.
  /// Blocks: as open(2). Errors: invalid_argument: an empty or too long path, or no regular file
  /// is there; those of open(2), with the path's end.
  Status open(const char* path) noexcept;

  /// Appends. Blocks: as write(2). Errors: those of write(2); then it is closed and nothing has
  /// changed. failed_precondition: not open.
  Status write(std::string_view text) noexcept;

  /// Makes what was written the content of the path. Blocks: until the disk has it.
  /// Errors: those of fsync(2), close(2), rename(2); then it is closed and nothing has changed.
  /// failed_precondition: not open.
  Status commit() noexcept;

 private:
  /// Closes and removes the temporary file, if there is one.
  void withdraw() noexcept;
  Status give_up(int error, std::string_view what) noexcept;

  int descriptor_ = -1;
  std::size_t length_ = 0;  // of the path, in temporary_
  char temporary_[kMaxPath + sizeof ".tmp"];
};

/// Makes `text` the content of `path`, as an AtomicFile does it. Blocks: until the disk has it.
/// Callable from: any thread, not two for one path at once. Errors: those of AtomicFile.
Status replace_file(const char* path, std::string_view text) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FILE_WRITER_H_
