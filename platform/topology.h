// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_TOPOLOGY_H_
#define TAKT_PLATFORM_TOPOLOGY_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "takt/platform/cpu_set.h"
#include "takt/platform/result.h"

namespace takt::inline v0::platform {

/// CPUs of the same kind that share a cache or at least a package: one of the two clusters of a
/// big.LITTLE chip, for example.
struct CpuCluster {
  CpuSet cpus;
  /// Relative computing power as the kernel rates it; 1024 is the machine's strongest, and what is
  /// assumed where the kernel rates nothing.
  std::uint32_t capacity = 1024;
};

/// The machine's CPUs, from /sys/devices/system/cpu.
struct Topology {
  static constexpr std::size_t kMaxClusters = 16;
  static constexpr std::size_t kUsualCacheLineBytes = 64;

  CpuSet online;
  CpuSet possible;   ///< online, or could become so
  CpuSet isolated;   ///< kept from the scheduler's balancing (isolcpus=, isolated cpusets)
  CpuSet nohz_full;  ///< without a periodic tick while they run one thread
  std::size_t cache_line_bytes = kUsualCacheLineBytes;
  /// The online CPUs, each in one cluster, in the order of their lowest CPU.
  std::span<const CpuCluster> clusters() const noexcept { return {cluster_storage, cluster_count}; }
  /// CPUs that are in no cluster because there are more than kMaxClusters.
  CpuSet unclustered;

  CpuCluster cluster_storage[kMaxClusters];
  std::size_t cluster_count = 0;
};

/// Reads the topology below `sys_root`. Only `online` must be there; whatever else is missing, as
/// on older kernels and on machines without it, has its neutral value: possible is online, isolated
/// and nohz_full are empty, a cluster is a package, a package the whole machine.
/// Blocks: until some small files are read. Callable from: any thread.
/// Errors: not_found no `online`; invalid_argument a malformed file, which the text names; those of
/// read_file.
Result<Topology> read_topology(const char* sys_root = "/sys") noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_TOPOLOGY_H_
