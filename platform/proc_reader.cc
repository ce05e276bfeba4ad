// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/proc_reader.h"

#include <charconv>
#include <concepts>
#include <cstddef>

#include "takt/platform/file_reader.h"
#include "takt/platform/number_text.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using detail::parse_number;
using detail::take_word;
using detail::trimmed;

Status field_error(StatusCode code, std::string_view file, std::string_view field,
                   std::string_view problem) noexcept {
  Text<Status::kTextBytes> text;
  text << file << ": " << field << ' ' << problem;
  return {code, text.view()};
}

/// The number in `word`, which is field `field` of `file`.
template <std::integral Number>
Status read_field(std::string_view word, std::string_view file, std::string_view field,
                  Number& number) noexcept {
  if (word.empty()) return field_error(StatusCode::not_found, file, field, "is missing");
  if (parse_number(word, number)) return {};
  return field_error(StatusCode::invalid_argument, file, field, "is not a number that fits");
}

/// What stands after "Key:" at the beginning of a line; empty when there is no such line.
std::string_view value_of_key(std::string_view text, std::string_view key) noexcept {
  while (!text.empty()) {
    std::string_view line = detail::beginning(text, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
    const bool found = line.size() > key.size() && line[key.size()] == ':' &&
                       detail::beginning(line, key.size()) == key;
    if (!found) continue;
    line.remove_prefix(key.size() + 1);
    return trimmed(line);
  }
  return {};
}

/// Reads /proc/self/task/TID/FILE and hands its text to `parse`.
template <class Value>
Result<Value> read_and_parse(std::int32_t thread_id, const char* file, std::span<char> buffer,
                             Result<Value> (*parse)(std::string_view)) noexcept {
  Text<64> path;
  path << "/proc/self/task/" << thread_id << '/' << file;
  const Result<std::string_view> text = read_file(path.c_str(), buffer);
  return text.ok() ? parse(*text) : Result<Value>(text.status());
}

/// A field of /proc/…/stat: its number in proc(5) and where it goes.
struct StatField {
  std::size_t number;
  std::string_view name;
  Status (*store)(std::string_view word, std::string_view name, ThreadStat& stat);
};

template <auto Member>
Status store_number(std::string_view word, std::string_view name, ThreadStat& stat) noexcept {
  return read_field(word, "stat", name, stat.*Member);
}

Status store_state(std::string_view word, std::string_view name, ThreadStat& stat) noexcept {
  if (word.empty()) return field_error(StatusCode::not_found, "stat", name, "is missing");
  if (word.size() != 1) {
    return field_error(StatusCode::invalid_argument, "stat", name, "is not a letter");
  }
  stat.state = word[0];
  return {};
}

constexpr StatField kStatFields[] = {
    {3, "state", store_state},
    {10, "minflt", store_number<&ThreadStat::minor_faults>},
    {12, "majflt", store_number<&ThreadStat::major_faults>},
    {14, "utime", store_number<&ThreadStat::user_ticks>},
    {15, "stime", store_number<&ThreadStat::system_ticks>},
    {39, "processor", store_number<&ThreadStat::processor>},
    {40, "rt_priority", store_number<&ThreadStat::real_time_priority>},
    {41, "policy", store_number<&ThreadStat::policy>},
};

/// A line of /proc/…/status and where its number goes.
struct StatusField {
  std::string_view key;
  std::uint64_t* value;
};

Status read_status_fields(std::string_view text, std::span<const StatusField> fields) noexcept {
  for (const StatusField& field : fields) {
    std::string_view value = value_of_key(text, field.key);
    const std::string_view number = take_word(value);  // the unit, kB, may follow
    Status status = read_field(number, "status", field.key, *field.value);
    if (!status.ok()) return status;
  }
  return {};
}

/// The lists of CPUs and memory nodes in it grow with the machine.
constexpr std::size_t kStatusBytes = 7 * 1024;

/// A number of nanoseconds; the kernel prints them unsigned.
Status read_nanoseconds(std::string_view word, std::string_view field, Duration& value) noexcept {
  std::int64_t nanoseconds = 0;
  Status status = read_field(word, "schedstat", field, nanoseconds);
  if (status.ok()) value = Duration(nanoseconds);
  return status;
}

}  // namespace

Result<ThreadStat> parse_thread_stat(std::string_view text) noexcept {
  // The name in parentheses may itself hold blanks and parentheses: the last one ends it.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) {
    return field_error(StatusCode::not_found, "stat", "comm", "is missing");
  }
  text.remove_prefix(name_end + 1);
  ThreadStat stat;
  std::size_t taken = 2;  // fields 1 and 2 are the id and the name
  for (const StatField& field : kStatFields) {
    std::string_view word;
    for (; taken < field.number; ++taken) word = take_word(text);
    if (Status status = field.store(word, field.name, stat); !status.ok()) return status;
  }
  return stat;
}

Result<ThreadStat> read_thread_stat(std::int32_t thread_id) noexcept {
  char buffer[1024];
  return read_and_parse(thread_id, "stat", buffer, parse_thread_stat);
}

Result<ThreadStatus> parse_thread_status(std::string_view text) noexcept {
  ThreadStatus result;
  const StatusField fields[] = {
      {"voluntary_ctxt_switches", &result.voluntary_switches},
      {"nonvoluntary_ctxt_switches", &result.involuntary_switches},
      {"VmRSS", &result.resident_kib},
      {"VmLck", &result.locked_kib},
      {"Threads", &result.threads},
  };
  if (Status status = read_status_fields(text, fields); !status.ok()) return status;
  const std::string_view mask = value_of_key(text, "SigBlk");
  if (mask.empty()) return field_error(StatusCode::not_found, "status", "SigBlk", "is missing");
  const char* const mask_end = mask.data() + mask.size();
  const auto [stop, error] = std::from_chars(mask.data(), mask_end, result.blocked_signals, 16);
  if (error != std::errc() || stop != mask_end) {
    return field_error(StatusCode::invalid_argument, "status", "SigBlk",
                       "is not a number that fits");
  }
  return result;
}

Result<ThreadStatus> read_thread_status(std::int32_t thread_id) noexcept {
  char buffer[kStatusBytes];
  return read_and_parse(thread_id, "status", buffer, parse_thread_status);
}

Result<ProcessStatus> parse_process_status(std::string_view text) noexcept {
  ProcessStatus result;
  const StatusField fields[] = {
      {"VmRSS", &result.resident_kib},
      {"VmHWM", &result.peak_resident_kib},
      {"VmLck", &result.locked_kib},
      {"Threads", &result.threads},
  };
  if (Status status = read_status_fields(text, fields); !status.ok()) return status;
  return result;
}

Result<ProcessStatus> read_process_status(const char* proc_root) noexcept {
  Text<256> path;
  path << proc_root << "/self/status";
  char buffer[kStatusBytes];
  const Result<std::string_view> text = read_file(path.c_str(), buffer);
  return text.ok() ? parse_process_status(*text) : Result<ProcessStatus>(text.status());
}

Result<SchedulerStat> parse_scheduler_stat(std::string_view text) noexcept {
  SchedulerStat result;
  Status status = read_nanoseconds(take_word(text), "running", result.running);
  if (status.ok()) status = read_nanoseconds(take_word(text), "waiting", result.waiting);
  if (status.ok()) status = read_field(take_word(text), "schedstat", "slices", result.slices);
  if (!status.ok()) return status;
  return result;
}

Result<SchedulerStat> read_scheduler_stat(std::int32_t thread_id) noexcept {
  char buffer[128];
  return read_and_parse(thread_id, "schedstat", buffer, parse_scheduler_stat);
}

Result<std::string_view> parse_wait_channel(std::string_view text) noexcept {
  const std::string_view symbol = trimmed(text);
  return symbol == "0" ? std::string_view() : symbol;
}

Result<std::string_view> read_wait_channel(std::int32_t thread_id,
                                           std::span<char> buffer) noexcept {
  return read_and_parse(thread_id, "wchan", buffer, parse_wait_channel);
}

Result<Duration> parse_microseconds(std::string_view file, std::string_view text) noexcept {
  std::int64_t microseconds = 0;
  Status status = read_field(trimmed(text), file, "value", microseconds);
  if (!status.ok()) return status;
  std::int64_t nanoseconds = 0;
  if (__builtin_mul_overflow(microseconds, std::int64_t{1000}, &nanoseconds)) {
    return field_error(StatusCode::invalid_argument, file, "value", "is not a number that fits");
  }
  return Duration(nanoseconds);
}

Result<RealTimeShare> read_real_time_share() noexcept {
  RealTimeShare share;
  const struct {
    const char* path;
    std::string_view name;
    Duration* value;
  } files[] = {
      {"/proc/sys/kernel/sched_rt_runtime_us", "sched_rt_runtime_us", &share.runtime},
      {"/proc/sys/kernel/sched_rt_period_us", "sched_rt_period_us", &share.period},
  };
  for (const auto& file : files) {
    char buffer[32];
    const Result<std::string_view> text = read_file(file.path, buffer);
    if (!text.ok()) return text.status();
    const Result<Duration> value = parse_microseconds(file.name, *text);
    if (!value.ok()) return value.status();
    *file.value = *value;
  }
  return share;
}

}  // namespace takt::inline v0::platform
