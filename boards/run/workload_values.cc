// SPDX-License-Identifier: Apache-2.0
// WorkloadReader's checks of single keys and values; the structure is in workload_reader.cc.
#include <chrono>

#include "takt/boards/run/workload_reader.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

constexpr int kDefaultRealTimePriority = 10;  // as in rt-app

constexpr SchedulingPolicy kPolicies[] = {
    SchedulingPolicy::other, SchedulingPolicy::batch,       SchedulingPolicy::idle,
    SchedulingPolicy::fifo,  SchedulingPolicy::round_robin, SchedulingPolicy::deadline};

void write_found(const JsonNode& node, TextWriter& out) noexcept {
  constexpr std::size_t kShown = 40;
  if (node.type == JsonType::string) {
    out << '"' << node.text.substr(0, kShown) << (node.text.size() > kShown ? "…\"" : "\"");
  } else if (node.type == JsonType::number) {
    out << node.text.substr(0, kShown);
  } else if (node.type == JsonType::boolean) {
    out << (node.boolean ? "true" : "false");
  } else if (node.type == JsonType::array && node.size == 0) {
    out << "an empty array";
  } else {
    out << to_string(node.type);
  }
}

}  // namespace

const KeyRule* WorkloadReader::accept(const JsonNode& member, std::span<const KeyRule> rules,
                                      Given& given) noexcept {
  const KeyRule* rule = find_rule(rules, member.key);
  if (rule == nullptr) {
    TextWriter text = diagnostics_.error(member.key_place);
    text << "unknown key \"" << member.key.substr(0, 60) << '"';
    const std::string_view nearest = nearest_name(rules, member.key);
    if (!nearest.empty()) text << "; did you mean \"" << nearest << "\"?";
    return nullptr;
  }
  if (rule->support == Support::ignored) {
    // What is switched off, takt does not do either.
    const bool off = member.type == JsonType::boolean && !member.boolean;
    if (!off) {
      diagnostics_.notice(member.key_place)
          << '"' << member.key << "\" is not used: " << rule->instead;
    }
    return nullptr;
  }
  if (rule->support == Support::unsupported) {
    const KeyRule* of_task = find_rule(task_keys(), rule->name);
    const bool only_in_phase =
        rules.data() == phase_keys().data() && of_task->support == Support::executed;
    diagnostics_.error(member.key_place)
        << '"' << member.key << (only_in_phase ? "\" in a phase" : "\"") << " is not supported yet";
    return nullptr;
  }
  if (rule->event) return rule;
  const Place earlier = given.exchange(rule->key, member.key_place);
  if (earlier.line != 0) {
    diagnostics_.error(member.key_place) << '"' << member.key << "\" is given twice, first in line "
                                         << earlier.line << ", column " << earlier.column;
    return nullptr;
  }
  return rule;
}

void WorkloadReader::mismatch(const JsonNode& node, std::string_view expected) noexcept {
  TextWriter text = diagnostics_.error(node.place);
  if (node.key.empty()) {
    text << "expected " << expected << ", found ";
  } else {
    text << '"' << node.key << "\" expects " << expected << ", found ";
  }
  write_found(node, text);
}

bool WorkloadReader::expect(const JsonNode& node, JsonType type, std::string_view what) noexcept {
  if (node.type == type) return true;
  mismatch(node, what);
  return false;
}

bool WorkloadReader::read_integer(const JsonNode& node, std::string_view what, std::int64_t low,
                                  std::int64_t high, std::int64_t& value) noexcept {
  if (!node.is_integer || node.integer < low || node.integer > high) {
    mismatch(node, what);
    return false;
  }
  value = node.integer;
  return true;
}

bool WorkloadReader::read_loop(const JsonNode& node, std::int64_t& loop) noexcept {
  constexpr std::string_view kExpected =
      "a whole number, 1 to 2147483647, or -1 for a loop without end";
  std::int64_t value = 0;
  if (!read_integer(node, kExpected, -1, kLargestInt, value)) return false;
  if (value == 0) {
    mismatch(node, kExpected);
    return false;
  }
  loop = value;
  return true;
}

bool WorkloadReader::read_microseconds(const JsonNode& node, Duration& duration) noexcept {
  std::int64_t value = 0;
  if (!read_integer(node, "a whole number of microseconds, 0 to 2147483647", 0, kLargestInt,
                    value)) {
    return false;
  }
  duration = std::chrono::microseconds(value);
  return true;
}

bool WorkloadReader::read_cpus(const JsonNode& node, CpuSet& cpus, Place& place) noexcept {
  if (node.type != JsonType::array || node.size == 0) {
    mismatch(node, "an array of CPU numbers like [0, 1]");
    return false;
  }
  CpuSet set;
  for (const JsonNode* element = node.first_child; element != nullptr; element = element->next) {
    std::int64_t cpu = 0;
    constexpr std::int64_t kLast = CpuSet::kCapacity - 1;
    if (!read_integer(*element, "a CPU number from 0 to 1023", 0, kLast, cpu)) return false;
    set.add(static_cast<std::size_t>(cpu));
  }
  cpus = set;
  place = node.place;
  return true;
}

bool WorkloadReader::read_policy(const JsonNode& node, SchedulingPolicy& policy) noexcept {
  for (const SchedulingPolicy candidate : kPolicies) {
    if (node.type == JsonType::string && node.text == to_string(candidate)) {
      policy = candidate;
      return true;
    }
  }
  mismatch(node,
           "SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR or SCHED_DEADLINE as a "
           "string");
  return false;
}

void WorkloadReader::read_scheduling(const SchedulingKeys& keys, Place place,
                                     TaskDescription& task) noexcept {
  SchedulingPolicy policy = default_policy_;
  if (keys.policy != nullptr && !read_policy(*keys.policy, policy)) return;
  if (policy == SchedulingPolicy::deadline) {
    read_deadline(keys, place, task);
    return;
  }
  for (const JsonNode* key : {keys.runtime, keys.period, keys.deadline}) {
    if (key == nullptr) continue;
    diagnostics_.error(key->key_place)
        << '"' << key->key << "\" goes with SCHED_DEADLINE, not with " << to_string(policy);
  }
  const bool fixed_priority =
      policy == SchedulingPolicy::fifo || policy == SchedulingPolicy::round_robin;
  std::int64_t priority = fixed_priority ? kDefaultRealTimePriority : 0;
  if (keys.priority != nullptr) {
    if (fixed_priority) {
      read_integer(*keys.priority, "a real-time priority from 1 to 99 with this policy", 1, 99,
                   priority);
    } else if (policy == SchedulingPolicy::other) {
      read_integer(*keys.priority, "a nice value from -20 to 19 with SCHED_OTHER", -20, 19,
                   priority);
    } else if (!keys.priority->is_integer || keys.priority->integer != 0) {
      diagnostics_.error(keys.priority->key_place)
          << "\"priority\" other than 0 with " << to_string(policy) << " is not supported yet";
    }
  }
  const int level = static_cast<int>(priority);
  if (policy == SchedulingPolicy::fifo) {
    task.scheduling = Fifo{.priority = level};
  } else if (policy == SchedulingPolicy::round_robin) {
    task.scheduling = RoundRobin{.priority = level};
  } else if (policy == SchedulingPolicy::batch) {
    task.scheduling = Batch{};
  } else if (policy == SchedulingPolicy::idle) {
    task.scheduling = Idle{};
  } else {
    task.scheduling = Other{.nice = level};
  }
}

void WorkloadReader::read_deadline(const SchedulingKeys& keys, Place place,
                                   TaskDescription& task) noexcept {
  if (keys.priority != nullptr) {
    diagnostics_.notice(keys.priority->key_place)
        << "\"priority\" is not used: SCHED_DEADLINE has none";
  }
  if (keys.runtime == nullptr) {
    diagnostics_.error(keys.policy != nullptr ? keys.policy->place : place)
        << "SCHED_DEADLINE needs \"dl-runtime\"";
    return;
  }
  Deadline deadline;
  if (!read_microseconds(*keys.runtime, deadline.runtime)) return;
  deadline.period = deadline.runtime;
  if (keys.period != nullptr && !read_microseconds(*keys.period, deadline.period)) return;
  deadline.deadline = deadline.period;
  if (keys.deadline != nullptr && !read_microseconds(*keys.deadline, deadline.deadline)) return;
  // sched(7): the kernel's smallest runtime is 1024 ns.
  if (deadline.runtime < 2us || deadline.runtime > deadline.deadline ||
      deadline.deadline > deadline.period) {
    diagnostics_.error(keys.runtime->place)
        << "SCHED_DEADLINE expects 2 <= dl-runtime <= dl-deadline <= dl-period, in microseconds";
    return;
  }
  task.scheduling = deadline;
}

}  // namespace takt::run
