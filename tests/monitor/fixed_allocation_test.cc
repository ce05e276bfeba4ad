// SPDX-License-Identifier: Apache-2.0
// What reads and tells beside a running executor allocates nothing: error log, exposition, trace.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include "takt/executor/executor.h"
#include "takt/monitor/error_log.h"
#include "takt/monitor/exposition.h"
#include "takt/monitor/metrics.h"
#include "takt/monitor/sampler.h"
#include "takt/monitor/trace.h"
#include "takt/platform/file_writer.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ErrorKind;
using takt::ErrorKindConfig;
using takt::test::AllocationGuard;
using takt::test::Running;
using takt::test::wait_until;

constexpr takt::ExecutorLimits kLimits{
    .workers = 1, .jobs_per_lane = 16, .tasks = 1, .histograms = 1, .events_per_worker = 64};
takt::StaticExecutor<kLimits> executor;
takt::StaticErrorLog<2, 2, 32> errors;
constexpr ErrorKind kBus{0}, kDisk{1};
char buffer[64 * 1024];

/// Ten jobs, each of which reports an error.
void post_reports(std::atomic<int>& reported) {
  for (int number = 0; number < 10; ++number) {
    ASSERT_OK(executor.post(
        [&reported, number] {
          const bool even = number % 2 == 0;
          EXPECT_TRUE(errors.report(even ? kBus : kDisk, even ? "no answer" : "is full", number));
          ++reported;
        },
        {.when_full = takt::WhenFull::wait}));
  }
}

TEST(FixedAllocation, errors_are_reported_by_jobs_and_recovered_from) {
  constexpr ErrorKindConfig kKinds[] = {{.name = "i2c"}, {.name = "disk"}};
  constexpr takt::RecoveryRule kRules[] = {
      {.kind = kDisk, .threshold = 3, .action = takt::RecoveryAction::degrade}};
  ASSERT_OK(errors.configure(kKinds, kRules));
  static int recovered = 0;
  errors.set_recovery(
      [](const takt::ErrorEntry&, takt::RecoveryAction, void*) noexcept { ++recovered; }, nullptr);
  const Running running(executor, {{.name = "worker"}});
  const std::uint64_t worker = executor.worker_stats(0).thread_id.get();
  std::atomic<int> reported{0};
  std::size_t taken = 0;
  {
    const AllocationGuard guard;
    post_reports(reported);
    wait_until([&] { return reported == 10; });
    taken = errors.step(takt::now());
  }
  EXPECT_EQ(taken, 10U);
  EXPECT_EQ(recovered, 1);
  // In the order of the jobs, the newest first, and what they said.
  std::array<takt::ErrorEntry, 16> entries;
  ASSERT_EQ(errors.history(entries), 10U);
  for (int number = 0; number < 10; ++number) {
    const takt::ErrorEntry& entry = entries[static_cast<std::size_t>(9 - number)];
    EXPECT_TRUE(entry.kind == (number % 2 == 0 ? kBus : kDisk));
    EXPECT_EQ(entry.code, number);
    EXPECT_EQ(entry.thread, worker);
    EXPECT_EQ(std::string_view(entry.text), number % 2 == 0 ? "no answer" : "is full");
  }
}

TEST(FixedAllocation, figures_are_exposed) {
  static takt::StaticMetrics<1> metrics;
  static takt::SharedCounter frames;
  static takt::StaticSampler<takt::SamplerLimits{
      .workers = 1, .tasks = 1, .lanes = 1, .metrics = 1, .alerts = 0, .history = 2}>
      sampler;
  constexpr ErrorKindConfig kKinds[] = {{.name = "i2c"}, {.name = "disk"}};
  ASSERT_OK(errors.configure(kKinds));
  ASSERT_OK(metrics.add({.name = "frames_total", .help = "F"}, frames));
  ASSERT_OK(executor.add_task({.name = "servo", .period = 1ms, .histograms = true}, [] {}));
  const Running running(executor, {{.name = "worker"}});
  const takt::test::TemporaryTree directory;
  const std::string path = directory.path("takt.prom");
  constexpr takt::MetricLabel kLabels[] = {{"daemon", "x"}};
  {
    const AllocationGuard guard;
    EXPECT_OK(sampler.observe(executor));
    sampler.step(takt::now());
    for (const auto format : {takt::ExpositionFormat::prometheus, takt::ExpositionFormat::json}) {
      takt::Exposition exposition(buffer, format);
      EXPECT_OK(exposition.set_labels(kLabels));
      exposition.add(metrics);
      exposition.add(sampler);
      exposition.add(errors);
      const takt::Result<std::string_view> text = exposition.finish();
      EXPECT_OK(text);
      if (text.ok()) EXPECT_OK(takt::platform::replace_file(path.c_str(), *text));
    }
    // One that is too small, with what it says of that.
    takt::Exposition small{std::span(buffer).first(200), takt::ExpositionFormat::prometheus};
    small.add(sampler);
    EXPECT_FALSE(small.finish().ok());
  }
}

TEST(FixedAllocation, a_trace_is_written) {
  ASSERT_OK(executor.add_task({.name = "servo", .period = 1ms}, [] {}));
  const Running running(executor, {{.name = "worker"}});
  static takt::StaticTrace<1> trace{takt::ExecutorView(executor)};
  char path[] = "/tmp/takt_trace_XXXXXX";
  const int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  ::unlink(path);
  {
    const AllocationGuard guard;
    // More than the ring holds: some are lost, which is told as well.
    wait_until([] { return executor.worker_events(0).written() > 10; });
    EXPECT_OK(trace.write_to(file, buffer));
    wait_until([] { return executor.worker_events(0).written() > 200; });
    EXPECT_OK(trace.write_to(file, buffer));
    EXPECT_OK(trace.finish_to(file, buffer));
  }
  EXPECT_GT(trace.events(), 10U);
  ::close(file);
}

}  // namespace
