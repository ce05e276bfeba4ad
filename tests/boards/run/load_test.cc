// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/load.h"

#include <chrono>

#include "takt/boards/run/stop_signal.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

TEST_EACH(Load, uses_at_least_its_cpu_time, 0us, 1us, 40us, 1000us, 20000us) {
  const StopSignal stop;
  const Duration before = *platform::thread_cpu_time();
  use_cpu_time(param, stop);
  EXPECT_GE(*platform::thread_cpu_time() - before, param);
}

TEST_EACH(Load, uses_at_least_its_wall_time, 0us, 1us, 1000us, 20000us) {
  const StopSignal stop;
  const TimePoint before = now();
  use_wall_time(param, stop);
  EXPECT_GE(now() - before, param);
}

TEST(Load, ends_when_it_is_told) {
  StopSignal stop;
  stop.request();
  const Duration before = *platform::thread_cpu_time();
  use_cpu_time(1h, stop);
  use_wall_time(1h, stop);
  EXPECT_LT(*platform::thread_cpu_time() - before, 10s);
}

TEST(StopSignal, sleeps_until_the_deadline) {
  const StopSignal stop;
  const TimePoint deadline = now() + 3ms;
  EXPECT_TRUE(stop.sleep_until(deadline));
  EXPECT_GE(now(), deadline);
  EXPECT_TRUE(stop.sleep_until(now() - 1s));
}

TEST(StopSignal, ends_later_sleeps_as_well) {
  StopSignal stop;
  stop.request();
  EXPECT_FALSE(stop.sleep_until(kNever));
  EXPECT_FALSE(stop.sleep_until(now() - 1s));
}

}  // namespace
}  // namespace takt::run
