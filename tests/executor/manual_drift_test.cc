// SPDX-License-Identifier: Apache-2.0
// A periodic task in virtual time stays on its grid, to the nanosecond: for some minutes of it, or
// with TAKT_PERIODS=1000000000 for twelve days of them (--config=deep).
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/executor/manual_executor.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::JobContext;
using takt::ManualExecutor;
using takt::TimePoint;
using takt::test::kPatience;
using takt::test::Running;

constexpr takt::ExecutorLimits kLimits{.workers = 1, .lanes = 1, .tasks = 1};

/// Checks each release of a task of 1 kHz and a bit.
struct Grid {
  static constexpr Duration kPeriod = 1'000'003ns;
  std::uint64_t next = 0;
  std::uint64_t wrong = 0;

  auto checker() {
    return [this](const JobContext& job) {
      const TimePoint due =
          job.executor->epoch() + 11ns + static_cast<std::int64_t>(next) * kPeriod;
      if (job.index != next || job.release != due || job.start != due || job.skipped != 0) ++wrong;
      ++next;
    };
  }
};

/// How many periods each release is looked at.
std::uint64_t periods_to_run() {
  const char* const text = std::getenv("TAKT_PERIODS");
  const long long periods = text == nullptr ? 0 : std::atoll(text);
  if (periods > 0) return static_cast<std::uint64_t>(periods);
  return static_cast<std::uint64_t>(100'000 / takt::test::time_scale());
}

TEST(ManualDrift, there_is_none) {
  const std::uint64_t periods = periods_to_run();
  takt::test::set_time_limit(kPatience + Duration(3us) * static_cast<std::int64_t>(periods));
  ManualExecutor<kLimits, 0> executor;
  Grid grid;
  const auto task =
      executor.add_task({.name = "task", .period = Grid::kPeriod, .offset = 11ns}, grid.checker());
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  const TimePoint began = takt::now();
  // In parts: a task that has left its grid is seen soon, not after all of them.
  constexpr std::uint64_t kPart = 1'000'000;
  while (grid.next < periods && grid.wrong == 0) {
    const std::uint64_t until = grid.next + kPart < periods ? grid.next + kPart : periods;
    executor.run_until(executor.epoch() + 11ns + static_cast<std::int64_t>(until) * Grid::kPeriod -
                       1ns);
    if (!EXPECT_EQ(grid.next, until)) break;
  }
  const Duration took = takt::now() - began;
  std::printf("%llu periods in %lld ms\n", static_cast<unsigned long long>(grid.next),
              static_cast<long long>(took / 1ms));
  EXPECT_EQ(grid.next, periods);
  EXPECT_EQ(grid.wrong, 0U);
  EXPECT_EQ(task->stats().completed.get(), periods);
  EXPECT_EQ(task->stats().skipped.get(), 0U);
  EXPECT_EQ(task->stats().max_release_jitter_ns.get(), 0U);
}

TEST(ManualDrift, is_on_its_grid_around_the_billionth_period) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  ManualExecutor<kLimits, 0> executor;
  Grid grid;
  auto task =
      executor.add_task({.name = "task", .period = Grid::kPeriod, .offset = 11ns}, grid.checker());
  ASSERT_OK(task);
  const Running running(executor, {{.name = "worker"}});
  executor.run_for(10 * Grid::kPeriod);
  EXPECT_EQ(grid.next, 10U);
  ASSERT_OK(task->suspend());
  executor.run_until(executor.epoch() + (kBillion - 1'000) * Grid::kPeriod);
  ASSERT_OK(task->resume());
  grid.next = kBillion - 1'000;
  executor.run_for(2'000 * Grid::kPeriod);
  EXPECT_EQ(grid.next, kBillion + 1'000);
  EXPECT_EQ(grid.wrong, 0U);
}

}  // namespace
