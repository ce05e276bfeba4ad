// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/report.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

namespace {

constexpr int kShownFailures = 100;

constexpr double kBuiltInScale = kThreadSanitizer ? 5 : kAddressSanitizer ? 3 : 1;

std::atomic<int> descriptor_{-1};
std::atomic<int> failures_{0};
double scale_ = kBuiltInScale;

}  // namespace

void set_report_descriptor(int descriptor) noexcept { descriptor_.store(descriptor); }

void report(RecordKind kind, std::string_view text) noexcept {
  char record[sizeof(RecordHeader) + Message::kCapacity + 512];
  static_assert(sizeof record <= PIPE_BUF);
  const std::size_t size = std::min(text.size(), sizeof record - sizeof(RecordHeader));
  const RecordHeader header{kind, static_cast<std::uint32_t>(size)};
  std::memcpy(record, &header, sizeof header);
  std::memcpy(record + sizeof header, text.data(), size);
  gate_write(descriptor_.load(), {record, sizeof header + size});
}

void report_failure(const char* file, int line, const Message& message) noexcept {
  const int before = failures_.fetch_add(1);
  if (before >= kShownFailures) {
    return;
  }
  Message text;
  text.format("%s:%d: ", file, line).append(message.view());
  if (before == kShownFailures - 1) {
    text.append("\n  (further failures of this case are not shown)");
  }
  report(RecordKind::failure, text.view());
  gate_write(STDOUT_FILENO, text.append('\n').view());
}

void report_skip(const char* file, int line, const Message& reason) noexcept {
  Message text;
  text.append(reason.view()).format(" [%s:%d]", file, line);
  report(RecordKind::skipped, text.view());
}

bool has_failed() noexcept { return failures_.load() != 0; }

void set_time_limit(std::chrono::nanoseconds limit) noexcept {
  Message text;
  report(RecordKind::time_limit, text.append_number(limit.count()).view());
}

double time_scale() noexcept { return scale_; }

void set_time_scale(double scale) noexcept { scale_ = scale; }

}  // namespace takt::test
