// SPDX-License-Identifier: Apache-2.0
// The watchdog on its own thread, beside a real executor.
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "takt/executor/executor.h"
#include "takt/monitor/watchdog.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/platform/manager_socket.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ByMode;
using takt::CheckpointId;
using takt::CpuSet;
using takt::Fault;
using takt::GlobalState;
using takt::LocalState;
using takt::Status;
using takt::StatusCode;
using takt::Verdict;
using takt::WatchdogConfig;
using takt::WatchMode;
using takt::WorkerExpectation;
using takt::WorkerSource;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Gate;
using takt::test::ManagerSocket;
using takt::test::Running;
using takt::test::wait_until;

takt::StaticExecutor<takt::ExecutorLimits{.workers = 1, .tasks = 1}> executor;
takt::StaticWatchdog<takt::WatchdogLimits{.entities = 1, .tasks = 1, .workers = 1}> watchdog;
takt::SupervisedEntity entity;

/// A machine may be as slow as it likes: the watchdog's lateness is no fault here. RLIMIT_MEMLOCK
/// may be small.
constexpr WatchdogConfig kPatient{
    .period = 5ms, .late_glances_tolerated = 0xFFFF'FFFF, .lock_memory = false};

constexpr WorkerExpectation kShortJobs{.active = true, .longest_job = 50ms, .longest_wait = 50ms};

void supervise_worker(const ByMode<WorkerExpectation>& expected) {
  ASSERT_OK(watchdog.supervise_worker("control", WorkerSource::of(executor), 0, expected));
}

TEST(WatchdogThread, finds_a_hang_and_tells_the_service_manager) {
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "100000"}));
  const Running running(executor, {{.name = "control"}});
  Gate gate;
  takt::test::hold_worker(executor, gate);
  // Asleep in its job, and not on the way there, whatever else the machine does.
  const std::atomic<std::int32_t> worker{
      static_cast<std::int32_t>(executor.worker_stats(0).thread_id.get())};
  takt::test::wait_until_asleep(worker);
  supervise_worker(ByMode<WorkerExpectation>::all(kShortJobs));
  WatchdogConfig config = kPatient;
  config.service_manager = &manager;
  ASSERT_OK(watchdog.start(config));
  // Taken at once: the socket's queue is short.
  std::string status;
  for (std::string message; message != "WATCHDOG=trigger"; message = socket.receive()) {
    if (message.starts_with("STATUS=")) status = message;
  }
  EXPECT_TRUE(status.starts_with("STATUS=worker 'control': stuck_in_job, job "), "%s",
              status.c_str());
  EXPECT_TRUE(watchdog.state() == GlobalState::stopped);
  const auto verdict = watchdog.verdict(0);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(std::string_view(verdict->name), "control");
  EXPECT_FALSE(verdict->finding.is_task);
  EXPECT_GE(verdict->finding.measured.count(), std::chrono::nanoseconds(50ms).count());
  gate.open();
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
  EXPECT_FALSE(socket.has_message());  // no STOPPING=1 from who is not well
}

TEST(WatchdogThread, sees_that_a_worker_spins_and_does_not_starve) {
  const Running running(executor, {{.name = "control", .spin = 10min}});
  const WorkerSource source = WorkerSource::of(executor);
  // Nothing to do: `ready` all the time, and yet not unchanged for long, however often one looks.
  takt::WorkerActivity seen;
  for (int looks = 0; looks < 5; ++looks) {
    wait_until([&] {
      const takt::WorkerActivity now = source.activity(0, takt::now());
      const bool goes_on = now.phase() == takt::WorkerPhase::ready && now != seen;
      if (goes_on) seen = now;
      return goes_on;
    });
  }
  EXPECT_TRUE(seen.phase() == takt::WorkerPhase::ready);
}

/// Leaves who shares CPU 0 at a lower priority next to nothing of it, while it lives.
class Hog {
 public:
  Hog() {
    wait_until([this] { return granted_ != 0; });
    EXPECT_EQ(granted_.load(), 1);
  }
  ~Hog() {
    enough_ = true;
    thread_.join();
  }
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;

 private:
  void run() {
    // The priority first, or it would not come to ask for it on that CPU.
    Status status = takt::platform::set_scheduling(takt::Fifo{.priority = 2});
    if (status.ok()) status = takt::platform::set_affinity(CpuSet::of(0));
    granted_ = status.ok() ? 1 : 2;
    while (status.ok() && !enough_) continue;
  }

  std::atomic<int> granted_{0};
  std::atomic<bool> enough_{false};
  std::thread thread_{[this] { run(); }};
};

TEST(WatchdogThread, finds_a_worker_that_a_hog_starves) {
  if (takt::test::is_emulated()) SKIP("an emulator does not schedule as the kernel does");
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) SKIP("the hog needs a CPU that is not the watchdog's");
  // This thread and the watchdog on one CPU, worker and hog on the other one.
  ASSERT_OK(takt::platform::set_affinity(CpuSet::of(1)));
  const takt::WorkerConfig workers[] = {{.name = "control", .cpus = CpuSet::of(0)}};
  ASSERT_OK(executor.start(workers, takt::test::kAnyMemory));
  // The hog starves a worker that has begun: the other one is not_running.
  const WorkerSource source = WorkerSource::of(executor);
  wait_until([&] { return source.activity(0, takt::now()).phase() == takt::WorkerPhase::idle; });
  supervise_worker(ByMode<WorkerExpectation>::all(kShortJobs));
  WatchdogConfig config = kPatient;
  config.scheduling = takt::Fifo{.priority = 3};
  config.cpus = CpuSet::of(1);
  const Status started = watchdog.start(config);
  if (started.code() == StatusCode::permission_denied) {
    EXPECT_OK(executor.stop(takt::StopMode::cancel, takt::test::kPatience));
    SKIP("%s", started.text());
  }
  ASSERT_OK(started);
  {
    const Hog hog;
    // Each job that the worker still finds time for is followed by another one: the kernel leaves
    // those who share time 5 % of the CPU.
    wait_until([] {
      static_cast<void>(executor.post([] {}));
      return watchdog.state() != GlobalState::ok;
    });
  }
  const auto verdict = watchdog.verdict(0);
  EXPECT_TRUE(verdict.has_value());
  if (verdict.has_value()) {
    EXPECT_TRUE(verdict->finding.fault == Fault::starved, "%s",
                takt::to_string(verdict->finding.fault));
    EXPECT_EQ(std::string_view(verdict->name), "control");
  }
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
  EXPECT_OK(executor.stop(takt::StopMode::cancel, takt::test::kPatience));
}

struct Loop {
  const char* name;
  bool preempted;
  Fault expected;
};
// What tells them apart is the kernel's CPU time of the worker's thread.
TEST_EACH(WatchdogThread, tells_a_job_that_loops_from_one_that_is_preempted,
          Loop{"loops", false, Fault::stuck_in_job}, Loop{"is preempted", true, Fault::starved}) {
  if (takt::test::is_emulated()) SKIP("an emulator does not schedule as the kernel does");
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) SKIP("the job needs a CPU that is not the watchdog's");
  ASSERT_OK(takt::platform::set_affinity(CpuSet::of(1)));
  // Above all who share time, who might leave it little; below the hog.
  const takt::WorkerConfig workers[] = {
      {.name = "control", .cpus = CpuSet::of(0), .scheduling = takt::Fifo{.priority = 1}}};
  const Status started = executor.start(workers, takt::test::kAnyMemory);
  if (started.code() == StatusCode::permission_denied) SKIP("%s", started.text());
  ASSERT_OK(started);
  supervise_worker(ByMode<WorkerExpectation>::all(kShortJobs));
  WatchdogConfig config = kPatient;
  config.scheduling = takt::Fifo{.priority = 3};
  config.cpus = CpuSet::of(1);
  static std::atomic<bool> begun{false}, enough{false};
  ASSERT_OK(executor.post([] {
    begun = true;
    while (!enough) continue;
  }));
  wait_until([] { return begun.load(); });
  {
    std::optional<Hog> hog;
    if (param.preempted) hog.emplace();
    EXPECT_OK(watchdog.start(config));
    wait_until([] { return watchdog.state() != GlobalState::ok; });
    enough = true;
  }
  const auto verdict = watchdog.verdict(0);
  EXPECT_TRUE(verdict.has_value());
  if (verdict.has_value()) {
    EXPECT_TRUE(verdict->finding.fault == param.expected, "%s",
                takt::to_string(verdict->finding.fault));
    EXPECT_EQ(std::string_view(verdict->name), "control");
  }
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
  EXPECT_OK(executor.stop(takt::StopMode::cancel, takt::test::kPatience));
}

TEST(WatchdogThread, allocates_nothing) {
  takt::Result<takt::TaskHandle> task = executor.add_task({.name = "loop", .period = 1ms}, [] {
    entity.reached(CheckpointId{0});
    entity.reached(CheckpointId{1});
  });
  ASSERT_OK(task);
  const takt::DeadlineRule rules[] = {
      {.from = CheckpointId{0},
       .to = CheckpointId{1},
       .expected = ByMode<takt::DeadlineExpectation>::all({.max = 1h})}};
  constexpr takt::Transition kOrder[] = {{takt::kBegin, CheckpointId{0}},
                                         {CheckpointId{0}, CheckpointId{1}},
                                         {CheckpointId{1}, takt::kBegin}};
  ASSERT_OK(watchdog.supervise(entity, {.name = "loop",
                                        .order = kOrder,
                                        .deadlines = rules,
                                        .expected = ByMode<takt::EntityExpectation>::all(
                                            {.active = true, .alive = {.window = 1h, .min = 1}})}));
  ASSERT_OK(watchdog.supervise_task(
      "loop", task->stats(),
      ByMode<takt::TaskExpectation>::all(
          {.active = true, .alive = {.window = 1h, .min = 1}, .deadlines = false})));
  supervise_worker({.startup = kShortJobs});
  const Running running(executor, {{.name = "control"}});
  Gate gate;
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name(), .watchdog_usec = "20000000"}));
  std::atomic<int> told{0};
  WatchdogConfig config = kPatient;
  config.service_manager = &manager;
  config.expired_tolerance = 0xFFFF'FFFF;
  config.on_verdict = [](void* context, const Verdict&) noexcept {
    ++*static_cast<std::atomic<int>*>(context);
  };
  config.context = &told;
  ASSERT_OK(watchdog.start(config));
  {
    const takt::test::AllocationGuard guard;
    takt::test::hold_worker(executor, gate);
    wait_until([&] { return told == 1; });
    EXPECT_TRUE(watchdog.state() != GlobalState::ok || watchdog.verdict_count() == 1);
    gate.open();
    watchdog.set_mode(WatchMode::degraded);
    wait_until([] { return watchdog.mode() == WatchMode::degraded; });
    const std::uint64_t glances = watchdog.glances();
    wait_until([&] { return watchdog.glances() > glances + 5; });
    EXPECT_TRUE(watchdog.worker(0).state() == LocalState::expired);
    watchdog.reinstate();
    wait_until([] { return watchdog.state() == GlobalState::ok; });
  }
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
}

TEST(WatchdogThread, unlocks_only_what_it_has_locked) {
  const FaultInjection unlocks(SystemCall::munlock, EPERM, 1'000'000);  // counts them
  ASSERT_OK(watchdog.start(kPatient));
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
  {
    const FaultInjection fault(SystemCall::pthread_create, EAGAIN);
    EXPECT_FALSE(watchdog.start(kPatient).ok());
  }
  EXPECT_EQ(unlocks.calls(), 0U);
}

TEST(WatchdogThread, starts_and_stops_again_and_again) {
  const ManagerSocket socket(ManagerSocket::Kind::abstract);
  takt::platform::ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name()}));
  WatchdogConfig config = kPatient;
  config.service_manager = &manager;
  for (int i = 0; i < 3; ++i) {
    config.lock_memory = i != 0;
    const Status started = watchdog.start(config);
    const bool may_not_lock = started.code() == StatusCode::permission_denied ||
                              started.code() == StatusCode::resource_exhausted;
    if (config.lock_memory && may_not_lock) SKIP("%s", started.text());
    ASSERT_OK(started);
    EXPECT_EQ(watchdog.start(config).code(), StatusCode::failed_precondition);
    EXPECT_EQ(watchdog.supervise_worker("late", WorkerSource::of(executor), 0, {}).code(),
              StatusCode::failed_precondition);
    wait_until([&] { return watchdog.glances() > 2; });
    EXPECT_OK(watchdog.stop(takt::test::kPatience));
    EXPECT_EQ(socket.receive(), "STOPPING=1");
  }
}

TEST(WatchdogThread, that_could_not_start_begins_in_the_wanted_mode_when_it_can) {
  supervise_worker({.normal = kShortJobs});
  watchdog.set_mode(WatchMode::normal);
  WatchdogConfig config = kPatient;
  config.scheduling = takt::Fifo{.priority = 5};
  {
    const FaultInjection fault(SystemCall::sched_setscheduler, EPERM);
    EXPECT_EQ(watchdog.start(config).code(), StatusCode::permission_denied);
  }
  ASSERT_OK(watchdog.start(kPatient));
  EXPECT_TRUE(watchdog.mode() == WatchMode::normal);
  const std::uint64_t glances = watchdog.glances();
  wait_until([&] { return watchdog.glances() > glances + 1; });
  EXPECT_TRUE(watchdog.mode() == WatchMode::normal);
  EXPECT_TRUE(watchdog.worker(0).state() != LocalState::deactivated);
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
}

TEST(WatchdogThread, a_mode_that_is_wanted_as_it_ends_is_not_the_next_ones) {
  WatchdogConfig config = kPatient;
  config.period = 1h;  // no glance comes before it ends
  ASSERT_OK(watchdog.start(config));
  watchdog.set_mode(WatchMode::degraded);
  ASSERT_OK(watchdog.stop(takt::test::kPatience));
  config.mode = WatchMode::normal;
  ASSERT_OK(watchdog.start(config));
  EXPECT_TRUE(watchdog.mode() == WatchMode::normal);
  ASSERT_OK(watchdog.stop(takt::test::kPatience));
  // One that is wanted in between is.
  watchdog.set_mode(WatchMode::startup);
  ASSERT_OK(watchdog.stop(takt::test::kPatience));  // it does not run
  ASSERT_OK(watchdog.start(config));
  EXPECT_TRUE(watchdog.mode() == WatchMode::startup);
  ASSERT_OK(watchdog.stop(takt::test::kPatience));
}

/// Two workers that have a reason to run and never do. The first one is slow to look at, the first
/// time: as if whoever starts the watchdog were preempted there.
struct SlowToLookAt {
  static constexpr takt::Duration kTakes = 40ms;

  WorkerSource source() const {
    return {this,
            [](const void* self, std::uint32_t number, takt::TimePoint) noexcept {
              return static_cast<const SlowToLookAt*>(self)->look(number);
            },
            [](const void*, std::uint32_t) noexcept { return takt::ThreadUse{}; }};
  }
  takt::WorkerActivity look(std::uint32_t number) const noexcept {
    if (number == 0 && looked_at == takt::TimePoint{}) {
      takt::platform::sleep_until(takt::deadline_after(kTakes));
    }
    if (number == 1 && looked_at == takt::TimePoint{}) looked_at = takt::now();
    return {takt::WorkerPhase::ready, 1};
  }

  mutable takt::TimePoint looked_at{};  // the second one, first
};

TEST(WatchdogThread, a_slow_start_makes_nothing_seem_longer) {
  const SlowToLookAt workers;
  static takt::StaticWatchdog<takt::WatchdogLimits{.entities = 0, .tasks = 0, .workers = 2}> two;
  constexpr auto kExpected = ByMode<WorkerExpectation>::all({.active = true, .longest_wait = 50ms});
  ASSERT_OK(two.supervise_worker("first", workers.source(), 0, kExpected));
  ASSERT_OK(two.supervise_worker("second", workers.source(), 1, kExpected));
  WatchdogConfig config = kPatient;
  config.period = 50ms;
  ASSERT_OK(two.start(config));
  wait_until([&] { return two.verdict_count() == 2; });
  ASSERT_OK(two.stop(takt::test::kPatience));
  const auto verdict = two.verdict(1);
  ASSERT_TRUE(verdict.has_value());
  ASSERT_EQ(std::string_view(verdict->name), "second");
  EXPECT_TRUE(verdict->finding.fault == Fault::starved);
  EXPECT_LE(verdict->finding.measured.count(), (verdict->at - workers.looked_at).count());
}

struct Refused {
  const char* name;
  SystemCall call;
  int error;
  StatusCode code;
  std::string_view part;
};
TEST_EACH(WatchdogThread, a_refusal_is_an_error_at_start,
          Refused{"memory", SystemCall::mlock, EPERM, StatusCode::permission_denied, "watchdog:"},
          Refused{"policy", SystemCall::sched_setscheduler, EPERM, StatusCode::permission_denied,
                  "'watchdog': SCHED_FIFO 5"},
          Refused{"thread", SystemCall::pthread_create, EAGAIN, StatusCode::resource_exhausted,
                  "watchdog"}) {
  WatchdogConfig config = kPatient;
  config.lock_memory = param.call == SystemCall::mlock;
  config.scheduling = takt::Fifo{.priority = 5};
  {
    const FaultInjection fault(param.call, param.error);
    const Status refused = watchdog.start(config);
    EXPECT_EQ(refused.code(), param.code, "%s", refused.text());
    EXPECT_TRUE(std::string_view(refused.text()).find(param.part) != std::string_view::npos, "%s",
                refused.text());
  }
  ASSERT_OK(watchdog.start(kPatient));
  EXPECT_OK(watchdog.stop(takt::test::kPatience));
}

}  // namespace
