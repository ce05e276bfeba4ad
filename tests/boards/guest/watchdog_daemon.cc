// SPDX-License-Identifier: Apache-2.0
// watchdog_daemon fed | hung | starved | last_boot
//
// A daemon as an adopter would write it, on a board with a watchdog device (10 s): a control loop
// under supervision, and the device fed only while the loop is well.
//   fed        runs for three time-outs, ends properly: exit code 0
//   hung       after half a time-out the loop hangs: says so; the machine is reset
//   starved    real-time threads above all else take all CPUs: says so before; the machine is reset
//   last_boot  says whether the device has caused the last reset, and changes nothing
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

#include "takt/executor/executor.h"
#include "takt/monitor/watchdog.h"
#include "takt/platform/watchdog_device.h"

namespace {

using namespace std::chrono_literals;
using takt::CheckpointId;

constexpr takt::Duration kTimeout = 10s;
constexpr CheckpointId kBegin{0}, kEnd{1};

takt::StaticExecutor<takt::ExecutorLimits{.workers = 1, .lanes = 1, .tasks = 1}> executor;
takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 0, .workers = 1}> watchdog;
takt::SupervisedEntity loop;
takt::platform::WatchdogDevice device;
std::atomic<bool> hang{false};

void say(const char* what) {
  std::printf("%s\n", what);
  std::fflush(stdout);
}

void control() {
  loop.reached(kBegin);
  while (hang.load()) ::pause();
  loop.reached(kEnd);
}

/// Twenty rounds a second; from 2 s on, ten of them in 2 s are little enough for the slowest
/// emulator.
takt::Status supervise() {
  constexpr takt::Transition kOrder[] = {
      {takt::kBegin, kBegin}, {kBegin, kEnd}, {kEnd, takt::kBegin}};
  constexpr takt::EntityExpectation kLoop{
      .active = true, .alive = {.window = 4s, .min = 4}, .tolerance = {.alive = 1}};
  if (takt::Status s = watchdog.supervise(
          loop, {.name = "loop", .alive = kEnd, .order = kOrder, .expected = {.normal = kLoop}});
      !s.ok()) {
    return s;
  }
  constexpr takt::WorkerExpectation kWorker{.active = true, .longest_job = 4s, .longest_wait = 4s};
  return watchdog.supervise_worker("control", takt::WorkerSource::of(executor), 0,
                                   {.normal = kWorker});
}

void on_verdict(void*, const takt::Verdict& verdict) noexcept {
  takt::Text<160> line;
  write_verdict(line, verdict);
  say(line.c_str());
}

takt::Status start() {
  takt::Result<takt::TaskHandle> task =
      executor.add_task({.name = "loop", .period = 50ms}, control);
  if (!task.ok()) return task.status();
  if (takt::Status s = supervise(); !s.ok()) return s;
  // The loop on an isolated CPU, the watchdog beside it, above the loop.
  const takt::WorkerConfig worker{
      .name = "control", .cpus = takt::CpuSet::of(2), .scheduling = takt::Fifo{.priority = 50}};
  if (takt::Status s = executor.start({&worker, 1}); !s.ok()) return s;
  if (takt::Status s = device.open({.timeout = kTimeout}); !s.ok()) return s;
  if (takt::Status s = watchdog.start({.period = 500ms,
                                       .lateness_tolerance = 3s,
                                       .device = &device,
                                       .on_verdict = on_verdict,
                                       .scheduling = takt::Fifo{.priority = 60},
                                       .cpus = takt::CpuSet::of(3)});
      !s.ok()) {
    return s;
  }
  watchdog.set_mode(takt::WatchMode::normal);
  return {};
}

void set_fifo(int level) {
  const sched_param priority{.sched_priority = level};
  if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) say("no SCHED_FIFO");
}

/// Never ends: one a CPU, so that no two of the same priority share one.
void starve() {
  // Nothing is kept for others any more.
  if (std::FILE* limit = std::fopen("/proc/sys/kernel/sched_rt_runtime_us", "w")) {
    std::fputs("-1\n", limit);
    std::fclose(limit);
  }
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  std::atomic<bool> go{false};
  std::atomic<long> ready{0};
  std::vector<std::thread> hogs;
  for (long cpu = 0; cpu < cpus; ++cpu) {
    hogs.emplace_back([&go, &ready, cpu] {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(static_cast<std::size_t>(cpu), &only);
      ::sched_setaffinity(0, sizeof only, &only);
      set_fifo(90);
      ++ready;
      go.wait(false);
      for (;;) {
      }
    });
  }
  while (ready.load() < cpus) ::usleep(10'000);
  say("starving");
  ::sleep(2);  // until that has been heard
  // Above the first one that begins, until all are woken: none of them may need a timer, which the
  // kernel keeps for idle CPUs on a busy one.
  set_fifo(95);
  go.store(true);
  go.notify_all();
  for (std::thread& hog : hogs) hog.join();
}

int last_boot() {
  if (takt::Status s = device.open({.timeout = kTimeout}); !s.ok()) return takt::report(s);
  std::printf("%s: last boot %s\n", device.info().identity,
              device.info().last_boot_by_watchdog ? "by the watchdog" : "not by the watchdog");
  return takt::report(device.disarm());
}

int run(std::string_view mode) {
  if (mode == "last_boot") return last_boot();
  if (takt::Status s = start(); !s.ok()) _exit(takt::report(s));
  say("running");
  if (mode == "starved") {
    std::this_thread::sleep_for(kTimeout / 2);
    starve();
  }
  if (mode == "hung") {
    std::this_thread::sleep_for(kTimeout / 2);
    say("hanging");
    hang.store(true);
    for (;;) ::pause();
  }
  std::this_thread::sleep_for(3 * kTimeout);
  const bool well = watchdog.state() == takt::GlobalState::ok;
  watchdog.set_mode(takt::WatchMode::degraded);
  if (takt::Status s = executor.stop(takt::StopMode::drain, 10s); !s.ok()) _exit(takt::report(s));
  if (takt::Status s = watchdog.stop(10s); !s.ok()) return takt::report(s);
  if (takt::Status s = device.disarm(); !s.ok()) return takt::report(s);
  say(well ? "lived three time-outs" : "was not well");
  return well ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 2 ? argv[1] : "";
  if (mode != "fed" && mode != "hung" && mode != "starved" && mode != "last_boot") {
    std::fprintf(stderr, "usage: watchdog_daemon fed | hung | starved | last_boot\n");
    return 2;
  }
  return run(mode);
}
