// SPDX-License-Identifier: Apache-2.0
// Whom the watchdog feeds, and what it does when the device refuses it.
#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "takt/tests/monitor/supervised_world.h"
#include "takt/tests/platform/fake_watchdog.h"
#include "takt/tests/platform/manager_socket.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ByMode;
using takt::Duration;
using takt::EntityExpectation;
using takt::Fault;
using takt::GlobalState;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::ServiceManager;
using takt::platform::SystemCall;
using takt::platform::WatchdogDevice;
using takt::test::FakeWatchdog;
using takt::test::FaultInjection;
using takt::test::ManagerSocket;
using World = takt::test::SupervisedWorld;

/// Lets time pass; how often the service manager was fed. The socket's queue is short.
int feeds_taken(World& world, const ManagerSocket& socket, Duration duration) {
  int feeds = 0;
  for (const TimePoint end = world.now + duration; world.now < end;) {
    world.advance(10 * World::kTick);
    while (socket.has_message()) feeds += socket.receive() == "WATCHDOG=1" ? 1 : 0;
  }
  return feeds;
}

TEST(WatchdogFeeding, goes_on_while_somebody_has_failed_and_ends_while_somebody_has_expired) {
  FakeWatchdog fake;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 2s}));
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  EntityExpectation loop = World::kLoop;
  loop.tolerance.logical = 1000;
  world.begin({.expired_tolerance = 1000, .device = &device, .service_manager = &manager},
              ByMode<EntityExpectation>::all(loop));
  world.skips_compute = true;
  feeds_taken(world, socket, 200ms);
  ASSERT_TRUE(world.watchdog.state() == GlobalState::failed);
  // Three time-outs of the device and more than fifteen of the manager.
  int before = fake.feeds;
  EXPECT_GE(feeds_taken(world, socket, 6s), 30);
  EXPECT_GE(fake.feeds - before, 6);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::failed);
  world.skips_compute = false;
  world.hangs = true;
  feeds_taken(world, socket, 100ms);
  ASSERT_TRUE(world.watchdog.state() == GlobalState::expired);
  before = fake.feeds;
  EXPECT_EQ(feeds_taken(world, socket, 6s), 0);
  EXPECT_EQ(fake.feeds, before);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::expired);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogFeeding, of_a_device_that_was_refused_is_repeated_at_the_next_glance) {
  FakeWatchdog fake;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 1s}));
  World world;
  world.begin({.device = &device});
  world.advance(100ms);
  TimePoint fed = world.now;
  const FaultInjection fault(SystemCall::ioctl, EIO);
  Duration longest{};
  for (int feeds = fake.feeds; world.now < takt::from_ns(0) + 3s;) {
    world.advance(World::kTick);
    if (fake.feeds == feeds) continue;
    feeds = fake.feeds;
    longest = std::max(longest, world.now - fed);
    fed = world.now;
  }
  EXPECT_EQ(fault.failures(), 1U);
  EXPECT_GE(longest.count(), Duration(400ms).count());  // it was fed at all
  EXPECT_LE(longest.count(), Duration(500ms + World::kPeriod).count());
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == Fault::feeding_refused);
  EXPECT_TRUE(world.verdicts[0].kind == takt::SubjectKind::device);
  EXPECT_EQ(world.verdicts[0].finding.count, EIO);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogFeeding, of_a_device_that_refuses_always_is_recorded_once) {
  FakeWatchdog fake;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 1s}));
  World world;
  world.begin({.device = &device});
  world.advance(100ms);
  const int before = fake.feeds;
  {
    const FaultInjection fault(SystemCall::ioctl, EIO, 1, FaultInjection::Times::onward);
    world.advance(2s);
    EXPECT_GE(fault.failures(), 100U);  // at each glance anew
  }
  EXPECT_EQ(fake.feeds, before);
  ASSERT_EQ(world.verdicts.size(), 1U);
  EXPECT_TRUE(world.verdicts[0].finding.fault == Fault::feeding_refused);
  EXPECT_TRUE(world.watchdog.state() == GlobalState::ok);
  // It takes the feed again, and its next refusal is another one.
  world.advance(1s);
  EXPECT_GT(fake.feeds, before);
  EXPECT_EQ(world.verdicts.size(), 1U);
  const FaultInjection again(SystemCall::ioctl, EIO);
  world.advance(1s);
  EXPECT_EQ(world.verdicts.size(), 2U);
  EXPECT_OK(device.disarm());
}

struct TooShort {
  const char* name;
  Duration timeout;
  Duration pretimeout;
  bool refused;
};
// A feed comes up to a period late: half of the time until it acts is no shorter.
TEST_EACH(WatchdogFeeding, refuses_a_device_that_acts_before_two_periods_are_over,
          TooShort{"timeout", 1s, 0s, true}, TooShort{"pretimeout", 10s, 9s, true},
          TooShort{"long enough", 2s, 0s, false}) {
  FakeWatchdog fake;
  fake.options |= WDIOF_PRETIMEOUT;
  WatchdogDevice device;
  ASSERT_OK(device.open(
      {.path = fake.path.c_str(), .timeout = param.timeout, .pretimeout = param.pretimeout}));
  takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1}> watchdog;
  const takt::Status status =
      watchdog.begin({.period = 600ms, .device = &device}, takt::from_ns(0));
  EXPECT_EQ(status.code(), param.refused ? StatusCode::invalid_argument : StatusCode::ok);
  if (param.refused) {
    EXPECT_EQ(std::string_view(status.text()),
              "watchdog: 'device': it acts before two periods are over");
  }
  EXPECT_OK(device.disarm());
}

}  // namespace
