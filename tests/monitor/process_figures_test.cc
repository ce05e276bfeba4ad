// SPDX-License-Identifier: Apache-2.0
// What the sampler shows of its process: each figure from its own place in what the kernel says.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

#include "takt/monitor/sampler.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/platform/proc_samples.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/test.h"

namespace {

/// What the kernel seems to have counted.
std::optional<rusage> made_up_usage;

}  // namespace

// In place of the system's.
extern "C" int getrusage(__rusage_who_t who, rusage* usage) noexcept {
  if (made_up_usage.has_value()) {
    *usage = *made_up_usage;
    return 0;
  }
  // The kernel's longs, however wide the library's seconds are; of them what is looked at.
  long words[18] = {};
  const auto result = static_cast<int>(::syscall(SYS_getrusage, who, words));
  *usage = {};
  usage->ru_utime = {.tv_sec = words[0], .tv_usec = words[1]};
  usage->ru_stime = {.tv_sec = words[2], .tv_usec = words[3]};
  return result;
}

namespace takt {
namespace {

using namespace std::chrono_literals;
using test::kStatus;
using test::TemporaryTree;

StaticSampler<SamplerLimits{
    .workers = 1, .tasks = 0, .lanes = 0, .metrics = 1, .alerts = 0, .history = 250}>
    sampler;
constexpr TimePoint kBegin = from_ns(1'000'000'000'000);
std::array<double, 250> scratch;

double value_of(ProcessFigure figure, std::uint32_t index = 0) {
  return sampler.value(sampler.series(figure, index)).value_or(-1);
}

bool is_about(double value, double expected) {
  return std::abs(value - expected) <= 1e-9 * expected;
}

TEST(ProcessFigures, each_is_what_the_kernel_counts_under_its_name) {
  ASSERT_OK(sampler.configure({}));
  made_up_usage.emplace();
  sampler.step(kBegin);
  rusage usage{};
  usage.ru_utime = {.tv_sec = 1, .tv_usec = 500'000};
  usage.ru_stime = {.tv_sec = 0, .tv_usec = 250'000};
  usage.ru_nvcsw = 30;
  usage.ru_nivcsw = 40;
  usage.ru_minflt = 50;
  usage.ru_majflt = 60;
  usage.ru_maxrss = 70;
  made_up_usage = usage;
  sampler.step(kBegin + 10s);
  EXPECT_TRUE(is_about(value_of(ProcessFigure::cpu_time), 0.175));
  EXPECT_TRUE(is_about(value_of(ProcessFigure::voluntary_switches), 3));
  EXPECT_TRUE(is_about(value_of(ProcessFigure::involuntary_switches), 4));
  EXPECT_TRUE(is_about(value_of(ProcessFigure::minor_faults), 5));
  EXPECT_TRUE(is_about(value_of(ProcessFigure::major_faults), 6));
  EXPECT_EQ(value_of(ProcessFigure::peak_resident), 70.0 * 1024);
}

TEST(ProcessFigures, cpu_time_is_what_was_burnt) {
  ASSERT_OK(sampler.configure({}));
  sampler.step(kBegin);
  const Duration begin = platform::thread_cpu_time().value();
  while (platform::thread_cpu_time().value() - begin < 20ms) continue;
  sampler.step(kBegin + 100ms);
  // The kernel scales user and system time to its own sum, in microseconds.
  EXPECT_GE(value_of(ProcessFigure::cpu_time), 0.19);
}

/// A made-up /proc, whose process has two sockets and a file.
class ProcTree : public TemporaryTree {
 public:
  ProcTree() {
    std::filesystem::create_directories(path("self/fd"));
    // Beyond the numbers that the test itself has open.
    for (const auto& [number, target] :
         {std::pair("2000", "socket:[1]"), {"2001", "/dev/null"}, {"2002", "socket:[2]"}}) {
      std::filesystem::create_symlink(target, path(std::string("self/fd/") + number));
    }
    resident(1700);
  }
  void resident(int kibibytes) {
    std::string status(kStatus);
    const std::string_view old = "1700 kB";
    write("self/status",
          status.replace(status.find(old), old.size(), std::to_string(kibibytes) + " kB"));
  }
};

TEST(ProcessFigures, levels_are_those_of_proc) {
  const ProcTree proc;
  ASSERT_OK(sampler.configure({.proc_root = proc.root()}));
  sampler.step(kBegin);
  EXPECT_EQ(value_of(ProcessFigure::resident), 1700.0 * 1024);
  EXPECT_EQ(value_of(ProcessFigure::locked), 512.0 * 1024);
  EXPECT_EQ(value_of(ProcessFigure::threads), 3.0);
  EXPECT_EQ(value_of(ProcessFigure::descriptors), 3.0);
  EXPECT_EQ(value_of(ProcessFigure::sockets), 2.0);
  EXPECT_EQ(sampler.read_errors(), 0U);
}

TEST(ProcessFigures, the_peak_of_memory_is_that_of_the_window) {
  ProcTree proc;
  ASSERT_OK(sampler.configure({.period = 1s, .slow_period = 1s, .proc_root = proc.root()}));
  TimePoint now = kBegin;
  for (const int resident : {9000, 1000, 5000, 4000, 3000}) {
    proc.resident(resident);
    sampler.step(now);
    now += 1s;
  }
  const Series resident = sampler.series(ProcessFigure::resident);
  const auto all = sampler.summary(resident, 5s, scratch);
  ASSERT_OK(all);
  EXPECT_EQ(all->samples, 5U);
  EXPECT_EQ(all->max, 9000.0 * 1024);
  // The newest four: the peak has gone.
  const auto newest = sampler.summary(resident, 4s, scratch);
  ASSERT_OK(newest);
  EXPECT_EQ(newest->samples, 4U);
  EXPECT_EQ(newest->min, 1000.0 * 1024);
  EXPECT_EQ(newest->max, 5000.0 * 1024);
}

TEST(ProcessFigures, percentiles_are_values_of_their_rank) {
  static StaticMetrics<1> metrics;
  static Gauge level;
  ASSERT_OK(metrics.add({.name = "level", .help = "L"}, level));
  ASSERT_OK(sampler.set_metrics(metrics));
  ASSERT_OK(sampler.configure({}));
  // 1 to 200, in no order: 73 and 201 have no common factor.
  for (int sample = 1; sample <= 200; ++sample) {
    level.set(73 * sample % 201);
    sampler.step(kBegin + 100ms * (sample - 1));
  }
  const auto summary = sampler.summary(sampler.metric(0), 1h, scratch);
  ASSERT_OK(summary);
  EXPECT_EQ(summary->samples, 200U);
  EXPECT_EQ(summary->min, 1.0);
  EXPECT_EQ(summary->median, 100.0);
  EXPECT_EQ(summary->p90, 180.0);
  EXPECT_EQ(summary->p99, 198.0);
  EXPECT_EQ(summary->max, 200.0);
}

// A driver that is unloaded and loaded again; a /proc that is not there for a while.
TEST(ProcessFigures, what_vanishes_is_absent_and_comes_again) {
  ProcTree proc;
  TemporaryTree sys;
  const std::string zone = "class/thermal/thermal_zone0/";
  const std::string frequency = "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
  sys.write("devices/system/cpu/online", "0\n");
  sys.write("devices/system/cpu/cpu0/topology/cluster_cpus_list", "0\n");
  sys.write("devices/system/cpu/cpu0/topology/core_cpus_list", "0\n");
  const auto appear = [&](const char* temperature) {
    sys.write(zone + "type", "cpu-thermal\n").write(zone + "temp", temperature);
    sys.write(frequency, "1400000\n");
  };
  appear("48300\n");
  ASSERT_OK(sampler.configure(
      {.period = 1s, .slow_period = 1s, .proc_root = proc.root(), .sys_root = sys.root()}));
  sampler.step(kBegin);
  EXPECT_EQ(value_of(ProcessFigure::temperature), 48.3);
  EXPECT_EQ(value_of(ProcessFigure::frequency), 1.4e9);
  for (const std::string& gone :
       {sys.path("class"), sys.path(frequency), proc.path("self/status"), proc.path("self/fd")}) {
    std::filesystem::remove_all(gone);
  }
  sampler.step(kBegin + 1s);
  for (const ProcessFigure figure :
       {ProcessFigure::temperature, ProcessFigure::frequency, ProcessFigure::resident,
        ProcessFigure::threads, ProcessFigure::descriptors}) {
    EXPECT_FALSE(sampler.value(sampler.series(figure)).has_value());
  }
  appear("51000\n");
  proc.resident(1800);
  std::filesystem::create_directories(proc.path("self/fd"));
  sampler.step(kBegin + 2s);
  EXPECT_EQ(value_of(ProcessFigure::temperature), 51.0);
  EXPECT_EQ(value_of(ProcessFigure::frequency), 1.4e9);
  EXPECT_EQ(value_of(ProcessFigure::resident), 1800.0 * 1024);
  EXPECT_EQ(value_of(ProcessFigure::descriptors), 0.0);
  EXPECT_EQ(sampler.read_errors(), 0U);  // what is not there is none
}

}  // namespace
}  // namespace takt
