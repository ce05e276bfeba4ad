// SPDX-License-Identifier: Apache-2.0
// serial_daemon DEVICE
//
// A control loop's serial port: what comes in becomes a run of a job, which answers each line "N"
// with the line "N + 1". Ends after the line "0": exit code 0.
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "takt/executor/executor.h"

namespace {

using namespace std::chrono_literals;

takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 1, .lanes = 1, .jobs_per_lane = 4, .descriptors = 1}>
    executor;

std::atomic<bool> over{false};

/// The lines of a stream that comes in pieces.
class Lines {
 public:
  /// Takes a byte; true when it ends a line.
  bool take(char byte) {
    if (byte == '\n') {
      text_[length_] = '\0';
      length_ = 0;
      return true;
    }
    if (length_ + 1 < sizeof text_) text_[length_++] = byte;
    return false;
  }
  const char* text() const { return text_; }

 private:
  char text_[64] = {};
  std::size_t length_ = 0;
};
Lines lines;

void answer(int port) {
  char bytes[64];
  const ssize_t count = ::read(port, bytes, sizeof bytes);
  for (ssize_t i = 0; i < count; ++i) {
    if (!lines.take(bytes[i])) continue;
    char text[64];
    const long number = std::strtol(lines.text(), nullptr, 10);
    const int length = std::snprintf(text, sizeof text, "%ld\n", number + 1);
    if (::write(port, text, static_cast<std::size_t>(length)) != length) std::perror("write");
    if (number == 0) over.store(true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 2 ? ::open(argv[1], O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
  termios settings{};
  if (port < 0 || ::tcgetattr(port, &settings) != 0) {
    std::perror("serial_daemon DEVICE");
    return 2;
  }
  ::cfmakeraw(&settings);
  ::cfsetspeed(&settings, B115200);
  if (::tcsetattr(port, TCSANOW, &settings) != 0) {
    std::perror("tcsetattr");
    return 1;
  }
  auto watched = executor.watch(takt::LaneId{0}, port, takt::Readiness::readable,
                                [](const takt::DescriptorContext& job) { answer(job.descriptor); });
  if (!watched.ok()) _exit(takt::report(watched.status()));
  const takt::WorkerConfig worker{
      .name = "serial", .cpus = takt::CpuSet::of(2), .scheduling = takt::Fifo{.priority = 50}};
  if (takt::Status s = executor.start({&worker, 1}); !s.ok()) _exit(takt::report(s));
  std::printf("ready\n");
  std::fflush(stdout);
  while (!over.load()) ::usleep(10'000);
  ::tcdrain(port);
  if (takt::Status s = executor.stop(takt::StopMode::drain, 30s); !s.ok()) _exit(takt::report(s));
  return takt::report(watched->remove());
}
