// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/watchdog_device.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "takt/tests/platform/emulation.h"
#include "takt/tests/platform/fake_watchdog.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Status;
using takt::StatusCode;
using takt::platform::SystemCall;
using takt::platform::WatchdogDevice;
using takt::platform::WatchdogDeviceConfig;
using takt::test::FakeWatchdog;
using takt::test::FaultInjection;

bool says(const Status& status, std::string_view part) {
  return std::string_view(status.text()).find(part) != std::string_view::npos;
}

TEST(WatchdogDevice, is_set_read_back_fed_and_disarmed) {
  FakeWatchdog fake;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str(), .timeout = 10s}));
  EXPECT_TRUE(device.is_open());
  EXPECT_EQ(fake.timeout, 10);
  EXPECT_TRUE(device.timeout() == 10s);
  EXPECT_EQ(std::string_view(device.info().identity), "fake");
  EXPECT_EQ(device.info().firmware_version, 7);
  EXPECT_FALSE(device.info().last_boot_by_watchdog);
  const int fed = fake.feeds;
  EXPECT_OK(device.feed());
  EXPECT_OK(device.feed());
  EXPECT_EQ(fake.feeds, fed + 2);
  EXPECT_OK(device.disarm());
  EXPECT_FALSE(device.is_open());
  EXPECT_TRUE(fake.stopped);
  EXPECT_EQ(fake.written(), "V");
  EXPECT_EQ(device.feed().code(), StatusCode::failed_precondition);
  EXPECT_EQ(device.disarm().code(), StatusCode::failed_precondition);
  EXPECT_EQ(device.abandon().code(), StatusCode::failed_precondition);
}

TEST(WatchdogDevice, says_who_caused_the_last_boot) {
  FakeWatchdog fake;
  fake.boot_status = WDIOF_CARDRESET | WDIOF_OVERHEAT | WDIOF_POWERUNDER;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str()}));
  EXPECT_TRUE(device.info().last_boot_by_watchdog);
  EXPECT_TRUE(device.info().last_boot_overheated);
  EXPECT_TRUE(device.info().last_boot_undervoltage);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogDevice, takes_the_steps_of_the_hardware_only_where_it_may) {
  FakeWatchdog fake;
  fake.step = 16;
  WatchdogDevice device;
  const Status refused = device.open({.path = fake.path.c_str(), .timeout = 10s});
  EXPECT_EQ(refused.code(), StatusCode::unsupported);
  EXPECT_TRUE(says(refused, "time-out is 16 s, asked: 10 s"), "%s", refused.text());
  EXPECT_FALSE(device.is_open());
  EXPECT_TRUE(fake.stopped);  // a refusal does not leave a bomb behind
  EXPECT_EQ(fake.written(), "V");
  EXPECT_OK(device.open({.path = fake.path.c_str(), .timeout = 10s, .longest_timeout = 20s}));
  EXPECT_TRUE(device.timeout() == 16s);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogDevice, keeps_no_path_of_the_callers) {
  FakeWatchdog fake;
  WatchdogDevice device;
  std::string path = fake.path;
  const std::string end = path.substr(path.size() - std::min<std::size_t>(path.size(), 24));
  ASSERT_OK(device.open({.path = path.c_str()}));
  path.assign(path.size(), '#');
  const takt::test::FaultInjection fault(takt::platform::SystemCall::ioctl, EIO);
  const Status status = device.feed();
  EXPECT_TRUE(says(status, end.c_str()), "%s", status.text());
  EXPECT_OK(device.disarm());
}

TEST(WatchdogDevice, has_a_fixed_timeout) {
  FakeWatchdog fake;
  fake.options = WDIOF_MAGICCLOSE;
  fake.timeout = 2;
  WatchdogDevice device;
  EXPECT_EQ(device.open({.path = fake.path.c_str()}).code(), StatusCode::unsupported);
  EXPECT_OK(device.open({.path = fake.path.c_str(), .shortest_timeout = 2s}));
  EXPECT_TRUE(device.timeout() == 2s);
  EXPECT_OK(device.disarm());
}

TEST(WatchdogDevice, acts_before_the_reset_where_it_can) {
  FakeWatchdog fake;
  WatchdogDevice device;
  const Status refused = device.open({.path = fake.path.c_str(), .pretimeout = 3s});
  EXPECT_EQ(refused.code(), StatusCode::unsupported);
  EXPECT_TRUE(says(refused, "no pretimeout"), "%s", refused.text());
  fake.options |= WDIOF_PRETIMEOUT;
  EXPECT_OK(device.open({.path = fake.path.c_str(), .pretimeout = 3s}));
  EXPECT_EQ(fake.pretimeout, 3);
  EXPECT_TRUE(device.pretimeout() == 3s);
  EXPECT_OK(device.disarm());
  fake.step = 2;
  const Status other = device.open({.path = fake.path.c_str(), .pretimeout = 3s});
  EXPECT_EQ(other.code(), StatusCode::unsupported);
  EXPECT_TRUE(says(other, "pretimeout is 4 s, asked: 3 s"), "%s", other.text());
}

TEST(WatchdogDevice, nowayout_is_said_and_the_device_stays_open) {
  FakeWatchdog fake;
  fake.nowayout = true;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str()}));
  const Status refused = device.disarm();
  EXPECT_EQ(refused.code(), StatusCode::failed_precondition);
  EXPECT_EQ(refused.error_number(), EBUSY);
  EXPECT_TRUE(says(refused, "nowayout"), "%s", refused.text());
  EXPECT_EQ(fake.written(), "");
  EXPECT_OK(device.feed());
  EXPECT_OK(device.abandon());
  EXPECT_FALSE(device.is_open());
  fake.step = 16;
  const Status bomb = device.open({.path = fake.path.c_str()});
  EXPECT_EQ(bomb.code(), StatusCode::unsupported);
  EXPECT_TRUE(says(bomb, "it still runs"), "%s", bomb.text());
  EXPECT_FALSE(device.is_open());
}

TEST(WatchdogDevice, an_old_driver_is_stopped_by_the_letter_or_by_closing) {
  FakeWatchdog fake;
  fake.old_driver = true;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str()}));
  EXPECT_OK(device.disarm());
  EXPECT_EQ(fake.written(), "V");
}

TEST(WatchdogDevice, without_magic_close_no_letter_is_written) {
  FakeWatchdog fake;
  fake.options &= ~std::uint32_t{WDIOF_MAGICCLOSE};
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str()}));
  EXPECT_OK(device.disarm());
  EXPECT_EQ(fake.written(), "");
}

TEST(WatchdogDevice, what_is_no_watchdog_is_left_alone) {
  WatchdogDevice device;
  takt::test::TemporaryTree tree;
  const std::string missing = tree.path("missing");
  EXPECT_EQ(device.open({.path = missing.c_str()}).code(), StatusCode::not_found);
  const std::string file = tree.write("file", "precious").path("file");
  const Status refused = device.open({.path = file.c_str()});
  EXPECT_EQ(refused.code(), StatusCode::unsupported);
  // qemu-user does not know the call, whatever the file.
  EXPECT_EQ(refused.error_number(), takt::test::is_emulated() ? ENOSYS : ENOTTY);
  EXPECT_FALSE(device.is_open());
  char text[16] = {};
  std::FILE* const opened = std::fopen(file.c_str(), "re");
  ASSERT_TRUE(opened != nullptr);
  EXPECT_EQ(std::fread(text, 1, sizeof text, opened), 8);
  std::fclose(opened);
  EXPECT_EQ(std::string_view(text), "precious");
}

TEST_EACH(WatchdogDevice, refuses_configurations_that_cannot_be_right,
          WatchdogDeviceConfig{.timeout = 1500ms}, WatchdogDeviceConfig{.timeout = 0s},
          WatchdogDeviceConfig{.timeout = -1s}, WatchdogDeviceConfig{.timeout = 3'000'000'000s},
          WatchdogDeviceConfig{.timeout = 10s, .pretimeout = 10s},
          WatchdogDeviceConfig{.timeout = 10s, .pretimeout = 500ms},
          WatchdogDeviceConfig{.path = ""}, WatchdogDeviceConfig{.path = nullptr}) {
  WatchdogDevice device;
  const FaultInjection untouched(SystemCall::open, EIO);
  EXPECT_EQ(device.open(param).code(), StatusCode::invalid_argument);
  EXPECT_EQ(untouched.calls(), 0);
}

struct Refusal {
  const char* name;
  int error;
  StatusCode code;
  std::string_view part;
};
TEST_EACH(WatchdogDevice, a_refused_device_is_an_error_with_its_reason,
          Refusal{"busy", EBUSY, StatusCode::unavailable, "another program"},
          Refusal{"denied", EACCES, StatusCode::permission_denied, "root or a udev rule"},
          Refusal{"none", ENOENT, StatusCode::not_found, "softdog"},
          Refusal{"broken", EIO, StatusCode::system_error, "cannot be opened"}) {
  const FaultInjection fault(SystemCall::open, param.error);
  WatchdogDevice device;
  const Status refused = device.open();
  EXPECT_EQ(refused.code(), param.code);
  EXPECT_EQ(refused.error_number(), param.error);
  EXPECT_TRUE(says(refused, param.part), "%s", refused.text());
  EXPECT_FALSE(device.is_open());
}

// open() makes, in this order: support, boot status, set and get timeout, set and get pretimeout,
// keep alive; disarm() makes one more.
TEST_EACH(WatchdogDevice, each_request_may_fail, 1U, 2U, 3U, 4U, 5U, 6U, 7U) {
  FakeWatchdog fake;
  fake.options |= WDIOF_PRETIMEOUT;
  WatchdogDevice device;
  const WatchdogDeviceConfig config{.path = fake.path.c_str(), .pretimeout = 3s};
  const FaultInjection fault(SystemCall::ioctl, EIO, param);
  const Status opened = device.open(config);
  EXPECT_EQ(fault.failures(), 1);
  if (param == 2) {  // some drivers do not know of boots
    ASSERT_OK(opened);
    EXPECT_OK(device.disarm());
    return;
  }
  EXPECT_EQ(opened.error_number(), EIO);
  EXPECT_FALSE(device.is_open());
  EXPECT_EQ(fake.stopped, param != 1);
  EXPECT_OK(device.open(config));
  EXPECT_OK(device.disarm());
}

TEST(WatchdogDevice, refused_feeding_and_stopping_are_told) {
  FakeWatchdog fake;
  WatchdogDevice device;
  ASSERT_OK(device.open({.path = fake.path.c_str()}));
  EXPECT_EQ(device.open({.path = fake.path.c_str()}).code(), StatusCode::failed_precondition);
  {
    const FaultInjection fault(SystemCall::ioctl, EIO);
    EXPECT_EQ(device.feed().error_number(), EIO);
  }
  {
    const FaultInjection fault(SystemCall::ioctl, EIO);
    EXPECT_EQ(device.disarm().error_number(), EIO);
    EXPECT_TRUE(device.is_open());
  }
  {
    const FaultInjection fault(SystemCall::write, EIO);
    EXPECT_EQ(device.disarm().error_number(), EIO);
    EXPECT_TRUE(device.is_open());
  }
  {
    const FaultInjection interrupted(SystemCall::ioctl, EINTR);
    const FaultInjection also(SystemCall::write, EINTR);
    EXPECT_OK(device.feed());
    EXPECT_OK(device.disarm());
  }
}

}  // namespace
