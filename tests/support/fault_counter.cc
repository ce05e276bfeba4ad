// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/fault_counter.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace takt::test {

namespace {

PageFaults process_faults() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {usage.ru_minflt, usage.ru_majflt};
}

/// The n-th field of a stat line as proc(5) numbers them; the name, field 2, may contain blanks.
std::int64_t stat_field(std::string_view stat, int number) noexcept {
  stat.remove_prefix(std::min(stat.rfind(')'), stat.size()));
  for (int field = 2; field < number; ++field) {
    stat.remove_prefix(std::min(stat.find(' '), stat.size()));
    stat.remove_prefix(stat.empty() ? 0 : 1);
  }
  std::int64_t value = 0;
  std::from_chars(stat.data(), stat.data() + stat.size(), value);
  return value;
}

PageFaults thread_faults(pid_t thread, const PageFaults& otherwise) noexcept {
  char text[512];
  std::snprintf(text, sizeof text, "/proc/self/task/%d/stat", thread);
  const int descriptor = open(text, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return otherwise;
  }
  const ssize_t size = read(descriptor, text, sizeof text);
  close(descriptor);
  if (size <= 0) {
    return otherwise;
  }
  const std::string_view stat(text, static_cast<std::size_t>(size));
  return {stat_field(stat, 10), stat_field(stat, 12)};
}

}  // namespace

FaultCounter::FaultCounter(pid_t thread) noexcept : thread_(thread) {
  // The first look may itself fault in code and stack: the second is the start.
  static_cast<void>(since_start());
  start_ = thread_ == kProcess ? process_faults() : thread_faults(thread_, start_);
}

PageFaults FaultCounter::since_start() const noexcept {
  return (thread_ == kProcess ? process_faults() : thread_faults(thread_, start_)) - start_;
}

}  // namespace takt::test
