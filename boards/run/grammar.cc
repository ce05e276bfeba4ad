// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/grammar.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace takt::run {
namespace {

using enum Support;

constexpr KeyRule kFileKeys[] = {
    {.name = "tasks", .key = Key::tasks},
    {.name = "global", .key = Key::global},
    {.name = "resources", .support = unsupported},
};

constexpr std::string_view kNoLog = "takt writes no log; --json FILE has the figures";

constexpr KeyRule kGlobalKeys[] = {
    {.name = "duration", .key = Key::duration},
    {.name = "default_policy", .key = Key::default_policy},
    {.name = "lock_pages", .key = Key::lock_pages},
    {.name = "pi_enabled", .key = Key::pi_enabled},
    {.name = "frag", .key = Key::frag},
    {.name = "calibration",
     .support = ignored,
     .instead = "\"run\" lasts until the thread's CPU clock has counted it"},
    {.name = "logdir", .support = ignored, .instead = kNoLog},
    {.name = "log_basename", .support = ignored, .instead = kNoLog},
    {.name = "log_size", .support = ignored, .instead = kNoLog},
    {.name = "ftrace",
     .support = ignored,
     .instead = "takt writes nothing into the kernel's trace"},
    {.name = "gnuplot", .support = ignored, .instead = kNoLog},
    {.name = "cumulative_slack", .support = ignored, .instead = kNoLog},
    {.name = "io_device", .support = ignored, .instead = "\"iorun\" is not supported yet"},
    {.name = "mem_buffer_size",
     .support = ignored,
     .instead = "\"mem\", \"memrun\" and \"iorun\" are not supported yet"},
};

// What a task and a phase share, in the order of the table of README.md.
#define TAKT_RUN_EVENT_KEYS                                                                        \
  {.name = "run", .key = Key::run, .event = true},                                                 \
      {.name = "runtime", .key = Key::runtime, .event = true},                                     \
      {.name = "sleep", .key = Key::sleep, .event = true},                                         \
      {.name = "timer", .key = Key::timer, .event = true},                                         \
      {.name = "lock", .support = unsupported, .event = true},                                     \
      {.name = "unlock", .support = unsupported, .event = true},                                   \
      {.name = "wait", .support = unsupported, .event = true},                                     \
      {.name = "signal", .support = unsupported, .event = true},                                   \
      {.name = "broad", .support = unsupported, .event = true},                                    \
      {.name = "sync", .support = unsupported, .event = true},                                     \
      {.name = "barrier", .support = unsupported, .event = true},                                  \
      {.name = "suspend", .support = unsupported, .event = true},                                  \
      {.name = "resume", .support = unsupported, .event = true},                                   \
      {.name = "mem", .support = unsupported, .event = true},                                      \
      {.name = "memrun", .support = unsupported, .event = true},                                   \
      {.name = "iorun", .support = unsupported, .event = true},                                    \
      {.name = "yield", .support = unsupported, .event = true},                                    \
      {.name = "fork", .support = unsupported, .event = true},                                     \
      {.name = "sem_wait", .support = unsupported, .event = true},                                 \
      {.name = "sem_post", .support = unsupported, .event = true},                                 \
      {.name = "nodes_membind", .support = unsupported},                                           \
      {.name = "taskgroup", .support = unsupported}, {.name = "util_min", .support = unsupported}, \
      {.name = "util_max",                                                                         \
       .support = unsupported}, /* rt-app before 2014, still in published files */                 \
      {.name = "exec", .support = unsupported}, {.name = "period", .support = unsupported},        \
      {.name = "deadline", .support = unsupported},                                                \
      {.name = "lock_order", .support = unsupported}, {                                            \
    .name = "resources", .support = unsupported                                                    \
  }

constexpr KeyRule kTaskKeys[] = {
    {.name = "instance", .key = Key::instance},
    {.name = "loop", .key = Key::loop},
    {.name = "phases", .key = Key::phases},
    {.name = "cpus", .key = Key::cpus},
    {.name = "policy", .key = Key::policy},
    {.name = "priority", .key = Key::priority},
    {.name = "dl-runtime", .key = Key::dl_runtime},
    {.name = "dl-period", .key = Key::dl_period},
    {.name = "dl-deadline", .key = Key::dl_deadline},
    {.name = "delay", .key = Key::delay},
    TAKT_RUN_EVENT_KEYS,
};

constexpr KeyRule kPhaseKeys[] = {
    {.name = "loop", .key = Key::loop},
    {.name = "cpus", .key = Key::cpus},
    {.name = "policy", .support = unsupported},
    {.name = "priority", .support = unsupported},
    {.name = "dl-runtime", .support = unsupported},
    {.name = "dl-period", .support = unsupported},
    {.name = "dl-deadline", .support = unsupported},
    TAKT_RUN_EVENT_KEYS,
};

#undef TAKT_RUN_EVENT_KEYS

constexpr KeyRule kTimerKeys[] = {
    {.name = "ref", .key = Key::ref},
    {.name = "period", .key = Key::period},
    {.name = "mode", .key = Key::mode},
};

bool continues_event(std::string_view rest) noexcept {
  return rest.empty() || rest.front() < 'a' || rest.front() > 'z';
}

// Levenshtein's distance; names longer than the row count as far away.
std::size_t distance(std::string_view left, std::string_view right) noexcept {
  std::array<std::size_t, 32> row{};
  if (right.size() >= row.size()) return row.size();
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[right.size()];
}

}  // namespace

std::span<const KeyRule> file_keys() noexcept { return kFileKeys; }
std::span<const KeyRule> global_keys() noexcept { return kGlobalKeys; }
std::span<const KeyRule> task_keys() noexcept { return kTaskKeys; }
std::span<const KeyRule> phase_keys() noexcept { return kPhaseKeys; }
std::span<const KeyRule> timer_keys() noexcept { return kTimerKeys; }

const KeyRule* find_rule(std::span<const KeyRule> rules, std::string_view name) noexcept {
  for (const KeyRule& rule : rules) {
    if (rule.name == name) return &rule;
  }
  for (const KeyRule& rule : rules) {
    const bool numbered =
        rule.event && name.starts_with(rule.name) && continues_event(name.substr(rule.name.size()));
    if (numbered) return &rule;
  }
  return nullptr;
}

std::string_view nearest_name(std::span<const KeyRule> rules, std::string_view name) noexcept {
  constexpr std::size_t kLongest = 24;  // a longer one is no slip of the fingers
  if (name.size() > kLongest) return {};
  std::string_view nearest;
  std::size_t smallest = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const KeyRule& rule : rules) {
    const std::size_t candidate = distance(name, rule.name);
    if (candidate < smallest) {
      smallest = candidate;
      nearest = rule.name;
    }
  }
  return nearest;
}

}  // namespace takt::run
