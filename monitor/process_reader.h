// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_PROCESS_READER_H_
#define TAKT_MONITOR_PROCESS_READER_H_

#include <atomic>
#include <cstdint>

#include "takt/executor/stats.h"
#include "takt/monitor/series.h"

namespace takt::inline v0::detail {

/// Reads the process-wide figures and the board's sensors. What there is none of is absent
/// (History::kAbsent) and no error; what could not be read is absent and counted.
class ProcessReader {
 public:
  static constexpr std::uint32_t kZoneTypeBytes = 24;

  ProcessReader() noexcept { forget(); }

  /// Finds out what the board has. Blocks: until some small files are read. Callable from: one
  /// thread at a time, as all that reads; the roots outlive this.
  void probe(const char* proc_root, const char* sys_root) noexcept;
  /// Those before ProcessFigure::resident: one system call.
  void read_fast() noexcept;
  /// The others: files.
  void read_slow() noexcept;

  /// What was read last. Callable from: the reading thread.
  std::int64_t value(std::uint32_t figure) const noexcept { return values_[figure]; }

  // Callable from: any thread.
  std::uint64_t errors() const noexcept { return errors_.get(); }
  /// Which CPUs' frequency is read, and what the zones measure.
  // acquire, both: pair with the releases of those who found them; cpus_ and zones_ are there.
  std::uint32_t cpu_count() const noexcept { return cpu_count_.load(std::memory_order_acquire); }
  std::uint32_t zone_count() const noexcept { return zone_count_.load(std::memory_order_acquire); }
  std::uint32_t cpu(std::uint32_t index) const noexcept { return cpus_[index]; }
  std::uint32_t zone(std::uint32_t index) const noexcept { return zones_[index]; }
  const char* zone_type(std::uint32_t index) const noexcept { return zone_types_[index]; }

 private:
  void forget() noexcept;
  void set(ProcessFigure figure, std::uint64_t value) noexcept {
    values_[static_cast<std::uint32_t>(figure)] = static_cast<std::int64_t>(value);
  }
  template <class Value>
  void set_sensor(ProcessFigure first, std::uint32_t index, const Value& value) noexcept;
  /// True: there is a value; an error that is not "there is none" counts.
  template <class Value>
  bool usable(const Value& value) noexcept;
  void find_cpus() noexcept;
  void find_zones() noexcept;

  const char* proc_root_ = "/proc";
  const char* sys_root_ = "/sys";
  Counter errors_;
  std::int64_t values_[kProcessFigures];
  std::uint32_t cpus_[kSampledCpus] = {};
  std::uint32_t zones_[kSampledZones] = {};
  char zone_types_[kSampledZones][kZoneTypeBytes] = {};
  // Stored after what they count.
  std::atomic<std::uint32_t> cpu_count_{0};
  std::atomic<std::uint32_t> zone_count_{0};
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_PROCESS_READER_H_
