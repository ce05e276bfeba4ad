// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/profiles/board_profile.h"

#include <string>
#include <string_view>

#include "takt/boards/profiles/beaglebone.h"
#include "takt/boards/profiles/host.h"
#include "takt/boards/profiles/imx8m.h"
#include "takt/boards/profiles/qemu_virt_arm64.h"
#include "takt/boards/profiles/raspberrypi4.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/test.h"

namespace takt::boards {
namespace {

/// Its CPUs are divided up, with none left over, and the system has at least one.
constexpr bool is_sound(const BoardProfile& profile) {
  const PriorityPlan& plan = profile.priorities;
  const bool divided =
      profile.cpus.empty() || ((profile.housekeeping | profile.isolated) == profile.cpus &&
                               (profile.housekeeping & profile.isolated).empty());
  return divided && !profile.housekeeping.empty() && plan.watchdog > plan.control &&
         plan.control > 50 && plan.acquisition > 50 && plan.service < 50;
}
static_assert(is_sound(kRaspberryPi4) && is_sound(kImx8m) && is_sound(kBeagleBone) &&
              is_sound(kQemuVirtArm64) && is_sound(kHost));
static_assert(kRaspberryPi4.control_cpus() == CpuSet::range(2, 3));
static_assert(kBeagleBone.control_cpus() == CpuSet::of(0));

/// A Raspberry Pi 4 that was booted as its profile says.
platform::Topology raspberry_pi() {
  platform::Topology machine;
  machine.online = CpuSet::range(0, 3);
  machine.possible = machine.online;
  machine.isolated = CpuSet::range(2, 3);
  machine.cluster_storage[0].cpus = CpuSet::range(0, 3);
  machine.cluster_count = 1;
  return machine;
}

class Board {
 public:
  Board() { dev_.write("watchdog", ""); }

  std::string differences(const BoardProfile& profile, const platform::Topology& machine) {
    Text<1024> text;
    const bool same = describe_differences(profile, machine, text, dev_.root());
    EXPECT_EQ(same, text.view().empty());
    return text.c_str();
  }
  [[nodiscard]] std::string path(const char* file) const { return dev_.path(file); }

 private:
  test::TemporaryTree dev_;
};

TEST(BoardProfile, says_nothing_of_a_board_that_is_as_it_says) {
  EXPECT_EQ(Board().differences(kRaspberryPi4, raspberry_pi()), "");
}

TEST(BoardProfile, names_what_differs_and_what_to_do) {
  Board board;
  platform::Topology machine = raspberry_pi();
  machine.isolated = CpuSet::of(3);
  EXPECT_EQ(board.differences(kRaspberryPi4, machine),
            "CPUs 2 are not isolated: boot with isolcpus=2-3 nohz_full=2-3 irqaffinity=0-1\n");
  machine.isolated = CpuSet::range(1, 3);
  EXPECT_EQ(board.differences(kRaspberryPi4, machine),
            "CPUs 1 are isolated and meant for the system: boot with isolcpus=2-3 nohz_full=2-3 "
            "irqaffinity=0-1\n");
  machine = raspberry_pi();
  machine.cache_line_bytes = 128;
  EXPECT_EQ(board.differences(kRaspberryPi4, machine),
            "bytes of a cache line: 128; expected: 64, it is another board\n");
  machine = raspberry_pi();
  machine.cluster_storage[0].cpus = CpuSet::range(0, 1);
  machine.cluster_storage[1].cpus = CpuSet::range(2, 3);
  machine.cluster_count = 2;
  EXPECT_EQ(board.differences(kRaspberryPi4, machine),
            "cluster 0 has CPUs 0,1; expected: 0-3, it is another board\n");
}

TEST(BoardProfile, on_another_machine_the_cpus_say_it_all) {
  platform::Topology machine = raspberry_pi();
  machine.online = CpuSet::range(0, 1);
  machine.isolated = {};
  EXPECT_EQ(Board().differences(kRaspberryPi4, machine),
            "CPUs online: 0,1; expected: 0-3, it is another board, or some are switched off "
            "(maxcpus=)\n");
  machine.online = CpuSet::of(0);
  machine.isolated = CpuSet::of(0);
  EXPECT_EQ(Board().differences(kBeagleBone, machine),
            "CPUs 0 are isolated and meant for the system: boot with no isolcpus=\n");
}

TEST(BoardProfile, a_watchdog_without_its_driver_is_missing) {
  const test::TemporaryTree dev;
  Text<1024> text;
  EXPECT_FALSE(describe_differences(kRaspberryPi4, raspberry_pi(), text, dev.root()));
  EXPECT_EQ(std::string(text.c_str()),
            "no " + dev.path("watchdog") + ": load its driver (modprobe bcm2835_wdt)\n");
}

TEST(BoardProfile, any_machine_is_a_host) {
  const auto machine = platform::read_topology();
  ASSERT_OK(machine);
  Text<1024> text;
  EXPECT_TRUE(describe_differences(kHost, *machine, text), "%s", text.c_str());
}

TEST(BoardProfile, is_found_by_its_name) {
  std::string_view before;
  for (const BoardProfile* const profile : all_profiles()) {
    EXPECT_TRUE(before < profile->name);
    before = profile->name;
    EXPECT_EQ(find_profile(profile->name), profile);
  }
  EXPECT_EQ(find_profile("raspberrypi"), nullptr);
}

}  // namespace
}  // namespace takt::boards
