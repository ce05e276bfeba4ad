// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_PROFILES_BOARD_PROFILE_H_
#define TAKT_BOARDS_PROFILES_BOARD_PROFILE_H_

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "takt/platform/cpu_set.h"
#include "takt/platform/text.h"
#include "takt/platform/topology.h"

namespace takt::boards {

/// SCHED_FIFO priorities of a daemon's threads, around that of the kernel's own: threaded interrupt
/// handlers have 50 (MAX_RT_PRIO / 2, sched_set_fifo() in the kernel's kernel/sched/core.c).
struct PriorityPlan {
  int watchdog = 90;     ///< sees that the others hang
  int control = 80;      ///< loops that drive something; goes before all interrupt handlers
  int acquisition = 60;  ///< takes what a device has for a loop
  int service = 40;      ///< real-time work that may wait for interrupts
};

/// The board's watchdog timer, /dev/watchdog.
struct WatchdogTimer {
  const char* driver = nullptr;            ///< the kernel's module; null: none is expected
  std::chrono::seconds longest_timeout{};  ///< that the driver takes
};

/// What a board is, and how its CPUs and priorities are divided up: constants for a deployment,
/// each with its source where it stands, and compared with the running system by
/// describe_differences().
struct BoardProfile {
  const char* name;
  CpuSet cpus{};  ///< all that are online; empty: whatever there is
  std::size_t cache_line_bytes = 64;
  std::span<const CpuSet> clusters{};  ///< CPUs that share a cache; empty: not compared
  CpuSet housekeeping{};  ///< for the system, interrupts and all that shares time; never empty
  CpuSet isolated{};      ///< for control: Linux puts nothing there of its own accord; may be empty
  const char* boot_options = "";  ///< of the kernel, which isolate them
  PriorityPlan priorities{};
  WatchdogTimer watchdog{};

  /// Where control runs: the isolated CPUs, of a board that has none to spare all of them.
  constexpr CpuSet control_cpus() const noexcept {
    return isolated.empty() ? housekeeping : isolated;
  }
};

/// Writes how the machine differs from the profile, a line a difference that says what is expected,
/// what there is and what to do. True: there is none, nothing was written.
/// `dev_root`: instead of /dev. Blocks: no. Callable from: any thread.
bool describe_differences(const BoardProfile& profile, const platform::Topology& machine,
                          TextWriter& out, const char* dev_root = "/dev") noexcept;

/// The profile of this name; null: there is none. Blocks: no. Callable from: anywhere.
const BoardProfile* find_profile(std::string_view name) noexcept;

/// All of them, in alphabetical order.
std::span<const BoardProfile* const> all_profiles() noexcept;

}  // namespace takt::boards

#endif  // TAKT_BOARDS_PROFILES_BOARD_PROFILE_H_
