// SPDX-License-Identifier: Apache-2.0
// Once each page was touched, a mixed load takes no page fault and allocates nothing: for a few
// seconds, or with TAKT_LOAD_SECONDS=60 for a minute (--config=deep).
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/tests/executor/load.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/fault_counter.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Duration;
using takt::StopMode;
using takt::TimePoint;
using takt::test::AllocationGuard;
using takt::test::FaultCounter;
using takt::test::kPatience;
using takt::test::Load;
using takt::test::PageFaults;

constexpr std::uint32_t kWorkers = takt::test::kLoadWorkers;
takt::Executor& executor = takt::test::load_executor;

/// How long the load goes on.
Duration load_time() {
  const char* const text = std::getenv("TAKT_LOAD_SECONDS");
  const int seconds = text == nullptr ? 0 : std::atoi(text);
  return std::chrono::seconds(seconds > 0 ? seconds : 2);
}

TEST(PageFault, none_under_a_mixed_load_once_warm) {
  const Duration duration = load_time();
  takt::test::set_time_limit(duration + kPatience);
  AllocationGuard::prepare();
  if (!AllocationGuard::watches_system_calls()) SKIP("a sanitizer or an emulator faults, too");
  Load load;
  ASSERT_OK(executor.start(takt::test::kLoadConfigs, takt::test::kAnyMemory));
  if (executor.refused_memory_lock() != 0) {
    EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
    SKIP("the memory lock is refused here, errno %d", executor.refused_memory_lock());
  }
  for (int i = 0; i < 100; ++i) load.step();

  const auto faults_of = [](std::uint32_t worker) {
    return FaultCounter::of_thread(
        static_cast<pid_t>(executor.worker_stats(worker).thread_id.get()));
  };
  const std::array<FaultCounter, kWorkers> workers = {faults_of(0), faults_of(1), faults_of(2),
                                                      faults_of(3)};
  const FaultCounter process = FaultCounter::of_process();
  {
    const AllocationGuard guard;
    const TimePoint end = takt::deadline_after(duration);
    do {
      load.step();
    } while (takt::now() < end);
  }
  const PageFaults all = process.since_start();
  std::array<PageFaults, kWorkers> own{};
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    own[worker] = workers[worker].since_start();
  }
  const std::uint64_t jobs = takt::test::jobs_run(executor);
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    EXPECT_EQ(own[worker].minor, 0, "worker %u", worker);
    EXPECT_EQ(own[worker].major, 0, "worker %u", worker);
  }
  EXPECT_EQ(all.minor, 0);
  EXPECT_EQ(all.major, 0);
  load.check(jobs);
  std::printf("%llu rounds, %llu jobs\n", static_cast<unsigned long long>(load.rounds()),
              static_cast<unsigned long long>(jobs));
}

}  // namespace
