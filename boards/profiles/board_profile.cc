// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/profiles/board_profile.h"

#include <unistd.h>

#include <string_view>

#include "takt/boards/profiles/beaglebone.h"
#include "takt/boards/profiles/host.h"
#include "takt/boards/profiles/imx8m.h"
#include "takt/boards/profiles/qemu_virt_arm64.h"
#include "takt/boards/profiles/raspberrypi4.h"

namespace takt::boards {
namespace {

constexpr const BoardProfile* kProfiles[] = {&kBeagleBone, &kHost, &kImx8m, &kQemuVirtArm64,
                                             &kRaspberryPi4};

/// The other lines' CPUs would say the same again.
bool compare_cpus(const BoardProfile& profile, const platform::Topology& machine,
                  TextWriter& out) noexcept {
  if (profile.cpus.empty() || profile.cpus == machine.online) return true;
  out << "CPUs online: " << machine.online << "; expected: " << profile.cpus
      << ", it is another board, or some are switched off (maxcpus=)\n";
  return false;
}

void compare_cache_lines(const BoardProfile& profile, const platform::Topology& machine,
                         TextWriter& out) noexcept {
  if (profile.cache_line_bytes == 0 || profile.cache_line_bytes == machine.cache_line_bytes) return;
  out << "bytes of a cache line: " << machine.cache_line_bytes
      << "; expected: " << profile.cache_line_bytes << ", it is another board\n";
}

void compare_clusters(const BoardProfile& profile, const platform::Topology& machine,
                      TextWriter& out) noexcept {
  for (std::size_t i = 0; i < profile.clusters.size(); ++i) {
    const CpuSet found = i < machine.clusters().size() ? machine.clusters()[i].cpus : CpuSet();
    if (found == profile.clusters[i]) continue;
    out << "cluster " << i << " has CPUs " << found << "; expected: " << profile.clusters[i]
        << ", it is another board\n";
  }
}

void compare_isolation(const BoardProfile& profile, const platform::Topology& machine,
                       TextWriter& out) noexcept {
  if (const CpuSet missing = profile.isolated - machine.isolated; !missing.empty()) {
    out << "CPUs " << missing << " are not isolated: boot with " << profile.boot_options << '\n';
  }
  if (const CpuSet kept = profile.housekeeping & machine.isolated; !kept.empty()) {
    out << "CPUs " << kept << " are isolated and meant for the system: boot with "
        << (profile.isolated.empty() ? "no isolcpus=" : profile.boot_options) << '\n';
  }
}

void look_for_watchdog(const BoardProfile& profile, const char* dev_root,
                       TextWriter& out) noexcept {
  if (profile.watchdog.driver == nullptr) return;
  Text<256> path;
  path << dev_root << "/watchdog";
  if (::access(path.c_str(), F_OK) == 0) return;
  out << "no " << path.view() << ": load its driver (modprobe " << profile.watchdog.driver << ")\n";
}

}  // namespace

bool describe_differences(const BoardProfile& profile, const platform::Topology& machine,
                          TextWriter& out, const char* dev_root) noexcept {
  const std::size_t before = out.view().size();
  if (compare_cpus(profile, machine, out)) {
    compare_clusters(profile, machine, out);
    compare_isolation(profile, machine, out);
  }
  compare_cache_lines(profile, machine, out);
  look_for_watchdog(profile, dev_root, out);
  return out.view().size() == before;
}

const BoardProfile* find_profile(std::string_view name) noexcept {
  for (const BoardProfile* const profile : kProfiles) {
    if (name == profile->name) return profile;
  }
  return nullptr;
}

std::span<const BoardProfile* const> all_profiles() noexcept { return kProfiles; }

}  // namespace takt::boards
