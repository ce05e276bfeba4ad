// SPDX-License-Identifier: Apache-2.0
// What a watchdog exposes, in virtual time.
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "takt/monitor/exposition.h"
#include "takt/monitor/watchdog.h"
#include "takt/tests/monitor/promtool.h"
#include "takt/tests/monitor/supervised_world.h"
#include "takt/tests/platform/fake_watchdog.h"
#include "takt/tests/platform/manager_socket.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using namespace std::chrono_literals;
using World = test::SupervisedWorld;

std::array<char, 16384> buffer;

std::string expose(const Watchdog& watchdog) {
  Exposition exposition(buffer, ExpositionFormat::prometheus);
  exposition.add(watchdog);
  EXPECT_OK(exposition.finish());
  return std::string(exposition.text());
}

/// The value behind a series; empty: it is not there.
std::string value_of(const std::string& text, std::string_view series) {
  const std::string line = "\n" + std::string(series) + " ";
  const std::size_t found = text.find(line);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + line.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(WatchdogExposition, shows_states_and_verdicts) {
  World world;
  world.begin({.expired_tolerance = 1000}, {.normal = World::kLoop},
              ByMode<TaskExpectation>::all(World::kServo));
  world.advance(50ms);
  constexpr const char* kLoop =
      "takt_watchdog_subject_state{kind=\"entity\",name=\"loop\",number=\"0\"}";
  constexpr const char* kServo =
      "takt_watchdog_subject_state{kind=\"task\",name=\"servo\",number=\"0\"}";
  constexpr const char* kControl =
      "takt_watchdog_subject_state{kind=\"worker\",name=\"control\",number=\"0\"}";
  std::string text = expose(world.watchdog);
  EXPECT_EQ(value_of(text, "takt_watchdog_state"), "0");
  EXPECT_EQ(value_of(text, "takt_watchdog_mode"), "0");
  EXPECT_EQ(value_of(text, kLoop), "3");  // not supervised while it starts up
  EXPECT_EQ(value_of(text, kServo), "0");
  EXPECT_EQ(value_of(text, kControl), "0");
  world.watchdog.set_mode(WatchMode::normal);
  world.advance(50ms);
  world.hangs = true;
  world.servo_is_late = true;
  world.advance(100ms);
  text = expose(world.watchdog);
  EXPECT_EQ(value_of(text, "takt_watchdog_state"), "2");
  EXPECT_EQ(value_of(text, "takt_watchdog_mode"), "1");
  EXPECT_EQ(value_of(text, kLoop), "2");
  EXPECT_EQ(value_of(text, kServo), "2");
  EXPECT_EQ(value_of(text, kControl), "0");
  // Each fault is there from the first text on, and those that were found are counted.
  std::uint64_t sum = 0;
  for (std::uint32_t number = 1; number < kFaults; ++number) {
    const auto fault = static_cast<Fault>(number);
    const std::string value = value_of(
        text, std::string("takt_watchdog_verdicts_total{fault=\"") + to_string(fault) + "\"}");
    EXPECT_EQ(value, std::to_string(world.watchdog.verdict_count(fault)), "%s", to_string(fault));
    sum += world.watchdog.verdict_count(fault);
  }
  EXPECT_EQ(value_of(text, "takt_watchdog_verdicts_total{fault=\"checkpoint_late\"}"), "1");
  EXPECT_EQ(value_of(text, "takt_watchdog_verdicts_total{fault=\"deadline_missed\"}"), "1");
  EXPECT_EQ(sum, world.watchdog.verdict_count());
  EXPECT_EQ(sum, world.verdicts.size());
  test::expect_promtool_accepts(text);
}

TEST(WatchdogExposition, shows_what_was_fed) {
  test::FakeWatchdog fake;
  platform::WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 2s}));
  test::ManagerSocket socket(test::ManagerSocket::Kind::abstract);
  platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "400000"}));
  World world;
  const int before = fake.feeds;
  world.begin({.device = &device, .service_manager = &manager});
  world.advance(1s);
  int received = 0;
  for (; socket.has_message(); ++received) socket.receive();
  socket.hang_up();
  world.advance(1s);
  const std::string text = expose(world.watchdog);
  EXPECT_EQ(value_of(text, "takt_watchdog_feeds_total{receiver=\"device\"}"),
            std::to_string(fake.feeds - before));
  EXPECT_GT(fake.feeds, before);
  EXPECT_EQ(value_of(text, "takt_watchdog_feeds_total{receiver=\"service_manager\"}"),
            std::to_string(received));
  EXPECT_GE(received, 5);
  EXPECT_EQ(value_of(text, "takt_watchdog_refused_feeds_total{receiver=\"device\"}"), "0");
  // Each glance tries again; only the first is a verdict.
  const std::string refused =
      value_of(text, "takt_watchdog_refused_feeds_total{receiver=\"service_manager\"}");
  ASSERT_FALSE(refused.empty());
  EXPECT_GE(std::stoi(refused), 50);
  EXPECT_EQ(value_of(text, "takt_watchdog_verdicts_total{fault=\"feeding_refused\"}"), "1");
  test::expect_promtool_accepts(text);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogExposition, shows_how_late_it_was_itself) {
  World world;
  world.begin();
  world.advance(100ms);
  world.suspended = true;
  world.advance(70ms);
  world.suspended = false;
  world.advance(100ms);
  const std::string text = expose(world.watchdog);
  EXPECT_EQ(value_of(text, "takt_watchdog_late_glances_total"), "1");
  EXPECT_EQ(value_of(text, "takt_watchdog_glances_total"),
            std::to_string(world.watchdog.glances()));
  // Due 10 ms after the last one, and looked 61 ms after that.
  EXPECT_EQ(value_of(text, "takt_watchdog_max_lateness_seconds"), "0.061000000");
  EXPECT_EQ(world.watchdog.greatest_lateness().count(), Duration(61ms).count());
}

// Names of the user's own: two may be called the same, and have what needs escapes.
TEST(WatchdogExposition, tells_those_of_one_name_apart) {
  static StaticWatchdog<WatchdogLimits{.entities = 1, .tasks = 2, .workers = 1}> watchdog;
  static TaskStats first, second;
  const auto expected = ByMode<TaskExpectation>::all(World::kServo);
  ASSERT_OK(watchdog.supervise_task("ser\"vo", first, expected));
  ASSERT_OK(watchdog.supervise_task("ser\"vo", second, expected));
  const std::string text = expose(watchdog);
  for (const char* number : {"0", "1"}) {
    EXPECT_EQ(
        value_of(text, "takt_watchdog_subject_state{kind=\"task\",name=\"ser\\\"vo\",number=\"" +
                           std::string(number) + "\"}"),
        "3");
  }
  test::expect_promtool_accepts(text);
}

}  // namespace
}  // namespace takt
