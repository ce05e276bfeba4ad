// SPDX-License-Identifier: Apache-2.0
// The smallest daemon: two workers, one lane, one task, posted jobs, a stop with a time limit.
#include <unistd.h>

#include <chrono>

#include "takt/executor/executor.h"
#include "takt/tests/size/ram.h"

namespace {

using namespace std::chrono_literals;

constexpr takt::ExecutorLimits kLimits{
    .workers = 2, .lanes = 1, .jobs_per_lane = 16, .tasks = 4, .timers = 0};
takt::StaticExecutor<kLimits> executor;
volatile int level;

}  // namespace

int main() {
  takt::test::report_ram<decltype(executor)::kStateBytes>();
  const takt::WorkerConfig workers[] = {
      {.name = "control", .scheduling = takt::Fifo{.priority = 80}},
      {.name = "background"},
  };
  const auto task = executor.add_task({.name = "servo", .period = 1ms}, [] { level = 1; });
  if (!task.ok()) return takt::report(task.status());
  if (const takt::Status status = executor.start(workers); !status.ok()) {
    return takt::report(status);
  }
  const takt::Status posted = executor.post([] { level = 0; });
  ::pause();
  const takt::Status stopped = executor.stop(takt::StopMode::drain, 1s);
  if (!stopped.ok()) ::_exit(takt::report(stopped));
  return takt::report(posted);
}
