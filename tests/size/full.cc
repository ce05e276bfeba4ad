// SPDX-License-Identifier: Apache-2.0
// A daemon with all that is there: what `typical` has, and besides a watched descriptor, a watchdog
// that feeds a device and the service manager, a sampler with an alert, an error log with a
// recovery rule, the user's own metrics, a file with all figures, and a trace.
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "takt/executor/executor.h"
#include "takt/executor/job_handle.h"
#include "takt/monitor/error_log.h"
#include "takt/monitor/exposition.h"
#include "takt/monitor/metrics.h"
#include "takt/monitor/sampler.h"
#include "takt/monitor/trace.h"
#include "takt/monitor/watchdog.h"
#include "takt/platform/file_writer.h"
#include "takt/platform/service_manager.h"
#include "takt/platform/watchdog_device.h"
#include "takt/sync/bounded_queue.h"
#include "takt/sync/latest_value.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/tests/size/ram.h"

namespace {

using namespace std::chrono_literals;

constexpr takt::ExecutorLimits kLimits{.workers = 4,
                                       .lanes = 2,
                                       .jobs_per_lane = 64,
                                       .tasks = 16,
                                       .timers = 16,
                                       .descriptors = 4,
                                       .histograms = 4,
                                       .events_per_worker = 256};
constexpr takt::LaneId kControl{0}, kTelemetry{1};
takt::StaticExecutor<kLimits> executor;
takt::BoundedQueue<std::uint64_t, 64> records;
takt::LatestValue<std::uint64_t> position;
takt::Mutex mutex;
volatile std::uint64_t level;

constexpr takt::ErrorKind kBus{0};
constexpr takt::ErrorKindConfig kKinds[] = {
    {.name = "can", .severity = takt::Severity::warning, .window = 10s}};
constexpr takt::RecoveryRule kRules[] = {
    {.kind = kBus, .threshold = 3, .action = takt::RecoveryAction::reset_device}};
takt::StaticErrorLog<1, 1, 64> errors;
takt::SharedCounter frames;
takt::StaticMetrics<4> metrics;
takt::StaticSampler<takt::SamplerLimits{
    .workers = 4, .tasks = 16, .lanes = 2, .descriptors = 4, .metrics = 4, .history = 100}>
    sampler;
takt::SupervisedEntity loop;
takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 4, .workers = 4}> watchdog;
takt::platform::WatchdogDevice device;
takt::platform::ServiceManager manager;
std::array<char, 32768> text;

constexpr takt::CheckpointId kBegun{0}, kDone{1};

takt::Status supervise(const takt::TaskHandle& servo) {
  constexpr takt::Transition kOrder[] = {
      {takt::kBegin, kBegun}, {kBegun, kDone}, {kDone, takt::kBegin}};
  const takt::DeadlineRule deadlines[] = {
      {.from = kBegun, .to = kDone, .expected = {.normal = {.max = 1ms}}}};
  takt::Status status = watchdog.supervise(
      loop, {.name = "loop",
             .alive = kDone,
             .order = kOrder,
             .deadlines = deadlines,
             .expected = {.normal = {.active = true, .alive = {.window = 1s, .min = 900}}}});
  if (status.ok()) {
    status = watchdog.supervise_task(
        "servo", servo.stats(), {.normal = {.active = true, .alive = {.window = 1s, .min = 900}}});
  }
  if (status.ok()) {
    status = watchdog.supervise_worker("control", takt::WorkerSource::of(executor), 0,
                                       {.normal = {.active = true, .longest_job = 100ms}});
  }
  return status;
}

takt::Status watch() {
  takt::Status status = errors.configure(kKinds, kRules);
  errors.set_recovery(
      [](const takt::ErrorEntry&, takt::RecoveryAction, void*) noexcept { level = 3; });
  if (status.ok()) {
    status = metrics.add({.name = "frames_total", .help = "Frames received"}, frames);
  }
  if (status.ok()) status = sampler.set_metrics(metrics);
  if (status.ok()) status = sampler.observe(executor);
  const auto can = executor.watch(kTelemetry, STDIN_FILENO, takt::Readiness::readable, [] {
    frames.add();
    errors.report(kBus, "no frame", 1);
  });
  if (!can.ok()) return can.status();
  if (status.ok()) status = sampler.add_descriptor("can0", can->stats()).status();
  const auto alert =
      sampler.add_alert({.name = "lane fills up",
                         .series = sampler.lane(1, takt::LaneFigure::waiting),
                         .threshold = 48,
                         .duration = 1s,
                         .on_change = [](const takt::AlertEvent&) noexcept { level = 4; }});
  if (status.ok()) status = alert.status();
  if (status.ok()) status = sampler.start();
  if (status.ok()) status = manager.open();
  if (status.ok()) status = device.open({.timeout = 10s});
  if (!status.ok()) return status;
  return watchdog.start({.device = &device,
                         .service_manager = &manager,
                         .on_verdict = [](void*, const takt::Verdict&) noexcept { level = 5; },
                         .scheduling = takt::Fifo{.priority = 90}});
}

takt::Status expose() {
  takt::Exposition exposition(text, takt::ExpositionFormat::prometheus);
  exposition.add(metrics);
  exposition.add(sampler);
  exposition.add(watchdog);
  exposition.add(errors);
  const auto written = exposition.finish();
  if (!written.ok()) return written.status();
  return takt::platform::replace_file("/run/daemon.prom", *written);
}

takt::Status end() {
  takt::Status status = watchdog.stop(1s);
  if (status.ok()) status = device.disarm();
  if (status.ok()) status = sampler.stop(1s);
  return status;
}

}  // namespace

int main() {
  // The executor without its stacks, the monitor without those of its two threads.
  takt::test::report_ram<decltype(executor)::kStateBytes + sizeof records + sizeof position +
                         sizeof mutex + sizeof errors + sizeof metrics + sizeof loop +
                         sizeof sampler + sizeof watchdog + sizeof text -
                         2 * sizeof(takt::MonitorStack<>)>();
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
                                  .overrun = takt::Overrun::catch_up(2),
                                  .histograms = true},
                                 [](const takt::JobContext& job) {
                                   loop.reached(kBegun, job.start);
                                   position.store(job.index);
                                   (void)executor.post([] { (void)records.try_push(1); },
                                                       {.lane = kTelemetry});
                                   loop.reached(kDone);
                                 });
  if (!servo.ok()) return takt::report(servo.status());
  if (const takt::Status status = supervise(*servo); !status.ok()) return takt::report(status);
  if (const takt::Status status = executor.start(workers); !status.ok()) {
    return takt::report(status);
  }
  if (const takt::Status status = watch(); !status.ok()) ::_exit(takt::report(status));
  watchdog.set_mode(takt::WatchMode::normal);
  auto answer = executor.submit([] { return 42; }, {.lane = kTelemetry});
  if (answer.ok() && answer->wait_for(10ms).ok()) level = 1;
  (void)executor.post_after(100ms, [] { level = 2; }, {.lane = kTelemetry});
  {
    const takt::LockGuard guard(mutex);
    level = position.load().value;
  }
  takt::StaticTrace<4> trace{takt::ExecutorView(executor)};
  for (auto record = records.pop_for(1s); record.ok(); record = records.pop_for(1s)) {
    level = *record;
    errors.step(takt::now());
    if (!expose().ok() || !trace.write_to(STDOUT_FILENO, text).ok()) break;
  }
  (void)trace.finish_to(STDOUT_FILENO, text);
  (void)servo->suspend();
  const takt::Status stopped = executor.stop(takt::StopMode::cancel, 1s);
  if (!stopped.ok()) ::_exit(takt::report(stopped));
  return takt::report(end());
}
