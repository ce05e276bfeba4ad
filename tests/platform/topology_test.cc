// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/topology.h"

#include <string>
#include <string_view>

#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/test.h"

namespace {

using takt::CpuSet;
using takt::StatusCode;
using takt::platform::read_topology;
using takt::platform::Topology;
using takt::test::TemporaryTree;

const std::string kCpu = "devices/system/cpu/";

/// A made-up /sys.
class SysTree : public TemporaryTree {
 public:
  SysTree& cpu_file(const std::string& file, std::string_view content) {
    write(kCpu + file, content);
    return *this;
  }
  /// The kernel's files about one CPU's neighbours.
  SysTree& cpu(int number, std::string_view core, std::string_view cluster,
               std::string_view package) {
    const std::string directory = "cpu" + std::to_string(number) + "/topology/";
    cpu_file(directory + "core_cpus_list", core);
    cpu_file(directory + "cluster_cpus_list", cluster);
    return cpu_file(directory + "package_cpus_list", package);
  }
};

TEST(Topology, reads_this_machine) {
  const auto topology = read_topology();
  ASSERT_OK(topology);
  EXPECT_FALSE(topology->online.empty());
  EXPECT_TRUE(topology->possible.contains(topology->online));
  EXPECT_GE(topology->cache_line_bytes, 16);
  CpuSet clustered = topology->unclustered;
  for (const auto& cluster : topology->clusters()) {
    EXPECT_FALSE(cluster.cpus.empty());
    EXPECT_TRUE((clustered & cluster.cpus).empty());
    clustered = clustered | cluster.cpus;
  }
  EXPECT_TRUE(clustered == topology->online);
}

TEST(Topology, takes_neutral_values_for_what_is_missing) {
  SysTree sys;
  sys.cpu_file("online", "0-3\n");
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  EXPECT_TRUE(topology->online == CpuSet::range(0, 3));
  EXPECT_TRUE(topology->possible == CpuSet::range(0, 3));
  EXPECT_TRUE(topology->isolated.empty());
  EXPECT_TRUE(topology->nohz_full.empty());
  EXPECT_EQ(topology->cache_line_bytes, Topology::kUsualCacheLineBytes);
  ASSERT_EQ(topology->clusters().size(), 1);
  EXPECT_TRUE(topology->clusters()[0].cpus == CpuSet::range(0, 3));
  EXPECT_EQ(topology->clusters()[0].capacity, 1024);
}

TEST(Topology, reads_an_isolated_board) {
  SysTree sys;
  sys.cpu_file("online", "0-3\n").cpu_file("possible", "0-7\n").cpu_file("isolated", "2-3\n");
  sys.cpu_file("nohz_full", "3\n").cpu_file("cpu0/cache/index0/coherency_line_size", "64\n");
  sys.cpu_file("cpu0/cache/index2/coherency_line_size", "128\n");
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  EXPECT_TRUE(topology->possible == CpuSet::range(0, 7));
  EXPECT_TRUE(topology->isolated == CpuSet::of(2, 3));
  EXPECT_TRUE(topology->nohz_full == CpuSet::of(3));
  EXPECT_EQ(topology->cache_line_bytes, 128);
}

TEST(Topology, takes_a_mask_that_was_never_allocated_as_empty) {
  SysTree sys;
  sys.cpu_file("online", "0\n").cpu_file("nohz_full", "  (null)\n");
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  EXPECT_TRUE(topology->nohz_full.empty());
}

// RK3399: two A72 after four A53, one package, cluster files of a kernel that knows them.
TEST(Topology, separates_clusters) {
  SysTree sys;
  sys.cpu_file("online", "0-5\n");
  for (int cpu = 0; cpu < 6; ++cpu) {
    sys.cpu(cpu, std::to_string(cpu), cpu < 4 ? "0-3" : "4-5", "0-5");
    sys.cpu_file("cpu" + std::to_string(cpu) + "/cpu_capacity", cpu < 4 ? "485\n" : "1024\n");
  }
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  ASSERT_EQ(topology->clusters().size(), 2);
  EXPECT_TRUE(topology->clusters()[0].cpus == CpuSet::range(0, 3));
  EXPECT_EQ(topology->clusters()[0].capacity, 485);
  EXPECT_TRUE(topology->clusters()[1].cpus == CpuSet::range(4, 5));
  EXPECT_EQ(topology->clusters()[1].capacity, 1024);
}

// The same chip where the kernel knows no clusters: only the capacities tell.
TEST(Topology, separates_capacities_within_a_package) {
  SysTree sys;
  sys.cpu_file("online", "0-5\n");
  for (int cpu = 0; cpu < 6; ++cpu) {
    sys.cpu(cpu, std::to_string(cpu), std::to_string(cpu), "0-5");
    sys.cpu_file("cpu" + std::to_string(cpu) + "/cpu_capacity", cpu < 4 ? "485\n" : "1024\n");
  }
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  ASSERT_EQ(topology->clusters().size(), 2);
  EXPECT_TRUE(topology->clusters()[1].cpus == CpuSet::range(4, 5));
}

TEST(Topology, reads_the_names_of_old_kernels) {
  SysTree sys;
  sys.cpu_file("online", "0-3\n");
  for (int cpu = 0; cpu < 4; ++cpu) {
    const std::string directory = "cpu" + std::to_string(cpu) + "/topology/";
    sys.cpu_file(directory + "thread_siblings_list", cpu < 2 ? "0-1" : "2-3");
    sys.cpu_file(directory + "core_siblings_list", cpu < 2 ? "0-1" : "2-3");
  }
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  EXPECT_EQ(topology->clusters().size(), 2);
}

TEST(Topology, leaves_offline_cpus_out_of_clusters) {
  SysTree sys;
  sys.cpu_file("online", "0,2-3\n").cpu_file("possible", "0-3\n");
  for (const int cpu : {0, 2, 3}) sys.cpu(cpu, std::to_string(cpu), "0-3", "0-3");
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  ASSERT_EQ(topology->clusters().size(), 1);
  EXPECT_TRUE(topology->clusters()[0].cpus == CpuSet::of(0, 2, 3));
}

TEST(Topology, lists_what_exceeds_its_clusters) {
  SysTree sys;
  sys.cpu_file("online", "0-19\n");
  for (int cpu = 0; cpu < 20; ++cpu) sys.cpu(cpu, std::to_string(cpu), "", std::to_string(cpu));
  const auto topology = read_topology(sys.root());
  ASSERT_OK(topology);
  EXPECT_EQ(topology->clusters().size(), Topology::kMaxClusters);
  EXPECT_TRUE(topology->unclustered == CpuSet::range(16, 19));
}

TEST(Topology, needs_the_list_of_online_cpus) {
  const SysTree sys;
  EXPECT_EQ(read_topology(sys.root()).code(), StatusCode::not_found);
  EXPECT_EQ(read_topology("/nowhere").code(), StatusCode::not_found);
  SysTree blank;
  blank.cpu_file("online", "\n");
  EXPECT_EQ(read_topology(blank.root()).code(), StatusCode::invalid_argument);
}

struct MalformedCase {
  std::string_view name;  // the file
  std::string_view content;
};
TEST_EACH(Topology, names_a_malformed_file, MalformedCase{"online", "0-"},
          MalformedCase{"possible", "all"}, MalformedCase{"isolated", "3-2"},
          MalformedCase{"nohz_full", "1024"}, MalformedCase{"cpu0/topology/core_cpus_list", "?"},
          MalformedCase{"cpu0/topology/thread_siblings_list", "?"},
          MalformedCase{"cpu0/topology/cluster_cpus_list", "0;1"},
          MalformedCase{"cpu0/topology/package_cpus_list", "-"},
          MalformedCase{"cpu0/topology/core_siblings_list", ","},
          MalformedCase{"cpu0/cpu_capacity", "99999999999"},
          MalformedCase{"cpu0/cache/index3/coherency_line_size", "64 bytes"}) {
  SysTree sys;
  sys.cpu_file("online", "0-1\n").cpu_file(std::string(param.name), param.content);
  const auto topology = read_topology(sys.root());
  EXPECT_EQ(topology.code(), StatusCode::invalid_argument);
  const takt::Status status = topology.status();
  EXPECT_NE(std::string_view(status.text()).find(param.name), std::string_view::npos, "%s",
            status.text());
}

TEST(Topology, reports_a_file_that_is_too_long) {
  SysTree sys;
  sys.cpu_file("online", "0\n").cpu_file("isolated", std::string(5000, ' '));
  EXPECT_EQ(read_topology(sys.root()).code(), StatusCode::resource_exhausted);
}

}  // namespace
