// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/topology.h"

#include <algorithm>

#include "takt/platform/file_reader.h"
#include "takt/platform/number_text.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// Reads single values below ROOT/devices/system/cpu. The first error stays and silences the rest,
/// so that the callers read like the list of files that they want.
class CpuDirectory {
 public:
  explicit CpuDirectory(const char* sys_root) noexcept : sys_root_(sys_root) {}

  const Status& status() const noexcept { return status_; }

  /// A CPU list; `fallback` when there is no such file.
  CpuSet cpu_list(std::string_view file, const CpuSet& fallback) noexcept {
    const Result<std::string_view> text = read(file);
    if (!text.ok()) return fallback;
    // What the kernel prints for a mask that was never allocated (nohz_full without that option).
    if (detail::trimmed(*text) == "(null)") return {};
    const Result<CpuSet> cpus = CpuSet::parse(*text);
    if (!cpus.ok()) malformed(file, "is no CPU list");
    return cpus.value_or(fallback);
  }

  /// A number; `fallback` when there is no such file.
  std::uint32_t number(std::string_view file, std::uint32_t fallback) noexcept {
    const Result<std::string_view> text = read(file);
    std::uint32_t value = fallback;
    if (text.ok() && !detail::parse_number(detail::trimmed(*text), value)) {
      malformed(file, "is no number that fits");
    }
    return value;
  }

  /// Demands that the file be there: the first error is kept, a missing file included.
  CpuSet required_cpu_list(std::string_view file) noexcept {
    const Status missing = read(file).status();
    if (status_.ok()) status_ = missing;
    return cpu_list(file, {});
  }

 private:
  Result<std::string_view> read(std::string_view file) noexcept {
    Text<256> path;
    path << sys_root_ << "/devices/system/cpu/" << file;
    Result<std::string_view> text = read_file(path.c_str(), buffer_);
    if (!text.ok() && text.code() != StatusCode::not_found && status_.ok()) {
      status_ = text.status();
    }
    return text;
  }
  void malformed(std::string_view file, std::string_view problem) noexcept {
    if (!status_.ok()) return;
    Text<Status::kTextBytes> text;
    text << "/sys/devices/system/cpu/" << file << ' ' << problem;
    status_ = Status(StatusCode::invalid_argument, text.view());
  }

  const char* sys_root_;
  Status status_;
  char buffer_[4096];  // a file of /sys has at most one page of this size
};

/// The CPUs with which `cpu` shares more than a core: its cluster where the kernel knows one wider
/// than the core, else its package.
CpuSet neighbours(CpuDirectory& directory, std::size_t cpu, const CpuSet& online) noexcept {
  const auto list = [&](std::string_view file, const CpuSet& fallback) {
    Text<64> path;
    path << "cpu" << cpu << "/topology/" << file;
    return directory.cpu_list(path.view(), fallback);
  };
  const CpuSet self = CpuSet().add(cpu);
  // The second name of each pair is that of kernels before 5.3.
  const CpuSet core = list("core_cpus_list", list("thread_siblings_list", self));
  const CpuSet cluster = list("cluster_cpus_list", self);
  if (!core.contains(cluster)) return cluster & online;
  return list("package_cpus_list", list("core_siblings_list", online)) & online;
}

std::uint32_t capacity_of(CpuDirectory& directory, std::size_t cpu) noexcept {
  Text<64> path;
  path << "cpu" << cpu << "/cpu_capacity";
  return directory.number(path.view(), CpuCluster().capacity);
}

void group_into_clusters(CpuDirectory& directory, Topology& topology) noexcept {
  CpuSet groups[Topology::kMaxClusters];
  for (std::size_t cpu = topology.online.first(); cpu < CpuSet::kCapacity;
       cpu = topology.online.next(cpu)) {
    const CpuSet group = neighbours(directory, cpu, topology.online);
    const std::uint32_t capacity = capacity_of(directory, cpu);
    std::size_t index = 0;
    while (index < topology.cluster_count &&
           (groups[index] != group || topology.cluster_storage[index].capacity != capacity)) {
      ++index;
    }
    if (index == Topology::kMaxClusters) {
      topology.unclustered.add(cpu);
      continue;
    }
    if (index == topology.cluster_count) {
      groups[index] = group;
      topology.cluster_storage[index].capacity = capacity;
      ++topology.cluster_count;
    }
    topology.cluster_storage[index].cpus.add(cpu);
  }
}

/// The longest line of the first CPU's caches: what must lie between two writers.
std::size_t cache_line_bytes(CpuDirectory& directory, std::size_t cpu) noexcept {
  constexpr int kLevels = 4;
  std::uint32_t longest = 0;
  for (int level = 0; level < kLevels; ++level) {
    Text<64> path;
    path << "cpu" << cpu << "/cache/index" << level << "/coherency_line_size";
    longest = std::max(longest, directory.number(path.view(), 0));
  }
  return longest != 0 ? longest : Topology::kUsualCacheLineBytes;
}

}  // namespace

Result<Topology> read_topology(const char* sys_root) noexcept {
  CpuDirectory directory(sys_root);
  Topology topology;
  topology.online = directory.required_cpu_list("online");
  topology.possible = directory.cpu_list("possible", topology.online);
  topology.isolated = directory.cpu_list("isolated", {});
  topology.nohz_full = directory.cpu_list("nohz_full", {});
  if (!directory.status().ok()) return directory.status();
  if (topology.online.empty()) {
    return Status(StatusCode::invalid_argument, "/sys/devices/system/cpu/online names no CPU");
  }
  group_into_clusters(directory, topology);
  topology.cache_line_bytes = cache_line_bytes(directory, topology.online.first());
  if (!directory.status().ok()) return directory.status();
  return topology;
}

}  // namespace takt::inline v0::platform
