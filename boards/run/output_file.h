// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_OUTPUT_FILE_H_
#define TAKT_BOARDS_RUN_OUTPUT_FILE_H_

#include <string_view>

#include "takt/platform/status.h"

namespace takt::run {

/// A file that holds the results of a run, all of them or none: opened before the run, so that a
/// refused path costs nobody a run; written in one go after it. Until then what it held stays.
/// Callable from: the owner.
class OutputFile {
 public:
  OutputFile() noexcept = default;
  /// Removes a file that open() created and nothing was written to.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Opens `path`, which must outlive this; "-" is standard output. Called once.
  /// Blocks: a named pipe until somebody reads it. Errors: those of open(2).
  Status open(const char* path) noexcept;

  /// Replaces what the file holds by `text`. After an error a regular file is empty or gone.
  /// Called once. Blocks: as write(2). Errors: those of ftruncate(2), write(2), close(2).
  Status write(std::string_view text) noexcept;

 private:
  Status replace(std::string_view text) noexcept;
  void withdraw() noexcept;

  const char* path_ = nullptr;
  int descriptor_ = -1;  // -1: not open, or closed after the write
  bool created_ = false;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_OUTPUT_FILE_H_
