// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_WORKLOAD_READER_H_
#define TAKT_BOARDS_RUN_WORKLOAD_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "takt/boards/run/grammar.h"
#include "takt/boards/run/json_reader.h"
#include "takt/boards/run/workload.h"

namespace takt::run {

/// Interprets a document in rt-app's grammar. Everything that is wrong, unknown or not supported
/// goes to the diagnostics with its place; reading goes on behind it, to find further errors.
/// One reader reads one document.
/// Blocks: no. Bound: O(values^2) for tasks that share a timer's name, else O(values).
/// Callable from: the owner.
class WorkloadReader {
 public:
  WorkloadReader(Workload& workload, Diagnostics& diagnostics) noexcept
      : workload_(workload), diagnostics_(diagnostics) {}

  /// True when `workload` holds all that the document says; false after an error.
  bool read(const JsonNode& document) noexcept;

 private:
  static constexpr std::int64_t kLargestInt =
      std::numeric_limits<std::int32_t>::max();  // as in rt-app

  /// Where each setting of the object that is being read was first given.
  class Given {
   public:
    /// The place of an earlier one; line 0 when this is the first.
    Place exchange(Key key, Place place) noexcept {
      Place& slot = places_[static_cast<std::size_t>(key)];
      const Place earlier = slot;
      if (earlier.line == 0) slot = place;
      return earlier;
    }

   private:
    std::array<Place, 32> places_{};
  };

  /// A task's scheduling keys: what they mean depends on one another.
  struct SchedulingKeys {
    const JsonNode* policy = nullptr;
    const JsonNode* priority = nullptr;
    const JsonNode* runtime = nullptr;
    const JsonNode* period = nullptr;
    const JsonNode* deadline = nullptr;
  };

  void read_global(const JsonNode& object) noexcept;
  void read_task(const JsonNode& object) noexcept;
  void read_phases(const JsonNode& object, TaskDescription& task) noexcept;
  void read_phase(const JsonNode& object, TaskDescription& task) noexcept;
  void read_event(const JsonNode& node, Key key, TaskDescription& task,
                  PhaseDescription& phase) noexcept;
  void read_timer(const JsonNode& object, TaskDescription& task, EventDescription& event) noexcept;
  std::optional<std::uint32_t> timer_index(std::string_view ref, Place place, bool absolute,
                                           TaskDescription& task) noexcept;
  void read_scheduling(const SchedulingKeys& keys, Place place, TaskDescription& task) noexcept;
  void read_deadline(const SchedulingKeys& keys, Place place, TaskDescription& task) noexcept;
  void check_shared_timers() noexcept;
  void check_instances(const JsonNode& tasks) noexcept;

  TaskDescription* new_task(const JsonNode& object) noexcept;
  PhaseDescription* new_phase(const JsonNode& object, TaskDescription& task) noexcept;

  /// The rule for a member, or null when it is not to be read further: unknown, unsupported,
  /// ignored or given twice, which is then said.
  const KeyRule* accept(const JsonNode& member, std::span<const KeyRule> rules,
                        Given& given) noexcept;
  bool expect(const JsonNode& node, JsonType type, std::string_view what) noexcept;
  bool read_integer(const JsonNode& node, std::string_view what, std::int64_t low,
                    std::int64_t high, std::int64_t& value) noexcept;
  bool read_loop(const JsonNode& node, std::int64_t& loop) noexcept;
  bool read_microseconds(const JsonNode& node, Duration& duration) noexcept;
  bool read_cpus(const JsonNode& node, CpuSet& cpus, Place& place) noexcept;
  bool read_policy(const JsonNode& node, SchedulingPolicy& policy) noexcept;
  void mismatch(const JsonNode& node, std::string_view expected) noexcept;

  Workload& workload_;
  Diagnostics& diagnostics_;
  SchedulingPolicy default_policy_ = SchedulingPolicy::other;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_WORKLOAD_READER_H_
