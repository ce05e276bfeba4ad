// SPDX-License-Identifier: Apache-2.0
// watch() on sockets of all kinds, CAN, GPIO, processes and directories.
#include <linux/can.h>
#include <linux/gpio.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using takt::DescriptorContext;
using takt::DescriptorHandle;
using takt::LaneId;
using takt::Readiness;
using takt::test::DescriptorPair;
using takt::test::Running;
using takt::test::wait_until;

constexpr LaneId kLane{0};
takt::StaticExecutor<takt::ExecutorLimits{.descriptors = 1}> executor;

/// A TCP connection over the loopback interface; `here` listens until `connect()`.
struct TcpPair : DescriptorPair {
  TcpPair() {
    here = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    usable = ::bind(here, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
             ::listen(here, 4) == 0 &&
             ::getsockname(here, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    port = address;
  }
  void connect() {
    there = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(there, reinterpret_cast<const sockaddr*>(&port), sizeof port), 0);
  }

  sockaddr_in port{};
  bool usable = false;
};

TEST(WatchDevices, a_socket_that_accepts) {
  TcpPair pair;
  if (!pair.usable) SKIP("no loopback interface here");
  std::atomic<int> accepted{0};
  ASSERT_OK(executor.watch(kLane, pair.here, Readiness::readable, [&] {
    const int connection = ::accept4(pair.here, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) ++accepted;
    ::close(connection);
  }));
  const Running running(executor, {{.name = "worker"}});
  for (int i = 1; i <= 3; ++i) {
    pair.connect();
    wait_until([&] { return accepted.load() == i; });
    pair.close_there();
  }
}

// What is urgent comes beside the stream, as the edges of a GPIO in sysfs do.
TEST(WatchDevices, urgent_bytes_of_a_socket) {
  TcpPair pair;
  if (!pair.usable) SKIP("no loopback interface here");
  pair.connect();
  DescriptorPair accepted;
  wait_until([&] {
    accepted.here = ::accept4(pair.here, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted.here >= 0;
  });
  std::atomic<char> urgent{0};
  ASSERT_OK(
      executor.watch(kLane, accepted.here, Readiness::urgent, [&](const DescriptorContext& job) {
        EXPECT_TRUE(has(job.ready, Readiness::urgent));
        char byte = 0;
        if (::recv(job.descriptor, &byte, 1, MSG_OOB) == 1) urgent.store(byte);
      }));
  const Running running(executor, {{.name = "worker"}});
  ASSERT_EQ(::send(pair.there, "plain", 5, 0), 5);  // not asked for
  for (const char byte : {'1', '2', '3'}) {
    ASSERT_EQ(::send(pair.there, &byte, 1, MSG_OOB), 1);
    wait_until([&] { return urgent.load() == byte; });
  }
}

// Whole frames, as CAN has them: one event may stand for several, one read takes one.
TEST(WatchDevices, a_socket_of_frames) {
  DescriptorPair pair;
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  pair.here = ends[0];
  pair.there = ends[1];
  std::atomic<std::uint32_t> next{0};
  ASSERT_OK(executor.watch(kLane, pair.here, Readiness::readable, [&] {
    can_frame frame{};
    if (::read(pair.here, &frame, sizeof frame) != sizeof frame) return;
    EXPECT_EQ(frame.can_id, next.load());
    ++next;
  }));
  for (std::uint32_t id = 0; id < 20; ++id) {
    can_frame frame{};
    frame.can_id = id;
    ASSERT_EQ(::write(pair.there, &frame, sizeof frame), sizeof frame);
  }
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return next.load() == 20; });
}

TEST(WatchDevices, a_virtual_can_interface) {
  constexpr const char* kHow = "ip link add vcan0 type vcan && ip link set vcan0 up";
  DescriptorPair bus;
  bus.here = ::socket(PF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
  bus.there = ::socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC, CAN_RAW);
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = static_cast<int>(::if_nametoindex("vcan0"));
  if (bus.here < 0) SKIP("no CAN in this kernel");
  if (address.can_ifindex == 0) SKIP("no vcan0: %s", kHow);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::bind(bus.here, name, sizeof address), 0);
  ASSERT_EQ(::bind(bus.there, name, sizeof address), 0);
  std::atomic<std::uint32_t> seen{0};
  ASSERT_OK(executor.watch(kLane, bus.here, Readiness::readable, [&] {
    can_frame frame{};
    if (::read(bus.here, &frame, sizeof frame) == sizeof frame) seen.store(frame.can_id);
  }));
  const Running running(executor, {{.name = "worker"}});
  for (std::uint32_t id = 1; id <= 20; ++id) {
    can_frame frame{};
    frame.can_id = id;
    ASSERT_EQ(::write(bus.there, &frame, sizeof frame), sizeof frame);
    wait_until([&] { return seen.load() == id; });
  }
}

/// A line of the kernel's GPIO simulator that reports both edges; -1: there is none. `pull` is the
/// file that moves it.
int open_simulated_line(char (&pull)[128]) {
  for (int chip = 0; chip < 16; ++chip) {
    char path[64];
    std::snprintf(path, sizeof path, "/dev/gpiochip%d", chip);
    DescriptorPair device;
    device.here = ::open(path, O_RDWR | O_CLOEXEC);
    gpiochip_info info{};
    if (device.here < 0 || ::ioctl(device.here, GPIO_GET_CHIPINFO_IOCTL, &info) != 0 ||
        std::string_view(info.label).find("sim") == std::string_view::npos) {
      continue;
    }
    gpio_v2_line_request request{};
    request.num_lines = 1;
    request.config.flags =
        GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
    if (::ioctl(device.here, GPIO_V2_GET_LINE_IOCTL, &request) != 0) continue;
    std::snprintf(pull, sizeof pull, "/sys/devices/platform/gpio-sim.0/gpiochip%d/sim_gpio0/pull",
                  chip);
    return request.fd;
  }
  return -1;
}

TEST(WatchDevices, edges_of_a_simulated_gpio) {
  char pull[128] = {};
  DescriptorPair line;
  line.here = open_simulated_line(pull);
  if (line.here < 0) SKIP("no GPIO of the kernel's simulator (modprobe gpio-sim, and configfs)");
  line.there = ::open(pull, O_WRONLY | O_CLOEXEC);
  ASSERT_TRUE(line.there >= 0);
  std::atomic<std::uint32_t> edges{0};
  ASSERT_OK(executor.watch(kLane, line.here, Readiness::readable, [&] {
    gpio_v2_line_event event{};
    if (::read(line.here, &event, sizeof event) == sizeof event) ++edges;
  }));
  const Running running(executor, {{.name = "worker"}});
  for (std::uint32_t edge = 1; edge <= 10; ++edge) {
    const std::string_view level = edge % 2 != 0 ? "pull-up" : "pull-down";
    ASSERT_EQ(::pwrite(line.there, level.data(), level.size(), 0), level.size());
    wait_until([&] { return edges.load() == edge; });
  }
}

TEST(WatchDevices, the_end_of_a_process) {
  int begin[2] = {-1, -1};
  ASSERT_EQ(::pipe2(begin, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(begin[1]);
    char byte = 0;
    ::_exit(::read(begin[0], &byte, 1) == 0 ? 7 : 1);
  }
  ::close(begin[0]);
  DescriptorPair process;
  process.here = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (process.here < 0) SKIP("no pidfd_open here, errno %d", errno);
  DescriptorHandle handle;
  std::atomic<int> status{-1};
  const auto watched = executor.watch(kLane, process.here, Readiness::readable, [&] {
    int value = 0;
    if (::waitpid(child, &value, WNOHANG) == child) status.store(WEXITSTATUS(value));
    EXPECT_OK(handle.request_remove());  // it stays readable
  });
  ASSERT_OK(watched);
  handle = *watched;
  const Running running(executor, {{.name = "worker"}});
  for (int i = 0; i < 20; ++i) EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_EQ(status.load(), -1);
  ::close(begin[1]);
  wait_until([&] { return status.load() == 7; });
}

TEST(WatchDevices, changes_of_a_directory) {
  DescriptorPair changes;
  changes.here = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  const char* const parent = std::getenv("TEST_TMPDIR");
  char directory[256];
  std::snprintf(directory, sizeof directory, "%s/watch.XXXXXX",
                parent != nullptr ? parent : "/tmp");
  ASSERT_TRUE(::mkdtemp(directory) != nullptr);
  if (::inotify_add_watch(changes.here, directory, IN_CREATE) < 0) SKIP("no inotify here");
  std::atomic<int> created{0};
  ASSERT_OK(executor.watch(kLane, changes.here, Readiness::readable, [&] {
    alignas(inotify_event) char events[1024];
    if (::read(changes.here, events, sizeof events) > 0) ++created;
  }));
  const Running running(executor, {{.name = "worker"}});
  char inside[300];
  std::snprintf(inside, sizeof inside, "%s/new", directory);
  ASSERT_EQ(::mkdir(inside, 0700), 0);
  wait_until([&] { return created.load() == 1; });
  ::rmdir(inside);
  ::rmdir(directory);
}

}  // namespace
