// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_GRAMMAR_H_
#define TAKT_BOARDS_RUN_GRAMMAR_H_

#include <cstdint>
#include <span>
#include <string_view>

/// The keys of rt-app's grammar (scheduler-tools/rt-app, doc/tutorial.txt and the published
/// examples), each with what `run` does about it.
namespace takt::run {

enum class Support : std::uint8_t {
  executed,     ///< honoured
  ignored,      ///< shapes only rt-app's own output or calibration: a notice, unless it is false
  unsupported,  ///< would change what is executed: an error
};

enum class Key : std::uint8_t {
  other,  ///< one that is not executed
  // the file
  tasks,
  global,
  // "global"
  duration,
  default_policy,
  lock_pages,
  pi_enabled,
  frag,
  // a task
  instance,
  loop,
  phases,
  cpus,
  policy,
  priority,
  dl_runtime,
  dl_period,
  dl_deadline,
  delay,
  // events
  run,
  runtime,
  sleep,
  timer,
  // "timer"
  ref,
  period,
  mode,
};

struct KeyRule {
  std::string_view name;
  Support support = Support::executed;
  Key key = Key::other;
  /// An event may be repeated, and numbered to keep keys apart: "run", "run0", "run_b".
  bool event = false;
  /// Of an ignored key: what takt does instead.
  std::string_view instead = {};
};

/// The rules of each place where keys stand.
std::span<const KeyRule> file_keys() noexcept;
std::span<const KeyRule> global_keys() noexcept;
std::span<const KeyRule> task_keys() noexcept;
std::span<const KeyRule> phase_keys() noexcept;
std::span<const KeyRule> timer_keys() noexcept;

/// The rule for `name`; null when there is none. An event's name may go on with anything that
/// does not begin with a lower-case letter. Bound: O(rules).
const KeyRule* find_rule(std::span<const KeyRule> rules, std::string_view name) noexcept;

/// The rule's name that is the nearest to a mistyped `name`; empty when none is near.
/// Bound: O(rules * length).
std::string_view nearest_name(std::span<const KeyRule> rules, std::string_view name) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_GRAMMAR_H_
