// SPDX-License-Identifier: Apache-2.0
// Workers on CPUs that the kernel keeps free (isolcpus=): there they run, and nothing of ours runs
// there that was not put there, as /proc shows it.
#include <cstdint>
#include <cstdio>
#include <string>

#include "takt/platform/proc_reader.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/topology.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::CpuSet;
using takt::LaneId;
using takt::StopMode;
using takt::test::kAnyMemory;
using takt::test::kPatience;

constexpr LaneId kIsolated{0}, kOrdinary{1};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .lanes = 2, .jobs_per_lane = 8, .tasks = 1}>
    executor;

/// The list of CPUs in /proc/self/task/ID/status, "2" or "0-1".
std::string allowed_cpus(std::int32_t id) {
  const std::string path = "/proc/self/task/" + std::to_string(id) + "/status";
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return "no " + path;
  char line[4096], list[1024] = "";
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "Cpus_allowed_list: %1023s", list) == 1) break;
  }
  std::fclose(file);
  return list;
}

TEST(IsolatedCpu, a_worker_runs_there_and_nobody_else) {
  const auto topology = takt::platform::read_topology();
  ASSERT_OK(topology);
  if (topology->isolated.empty()) SKIP("no isolated CPU here (isolcpus=)");
  const std::size_t cpu = topology->isolated.first();
  const takt::WorkerConfig workers[] = {
      {.name = "isolated", .lane = kIsolated, .cpus = CpuSet::of(cpu)},
      {.name = "ordinary", .lane = kOrdinary}};
  ASSERT_OK(executor.start(workers, kAnyMemory));
  const auto worker = static_cast<std::int32_t>(executor.worker_stats(0).thread_id.get());
  const auto other = static_cast<std::int32_t>(executor.worker_stats(1).thread_id.get());
  EXPECT_TRUE(allowed_cpus(worker) == std::to_string(cpu), "%s", allowed_cpus(worker).c_str());

  // As both know it, and as the kernel shows it while they run.
  for (int round = 0; round < 20; ++round) {
    std::uint32_t there = 0, elsewhere = 0;
    auto first = executor.submit(
        [&there] {
          there = takt::platform::read_thread_stat(takt::platform::thread_id())->processor;
        },
        {.lane = kIsolated});
    auto second = executor.submit(
        [&elsewhere] {
          elsewhere = takt::platform::read_thread_stat(takt::platform::thread_id())->processor;
        },
        {.lane = kOrdinary});
    ASSERT_OK(first);
    ASSERT_OK(second);
    EXPECT_OK(first->wait());
    EXPECT_OK(second->wait());
    EXPECT_EQ(there, cpu);
    EXPECT_FALSE(topology->isolated.contains(elsewhere), "CPU %u", elsewhere);
  }
  // A worker without CPUs of its own may run where its starter may: nowhere isolated.
  EXPECT_TRUE(allowed_cpus(other) == allowed_cpus(takt::platform::thread_id()));
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
}

}  // namespace
