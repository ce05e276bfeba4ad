// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FILE_READER_H_
#define TAKT_PLATFORM_FILE_READER_H_

#include <span>
#include <string_view>

#include "takt/platform/result.h"

namespace takt::inline v0::platform {

/// Reads a whole small file, as in /proc and /sys, into `buffer`. The text is valid as long as the
/// buffer.
/// Blocks: until the file is read; no time limit (a file of /proc or /sys answers at once).
/// Bound: O(bytes). Callable from: any thread.
/// Errors: resource_exhausted the file is longer than the buffer, which then holds its beginning;
/// those of open(2) and read(2), with the path's end in the text.
Result<std::string_view> read_file(const char* path, std::span<char> buffer) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FILE_READER_H_
