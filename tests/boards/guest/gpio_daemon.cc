// SPDX-License-Identifier: Apache-2.0
// gpio_daemon CHIP INPUT OUTPUT EDGES
//
// Each edge of line INPUT becomes a run of a job, which puts line OUTPUT to the new level. Ends
// after EDGES edges: exit code 0.
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "takt/executor/executor.h"

namespace {

using namespace std::chrono_literals;

takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 1, .lanes = 1, .jobs_per_lane = 4, .descriptors = 1}>
    executor;

void say(const char* what) {
  std::printf("%s\n", what);
  std::fflush(stdout);
}

/// One line of the chip; -1 where that is refused.
int request_line(int chip, std::uint32_t number, std::uint64_t flags) {
  gpio_v2_line_request request{};
  request.offsets[0] = number;
  request.num_lines = 1;
  request.config.flags = flags;
  std::snprintf(request.consumer, sizeof request.consumer, "takt");
  return ::ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) == 0 ? request.fd : -1;
}

bool put(int line, bool level) {
  gpio_v2_line_values values{.bits = level ? 1U : 0U, .mask = 1};
  return ::ioctl(line, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: gpio_daemon CHIP INPUT OUTPUT EDGES\n");
    return 2;
  }
  const auto number = [argv](int argument) {
    return static_cast<std::uint32_t>(std::strtoul(argv[argument], nullptr, 10));
  };
  const int chip = ::open(argv[1], O_RDWR | O_CLOEXEC);
  const int input = request_line(
      chip, number(2),
      GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING);
  const int output = request_line(chip, number(3), GPIO_V2_LINE_FLAG_OUTPUT);
  if (chip < 0 || input < 0 || output < 0) {
    std::perror(argv[1]);
    return 1;
  }
  static std::atomic<std::uint32_t> edges{0};
  auto watched = executor.watch(takt::LaneId{0}, input, takt::Readiness::readable,
                                [output](const takt::DescriptorContext& job) {
                                  gpio_v2_line_event event{};
                                  if (::read(job.descriptor, &event, sizeof event) != sizeof event)
                                    return;
                                  const bool high = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE;
                                  if (!put(output, high)) say("the output cannot be set");
                                  say(high ? "high" : "low");
                                  ++edges;
                                });
  if (!watched.ok()) _exit(takt::report(watched.status()));
  const takt::WorkerConfig worker{
      .name = "gpio", .cpus = takt::CpuSet::of(2), .scheduling = takt::Fifo{.priority = 50}};
  if (takt::Status s = executor.start({&worker, 1}); !s.ok()) _exit(takt::report(s));
  say("ready");
  while (edges.load() < number(4)) ::usleep(10'000);
  if (takt::Status s = executor.stop(takt::StopMode::drain, 30s); !s.ok()) _exit(takt::report(s));
  return takt::report(watched->remove());
}
