// SPDX-License-Identifier: Apache-2.0
// gateway SERIAL CAN [SECONDS]: /dev/ttyS1 and can0, for example; for ever without SECONDS.
// gateway --demo [SECONDS]: a pseudo-terminal and a socket in their place, with traffic.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "takt/boards/examples/gateway.h"
#include "takt/boards/examples/gateway_ports.h"

namespace {

using namespace std::chrono_literals;
using takt::examples::Gateway;

constexpr takt::LaneId kInput{0}, kOutput{1}, kDemo{2};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3,
                                          .lanes = 3,
                                          .jobs_per_lane = 4,
                                          .tasks = 2,
                                          .descriptors = Gateway::kDescriptors + 1}>
    executor;
Gateway gateway;

/// What is at the other ends in a demonstration: a terminal that sends a frame a millisecond and
/// reads what comes, and a bus that answers each frame.
class Demo {
 public:
  takt::Result<Gateway::Ports> open() noexcept {
    terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    std::array<char, 64> name{};
    std::array<int, 2> can{};
    if (terminal_ < 0 || ::unlockpt(terminal_) != 0 ||
        ::ptsname_r(terminal_, name.data(), name.size()) != 0 ||
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, can.data()) != 0) {
      return takt::Status(takt::StatusCode::unsupported, "demo: no pseudo-terminal here");
    }
    bus_ = can[1];
    const takt::Result<int> serial = takt::examples::open_serial(name.data());
    if (!serial.ok()) return serial.status();
    return Gateway::Ports{.serial = *serial, .can = can[0]};
  }

  takt::Status begin() noexcept {
    const auto answer = executor.watch(kDemo, bus_, takt::Readiness::readable, [this] {
      can_frame frame{};
      if (::read(bus_, &frame, sizeof frame) != sizeof frame) return;
      frame.can_id += 0x100;
      if (::write(bus_, &frame, sizeof frame) != sizeof frame) ++lost_;
    });
    const auto talk = executor.add_task({.name = "talk", .lane = kDemo, .period = 1ms}, [this] {
      constexpr std::string_view kFrame = "t12328BAD\r";
      if (::write(terminal_, kFrame.data(), kFrame.size()) != std::ssize(kFrame)) ++lost_;
    });
    const auto listen = executor.add_task({.name = "listen", .lane = kDemo, .period = 5ms}, [this] {
      std::array<char, 4096> bytes;
      while (::read(terminal_, bytes.data(), bytes.size()) > 0) {
      }
    });
    if (!answer.ok()) return answer.status();
    return talk.ok() ? listen.status() : talk.status();
  }

  /// Frames that the other ends could not send, the gateway not having read; after the stop.
  std::uint64_t lost() const noexcept { return lost_; }

 private:
  int terminal_ = -1;
  int bus_ = -1;
  std::uint64_t lost_ = 0;  // by the demo's worker alone
};

takt::Result<Gateway::Ports> open_ports(const char* serial, const char* can) noexcept {
  const takt::Result<int> line = takt::examples::open_serial(serial);
  if (!line.ok()) return line.status();
  const takt::Result<int> bus = takt::examples::open_can(can);
  if (!bus.ok()) return bus.status();
  return Gateway::Ports{.serial = *line, .can = *bus};
}

void print_figures() {
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%llu frames to CAN, line held %llu times; %llu frames to the line, %llu dropped; ",
              number(gateway.frames_to_can()), number(gateway.holds()),
              number(gateway.frames_to_serial()), number(gateway.dropped()));
  std::printf("%llu malformed, %llu refused\n", number(gateway.malformed()),
              number(gateway.refused()));
}

int run(takt::Duration time, Demo* demo, const takt::Result<Gateway::Ports>& ports) {
  if (!ports.ok()) return takt::report(ports.status());
  if (const auto status = gateway.watch(executor, *ports, {kInput, kOutput}); !status.ok()) {
    return takt::report(status);
  }
  if (const auto status = demo == nullptr ? takt::Status() : demo->begin(); !status.ok()) {
    return takt::report(status);
  }
  const takt::WorkerConfig workers[] = {
      {.name = "input",
       .lane = kInput,
       .scheduling = takt::Fifo{.priority = 60},
       .on_denied = takt::OnDenied::degrade},
      {.name = "output",
       .lane = kOutput,
       .scheduling = takt::Fifo{.priority = 50},
       .on_denied = takt::OnDenied::degrade},
      {.name = "demo", .lane = kDemo},
  };
  if (const auto status = executor.start(workers, {.on_denied = takt::OnDenied::degrade});
      !status.ok()) {
    return takt::report(status);
  }
  takt::platform::sleep_until(takt::deadline_after(time));
  if (const auto status = executor.stop(takt::StopMode::drain, 1s); !status.ok()) {
    ::_exit(takt::report(status));
  }
  gateway.stop_watching();
  print_figures();
  if (demo != nullptr && demo->lost() != 0) {
    std::printf("%llu frames never sent: the ports were full\n",
                static_cast<unsigned long long>(demo->lost()));
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const bool demo = count > 1 && std::string_view(arguments[1]) == "--demo";
  const int names = demo ? 1 : 2;
  const int seconds = count > names + 1 ? std::atoi(arguments[names + 1]) : 0;
  if (count <= names || count > names + 2 || seconds < 0) {
    std::fprintf(stderr, "usage: gateway SERIAL CAN [SECONDS] | gateway --demo [SECONDS]\n");
    return 2;
  }
  if (demo) {
    Demo ends;
    return run(std::chrono::seconds(seconds > 0 ? seconds : 2), &ends, ends.open());
  }
  return run(seconds > 0 ? takt::Duration(std::chrono::seconds(seconds)) : takt::Duration::max(),
             nullptr, open_ports(arguments[1], arguments[2]));
}
