// SPDX-License-Identifier: Apache-2.0
// The five states of a worker, each seen while it lasts. `created` is over before start() returns,
// or soon after: the seam of fault injection, which the worker calls itself, shows it.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "takt/platform/fault.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using takt::LaneId;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::WorkerState;
using takt::platform::SystemCall;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::wait_until;

constexpr LaneId kLane{0};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2}> executor;

WorkerState state_of(std::uint32_t worker) { return executor.worker_activity(worker).state(); }

/// What the workers were while they configured themselves; and whether to refuse that.
struct Settling {
  std::atomic<int> created{0};
  std::atomic<int> others{0};
  std::atomic<int> refusal{0};  // the errno
};
Settling settling;

TEST(WorkerState, goes_through_all_but_error) {
  EXPECT_TRUE(state_of(0) == WorkerState::stopped);
  const std::array workers{WorkerConfig{.name = "one", .scheduling = takt::Batch{}},
                           WorkerConfig{.name = "two", .scheduling = takt::Batch{}}};
  for (int start = 1; start <= 2; ++start) {
    ASSERT_OK(executor.start(workers, kAnyMemory));
    EXPECT_EQ(settling.created.load(), 2 * start);
    EXPECT_EQ(settling.others.load(), 0);
    wait_until(
        [] { return state_of(0) == WorkerState::running && state_of(1) == WorkerState::running; });
    ASSERT_OK(executor.set_active_workers(kLane, 1));
    wait_until([] { return state_of(1) == WorkerState::paused; });
    EXPECT_TRUE(state_of(0) == WorkerState::running);
    ASSERT_OK(executor.pause(kLane));
    ASSERT_OK(executor.wait_paused(kLane));
    EXPECT_TRUE(state_of(0) == WorkerState::paused);
    ASSERT_OK(executor.resume(kLane));
    wait_until([] { return state_of(0) == WorkerState::running; });
    ASSERT_OK(executor.stop(StopMode::drain, kPatience));
    EXPECT_TRUE(state_of(0) == WorkerState::stopped);
    EXPECT_TRUE(state_of(1) == WorkerState::stopped);
  }
}

TEST(WorkerState, a_refused_one_is_in_error_until_the_next_start) {
  const std::array workers{WorkerConfig{.name = "good"},
                           WorkerConfig{.name = "bad", .scheduling = takt::Batch{}}};
  settling.refusal.store(EPERM);
  EXPECT_EQ(executor.start(workers, kAnyMemory).code(), StatusCode::permission_denied);
  EXPECT_EQ(settling.created.load(), 1);
  EXPECT_TRUE(state_of(0) == WorkerState::stopped);
  EXPECT_TRUE(state_of(1) == WorkerState::error);
  settling.refusal.store(0);
  const takt::test::Running running(executor, {{.name = "good"}, {.name = "better"}});
  wait_until([] { return state_of(1) == WorkerState::running; });
}

}  // namespace

// Instead of tests/support's: it looks, in the worker, and then lets the call go on, or refuses it.
extern "C" int takt_inject_fault(SystemCall call) noexcept {
  if (call != SystemCall::sched_setscheduler) return 0;
  // As any monitor could see it: this worker, which has not begun to serve.
  int created = 0;
  for (std::uint32_t worker = 0; worker < executor.worker_count(); ++worker) {
    if (executor.worker_stats(worker).thread_id.get() !=
        static_cast<std::uint64_t>(takt::platform::thread_id())) {
      continue;
    }
    created = state_of(worker) == WorkerState::created ? 1 : 0;
  }
  settling.created.fetch_add(created);
  settling.others.fetch_add(1 - created);
  return settling.refusal.load();
}
