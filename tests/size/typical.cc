// SPDX-License-Identifier: Apache-2.0
// A daemon of the usual kind: four workers on two lanes, tasks with budgets and histograms, jobs
// with results, a queue to a thread of its own.
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "takt/executor/executor.h"
#include "takt/executor/job_handle.h"
#include "takt/sync/bounded_queue.h"
#include "takt/sync/latest_value.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/tests/size/ram.h"

namespace {

using namespace std::chrono_literals;

constexpr takt::ExecutorLimits kLimits{
    .workers = 4, .lanes = 2, .jobs_per_lane = 64, .tasks = 16, .timers = 16, .histograms = 4};
constexpr takt::LaneId kControl{0}, kTelemetry{1};
takt::StaticExecutor<kLimits> executor;
takt::BoundedQueue<std::uint64_t, 64> records;
takt::LatestValue<std::uint64_t> position;
takt::Mutex mutex;
volatile std::uint64_t level;

}  // namespace

int main() {
  takt::test::report_ram<decltype(executor)::kStateBytes + sizeof records + sizeof position +
                         sizeof mutex>();
  const takt::WorkerConfig workers[] = {
      {.name = "control", .lane = kControl, .scheduling = takt::Fifo{.priority = 80}},
      {.name = "monitoring", .lane = kControl, .scheduling = takt::Fifo{.priority = 80}},
      {.name = "telemetry", .lane = kTelemetry},
      {.name = "storage", .lane = kTelemetry},
  };
  auto servo = executor.add_task({.name = "servo",
                                  .lane = kControl,
                                  .period = 1ms,
                                  .deadline = 800us,
                                  .budget = 200us,
                                  .overrun = takt::Overrun::catch_up(2)},
                                 [](const takt::JobContext& job) {
                                   position.store(job.index);
                                   (void)executor.post([] { (void)records.try_push(1); },
                                                       {.lane = kTelemetry});
                                 });
  if (!servo.ok()) return takt::report(servo.status());
  if (const takt::Status status = executor.start(workers); !status.ok()) {
    return takt::report(status);
  }
  auto answer = executor.submit([] { return 42; }, {.lane = kTelemetry});
  if (answer.ok() && answer->wait_for(10ms).ok()) level = 1;
  (void)executor.post_after(100ms, [] { level = 2; }, {.lane = kTelemetry});
  {
    const takt::LockGuard guard(mutex);
    level = position.load().value;
  }
  for (auto record = records.pop_for(1s); record.ok(); record = records.pop_for(1s))
    level = *record;
  (void)servo->suspend();
  const takt::Status stopped = executor.stop(takt::StopMode::cancel, 1s);
  if (!stopped.ok()) ::_exit(takt::report(stopped));
  return 0;
}
