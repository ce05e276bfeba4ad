// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/process_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "takt/monitor/history.h"
#include "takt/platform/board_sensors.h"
#include "takt/platform/descriptor_count.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/process_usage.h"
#include "takt/platform/topology.h"

namespace takt::inline v0::detail {
namespace {

constexpr std::uint64_t kKibibyte = 1024;

/// Where zones are looked for: boards number them from 0, some with gaps.
constexpr std::uint32_t kZonesTried = 16;

}  // namespace

void ProcessReader::probe(const char* proc_root, const char* sys_root) noexcept {
  proc_root_ = proc_root;
  sys_root_ = sys_root;
  forget();
  find_cpus();
  find_zones();
}

void ProcessReader::forget() noexcept {
  for (std::int64_t& value : values_) value = History::kAbsent;
}

template <class Value>
bool ProcessReader::usable(const Value& value) noexcept {
  if (!value.ok() && value.code() != StatusCode::not_found) errors_.add();
  return value.ok();
}

template <class Value>
void ProcessReader::set_sensor(ProcessFigure first, std::uint32_t index,
                               const Value& value) noexcept {
  values_[static_cast<std::uint32_t>(first) + index] =
      usable(value) ? static_cast<std::int64_t>(*value) : History::kAbsent;
}

void ProcessReader::find_cpus() noexcept {
  // The first CPU of each cluster: those of a cluster share a clock.
  const Result<platform::Topology> topology = platform::read_topology(sys_root_);
  std::uint32_t count = 0;
  if (usable(topology)) {
    for (const platform::CpuCluster& cluster : topology->clusters()) {
      const auto cpu = static_cast<std::uint32_t>(cluster.cpus.first());
      if (count == kSampledCpus) break;
      if (usable(platform::read_cpu_frequency(cpu, sys_root_))) cpus_[count++] = cpu;
    }
  }
  // release, here and below: pairs with the acquires of cpu_count() and zone_count().
  cpu_count_.store(count, std::memory_order_release);
}

void ProcessReader::find_zones() noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t zone = 0; zone < kZonesTried && count < kSampledZones; ++zone) {
    char buffer[kZoneTypeBytes];
    const Result<std::string_view> type = platform::read_thermal_type(zone, buffer, sys_root_);
    if (!usable(type)) continue;
    zones_[count] = zone;
    char(&name)[kZoneTypeBytes] = zone_types_[count++];
    // The buffer has as much room, and white space at the end of the file took some of it.
    const std::size_t length = std::min<std::size_t>(type->size(), kZoneTypeBytes - 1);
    std::memcpy(name, type->data(), length);
    name[length] = '\0';
  }
  zone_count_.store(count, std::memory_order_release);
}

void ProcessReader::read_fast() noexcept {
  const Result<platform::ProcessUsage> usage = platform::process_usage();
  if (!usable(usage)) {
    for (std::uint32_t at = 0; at < static_cast<std::uint32_t>(ProcessFigure::resident); ++at) {
      values_[at] = History::kAbsent;
    }
    return;
  }
  set(ProcessFigure::cpu_time, static_cast<std::uint64_t>((usage->user + usage->system).count()));
  set(ProcessFigure::peak_resident, usage->peak_resident_bytes);
  set(ProcessFigure::voluntary_switches, usage->voluntary_switches);
  set(ProcessFigure::involuntary_switches, usage->involuntary_switches);
  set(ProcessFigure::minor_faults, usage->minor_faults);
  set(ProcessFigure::major_faults, usage->major_faults);
}

void ProcessReader::read_slow() noexcept {
  for (std::uint32_t at = static_cast<std::uint32_t>(ProcessFigure::resident); at < kProcessFigures;
       ++at) {
    values_[at] = History::kAbsent;
  }
  const Result<platform::ProcessStatus> status = platform::read_process_status(proc_root_);
  if (usable(status)) {
    set(ProcessFigure::resident, status->resident_kib * kKibibyte);
    set(ProcessFigure::locked, status->locked_kib * kKibibyte);
    set(ProcessFigure::threads, status->threads);
  }
  const Result<platform::DescriptorCount> descriptors = platform::count_descriptors(proc_root_);
  if (usable(descriptors)) {
    set(ProcessFigure::descriptors, descriptors->open);
    set(ProcessFigure::sockets, descriptors->sockets);
  }
  // relaxed: this thread's own.
  const std::uint32_t cpus = cpu_count_.load(std::memory_order_relaxed);
  for (std::uint32_t index = 0; index < cpus; ++index) {
    set_sensor(ProcessFigure::frequency, index,
               platform::read_cpu_frequency(cpus_[index], sys_root_));
  }
  const std::uint32_t zones = zone_count_.load(std::memory_order_relaxed);
  for (std::uint32_t index = 0; index < zones; ++index) {
    set_sensor(ProcessFigure::temperature, index,
               platform::read_temperature(zones_[index], sys_root_));
  }
}

}  // namespace takt::inline v0::detail
