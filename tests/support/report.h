// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_REPORT_H_
#define TAKT_TESTS_SUPPORT_REPORT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "takt/tests/support/message.h"

namespace takt::test {

/// What a case tells the supervisor through its pipe, one record a write: the kind, the length of
/// the text, the text. Records of several threads and processes do not mix, because none is larger
/// than PIPE_BUF.
enum class RecordKind : std::uint32_t {
  failure,     ///< an expectation that did not hold
  skipped,     ///< why the case does not apply here
  time_limit,  ///< a new limit, in nanoseconds as decimal text
  ended,       ///< the body has returned
};

struct RecordHeader {
  RecordKind kind;
  std::uint32_t size;
};

/// Records go to this descriptor from now on; called in the case's process.
void set_report_descriptor(int descriptor) noexcept;

/// Writes one record. Blocks: until the supervisor has read, when the pipe is full. Allocates
/// nothing and needs no lock. Callable from: any thread of the case, its fork children, signal
/// handlers; also under the allocation guard and under a system-call allow list.
void report(RecordKind kind, std::string_view text) noexcept;

/// Records a failure at file:line and prints it. After 100 failures of a case further ones are
/// counted only. Blocks, callable: as report().
void report_failure(const char* file, int line, const Message& message) noexcept;

/// The case does not apply on this machine.
void report_skip(const char* file, int line, const Message& reason) noexcept;

/// Whether an expectation has failed in this process since the case began.
bool has_failed() noexcept;

/// Gives the running case another time limit, counted from its start (default: 60 s, see
/// time_scale()). Callable from: any thread.
void set_time_limit(std::chrono::nanoseconds limit) noexcept;

/// How many times slower than natively this program runs, at least: from TAKT_TIME_SCALE or
/// --timeout-scale, else a guess from the sanitizer that it was built with. Time limits are
/// multiplied with it; a test multiplies upper bounds of its own.
double time_scale() noexcept;
void set_time_scale(double scale) noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_REPORT_H_
