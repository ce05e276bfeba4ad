// SPDX-License-Identifier: Apache-2.0
// Callable and result of a submitted job are each destroyed once, and its slot comes back, whatever
// ends the job and whenever its handle is dropped.
#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <utility>

#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::JobHandle;
using takt::JobState;
using takt::StopMode;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::Token;

constexpr std::uint32_t kSlots = 4;
takt::StaticExecutor<takt::ExecutorLimits{.jobs_per_lane = kSlots}> executor;

enum class Drop {
  before_it_begins,
  while_it_runs,
  after_its_end,
  after_its_result_was_taken,
};
constexpr const char* to_string(Drop drop) noexcept {
  constexpr const char* kNames[] = {"before_it_begins", "while_it_runs", "after_its_end",
                                    "after_its_result_was_taken"};
  return kNames[static_cast<int>(drop)];
}

enum class End { completes, throws, cancelled_by_handle, cancelled_by_stop };
constexpr const char* to_string(End end) noexcept {
  constexpr const char* kNames[] = {"completes", "throws", "cancelled_by_handle",
                                    "cancelled_by_stop"};
  return kNames[static_cast<int>(end)];
}

/// The living objects of one job.
struct Alive {
  std::atomic<int> callables{0};
  std::atomic<int> results{0};
};

/// Once the lane has run what waits, all of its slots can be had again.
void expect_all_slots_free() {
  Gate gate;
  ASSERT_OK(executor.post([&gate] { gate.pass(); }, {.priority = takt::Priority::low}));
  gate.wait_for_entries();
  std::uint32_t accepted = 0;
  while (executor.post([] {}).ok()) ++accepted;
  EXPECT_EQ(accepted, kSlots - 1);
  gate.open();
}

void drop_when(Drop when, JobHandle<Token>& job, Gate& running, Gate& holding) {
  if (when == Drop::before_it_begins) job.detach();
  holding.open();
  if (when == Drop::while_it_runs) {
    running.wait_for_entries();
    job.detach();
  }
  running.open();
  if (when == Drop::after_its_end) {
    takt::test::wait_until([&] { return job.state() >= JobState::completed; });
    job.detach();
  }
  if (when == Drop::after_its_result_was_taken) {
    static_cast<void>(job.wait());
    job.detach();
  }
}

struct RunCase {
  End end;
  Drop drop;
};
void describe(takt::test::Message& message, const RunCase& value) {
  message.append(to_string(value.end)).append("_dropped_").append(to_string(value.drop));
}
TEST_EACH(JobLifetime, of_a_job_that_runs,  //
          RunCase{End::completes, Drop::before_it_begins},
          RunCase{End::completes, Drop::while_it_runs},
          RunCase{End::completes, Drop::after_its_end},
          RunCase{End::completes, Drop::after_its_result_was_taken},
          RunCase{End::throws, Drop::before_it_begins}, RunCase{End::throws, Drop::while_it_runs},
          RunCase{End::throws, Drop::after_its_end},
          RunCase{End::throws, Drop::after_its_result_was_taken}) {
  Alive alive;
  const Running running(executor, {{.name = "worker"}});
  Gate holding;
  Gate gate;
  hold_worker(executor, holding);
  const bool throws = param.end == End::throws;
  auto job = executor.submit([&alive, &gate, throws, token = Token(alive.callables)] {
    Token result(alive.results);
    gate.pass();
    if (throws) throw std::runtime_error("wanted");
    return result;
  });
  ASSERT_OK(job);
  EXPECT_EQ(alive.callables.load(), 1);
  drop_when(param.drop, *job, gate, holding);
  expect_all_slots_free();
  EXPECT_EQ(alive.callables.load(), 0);
  EXPECT_EQ(alive.results.load(), 0);
}

struct CancelCase {
  End end;
  Drop drop;
};
void describe(takt::test::Message& message, const CancelCase& value) {
  message.append(to_string(value.end)).append("_dropped_").append(to_string(value.drop));
}
TEST_EACH(JobLifetime, of_a_job_that_never_runs,  //
          CancelCase{End::cancelled_by_handle, Drop::before_it_begins},
          CancelCase{End::cancelled_by_handle, Drop::after_its_end},
          CancelCase{End::cancelled_by_stop, Drop::before_it_begins},
          CancelCase{End::cancelled_by_stop, Drop::after_its_end}) {
  Alive alive;
  Gate holding;
  const takt::WorkerConfig workers[] = {{.name = "worker"}};
  ASSERT_OK(executor.start(workers, takt::test::kAnyMemory));
  hold_worker(executor, holding);
  auto job = executor.submit([&alive, token = Token(alive.callables)] {
    ADD_FAILURE("it was cancelled");
    return Token(alive.results);
  });
  ASSERT_OK(job);
  if (param.end == End::cancelled_by_handle) EXPECT_TRUE(job->cancel());
  if (param.drop == Drop::before_it_begins) job->detach();
  static_cast<void>(executor.stop(StopMode::cancel, 0ns));
  holding.open();
  ASSERT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(alive.callables.load(), 0);
  if (job->valid()) {
    EXPECT_EQ(job->state(), JobState::cancelled);
    job->detach();
  }
  const Running again(executor, {{.name = "worker"}});
  expect_all_slots_free();
  EXPECT_EQ(alive.callables.load(), 0);
  EXPECT_EQ(alive.results.load(), 0);
}

TEST(JobLifetime, a_result_that_was_taken_belongs_to_the_taker) {
  std::atomic<int> alive{0};
  const Running running(executor, {{.name = "worker"}});
  auto job = executor.submit([&alive] { return Token(alive); });
  ASSERT_OK(job);
  {
    const takt::Result<Token> result = job->wait();
    ASSERT_OK(result);
    EXPECT_TRUE(result->held());
    job->detach();
    EXPECT_EQ(alive.load(), 1);
  }
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
