// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/gateway.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "takt/boards/examples/gateway_ports.h"
#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace takt::examples {
namespace {

using test::DescriptorPair;
using test::Running;
using test::wait_until;

constexpr LaneId kInput{0}, kOutput{1};
StaticExecutor<ExecutorLimits{
    .workers = 2, .lanes = 2, .jobs_per_lane = 4, .descriptors = Gateway::kDescriptors}>
    executor;
constexpr WorkerConfig kWorkers[] = {{.name = "input", .lane = kInput},
                                     {.name = "output", .lane = kOutput}};

can_frame frame_of(std::uint32_t number) {
  can_frame frame{};
  frame.can_id = number % (CAN_SFF_MASK + 1);
  frame.can_dlc = 4;
  for (std::uint32_t at = 0; at < 4; ++at) {
    frame.data[at] = static_cast<std::uint8_t>(number >> (8 * at));
  }
  return frame;
}

std::uint32_t number_of(const can_frame& frame) {
  std::uint32_t number = 0;
  for (std::uint32_t at = 0; at < 4; ++at) number |= std::uint32_t{frame.data[at]} << (8 * at);
  EXPECT_EQ(frame.can_id, number % (CAN_SFF_MASK + 1));
  return number;
}

/// A gateway between a pseudo-terminal, `serial.there` being who talks on the line, and a pair of
/// sockets that pass whole frames, `can.there` being the bus.
struct Bridge {
  Bridge() {
    serial.there = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    std::array<char, 64> name{};
    usable = serial.there >= 0 && ::unlockpt(serial.there) == 0 &&
             ::ptsname_r(serial.there, name.data(), name.size()) == 0;
    if (!usable) return;
    const Result<int> line = open_serial(name.data());
    EXPECT_OK(line);
    if (line.ok()) serial.here = *line;
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
              0);
    can.here = ends[0];
    can.there = ends[1];
    EXPECT_OK(gateway.watch(executor, {.serial = serial.here, .can = can.here}, {kInput, kOutput}));
  }
  ~Bridge() { gateway.stop_watching(); }

  /// Writes a frame on the line; false: the line is full, perhaps with a part of it.
  bool say(std::uint32_t number) {
    if (rest.empty()) {
      std::array<char, kSlcanBytes> line;
      rest.assign(line.data(), write_slcan(frame_of(number), line));
    }
    while (!rest.empty()) {
      const ssize_t count = ::write(serial.there, rest.data(), rest.size());
      if (count <= 0) return false;
      rest.erase(0, static_cast<std::size_t>(count));
    }
    return true;
  }

  DescriptorPair serial;
  DescriptorPair can;
  Gateway gateway;
  bool usable = false;
  std::string rest;  // of a frame that the line had no room for
};

can_frame next_on_bus(int bus) {
  can_frame frame{};
  wait_until([&] { return ::read(bus, &frame, sizeof frame) == sizeof frame; });
  return frame;
}

TEST(Slcan, writes_what_it_reads) {
  SlcanReader reader;
  for (std::uint32_t number = 0; number < 1'000; ++number) {
    can_frame frame = frame_of(number * 2'654'435'761U);
    frame.can_dlc = static_cast<std::uint8_t>(number % 9);
    std::array<char, kSlcanBytes> line;
    const std::size_t size = write_slcan(frame, line);
    for (std::size_t at = 0; at < size; ++at) {
      const auto read = reader.take(line[at]);
      ASSERT_EQ(read.has_value(), at + 1 == size);
      if (!read) continue;
      EXPECT_EQ(read->can_id, frame.can_id);
      EXPECT_EQ(read->can_dlc, frame.can_dlc);
      for (std::uint32_t byte = 0; byte < frame.can_dlc; ++byte) {
        EXPECT_EQ(read->data[byte], frame.data[byte]);
      }
    }
  }
  EXPECT_EQ(reader.malformed(), 0);
}

TEST(Slcan, passes_over_what_is_no_frame) {
  SlcanReader reader;
  int frames = 0;
  for (const std::string_view line :
       {"t1230\r", "\r", "t12\r", "tFFF0\r", "t7FF0\r", "t1239\r", "t1231\r", "t1231GG\r", "V\r",
        "t123811223344556677889\r", "t12381122334455667788990011223344\r", "t1231aB\r"}) {
    for (const char byte : line) frames += reader.take(byte) ? 1 : 0;
  }
  EXPECT_EQ(frames, 3);
  EXPECT_EQ(reader.malformed(), 8);
}

TEST(Gateway, passes_frames_both_ways_in_order) {
  Bridge bridge;
  if (!bridge.usable) SKIP("no pseudo-terminal here");
  const Running running(executor, {kWorkers[0], kWorkers[1]});
  SlcanReader terminal;
  for (std::uint32_t number = 0; number < 50; ++number) {
    ASSERT_TRUE(bridge.say(number));
    EXPECT_EQ(number_of(next_on_bus(bridge.can.there)), number);
    const can_frame answer = frame_of(number + 7);
    ASSERT_EQ(::write(bridge.can.there, &answer, sizeof answer), sizeof answer);
    std::optional<can_frame> heard;
    wait_until([&] {
      char byte = 0;
      if (::read(bridge.serial.there, &byte, 1) == 1) heard = terminal.take(byte);
      return heard.has_value();
    });
    EXPECT_EQ(number_of(*heard), number + 7);
  }
  EXPECT_EQ(bridge.gateway.dropped(), 0);
  EXPECT_EQ(terminal.malformed(), 0);
}

// Nobody takes frames from the bus's side: the line stops, and later nothing is missing.
TEST(Gateway, stops_the_line_when_the_bus_is_slow) {
  Bridge bridge;
  if (!bridge.usable) SKIP("no pseudo-terminal here");
  const Running running(executor, {kWorkers[0], kWorkers[1]});
  std::uint32_t said = 0;
  // Until the gateway has stopped the line, and the line the sender.
  wait_until([&] {
    if (bridge.say(said)) {
      ++said;
      return false;
    }
    return bridge.gateway.holds() > 0;
  });
  std::uint32_t came = 0;
  const std::uint32_t all = said + 500;
  while (came < all) {
    while (said < all && bridge.say(said)) ++said;
    can_frame frame{};
    if (::read(bridge.can.there, &frame, sizeof frame) != sizeof frame) {
      ::sched_yield();
      continue;
    }
    ASSERT_EQ(number_of(frame), came);
    ++came;
  }
  EXPECT_EQ(bridge.gateway.frames_to_can(), all);
  EXPECT_EQ(bridge.gateway.malformed(), 0);
}

// Nobody reads the line: the bus goes on, the oldest frames are dropped and counted.
TEST(Gateway, drops_the_oldest_when_the_line_is_slow) {
  Bridge bridge;
  if (!bridge.usable) SKIP("no pseudo-terminal here");
  const Running running(executor, {kWorkers[0], kWorkers[1]});
  std::uint32_t sent = 0;
  wait_until([&] {
    const can_frame frame = frame_of(sent);
    if (::write(bridge.can.there, &frame, sizeof frame) == sizeof frame) ++sent;
    return bridge.gateway.dropped() >= 100;
  });
  SlcanReader terminal;
  std::uint32_t heard = 0;
  std::uint32_t last = 0;
  wait_until([&] {
    char byte = 0;
    while (::read(bridge.serial.there, &byte, 1) == 1) {
      const auto frame = terminal.take(byte);
      if (!frame) continue;
      EXPECT_TRUE(heard == 0 || number_of(*frame) > last);
      last = number_of(*frame);
      ++heard;
    }
    return heard + bridge.gateway.dropped() == sent;
  });
  EXPECT_EQ(last, sent - 1);  // the newest is there
  EXPECT_EQ(bridge.gateway.frames_to_serial(), heard);
}

TEST(Gateway, runs_on_a_virtual_can_interface) {
  const Result<int> bus = open_can("vcan0");
  const Result<int> port = open_can("vcan0");
  if (!bus.ok() || !port.ok()) {
    SKIP("%s (ip link add vcan0 type vcan && ip link set vcan0 up)", bus.status().text());
  }
  DescriptorPair ends;
  ends.here = *port;
  ends.there = *bus;
  Bridge line;
  if (!line.usable) SKIP("no pseudo-terminal here");
  line.gateway.stop_watching();
  Gateway gateway;
  ASSERT_OK(gateway.watch(executor, {.serial = line.serial.here, .can = *port}, {kInput, kOutput}));
  {
    const Running running(executor, {kWorkers[0], kWorkers[1]});
    for (std::uint32_t number = 0; number < 50; ++number) {
      ASSERT_TRUE(line.say(number));
      EXPECT_EQ(number_of(next_on_bus(*bus)), number);
    }
  }
  gateway.stop_watching();
}

}  // namespace
}  // namespace takt::examples
