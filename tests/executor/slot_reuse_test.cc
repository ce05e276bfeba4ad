// SPDX-License-Identifier: Apache-2.0
// The slot of a task or a descriptor that was removed becomes another one's, in another lane, while
// somebody is still at it: who was too late leaves the new one alone.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/freezer.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/executor/token.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DescriptorState;
using takt::LaneId;
using takt::Readiness;
using takt::Result;
using takt::StatusCode;
using takt::TaskHandle;
using takt::TaskState;
using takt::test::Freezer;
using takt::test::Gate;
using takt::test::Pipe;
using takt::test::Running;
using takt::test::Token;
using takt::test::wait_until;

constexpr LaneId kFirst{0}, kSecond{1};
constexpr std::uint32_t kTasks = 128;
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 2, .lanes = 2, .tasks = kTasks, .timers = 1, .descriptors = 1}>
    executor;

/// Callable of a task or a descriptor: the end of the one that is called the last is held.
struct HeldAtItsEnd {
  HeldAtItsEnd(Gate& at_end, std::atomic<int>& alive) noexcept : gate(&at_end), token(alive) {}
  HeldAtItsEnd(HeldAtItsEnd&& other) noexcept = default;
  HeldAtItsEnd& operator=(HeldAtItsEnd&&) = delete;
  ~HeldAtItsEnd() {
    if (token.held()) gate->pass();
  }
  void operator()() const {}

  Gate* gate;
  Token token;
};

/// Two threads remove copies of `handle`; the second one comes while the first destroys the
/// callable, and has seen that it comes too late. Returns when `add_next()` got the slot.
template <class Handle, class AddNext>
void remove_twice(Handle handle, Gate& gate, const AddNext& add_next) {
  // relaxed: must not order the second one before the next owner of the slot, the mutex does.
  std::atomic<bool> refused{false};
  std::thread first([&handle] {
    Handle copy = handle;
    EXPECT_OK(copy.remove());
  });
  std::thread second([&, copy = handle]() mutable {
    gate.wait_for_entries();
    EXPECT_EQ(copy.remove().code(), StatusCode::failed_precondition);
    refused.store(true, std::memory_order_relaxed);
  });
  while (!refused.load(std::memory_order_relaxed)) ::sched_yield();
  gate.open();
  wait_until(add_next);
  first.join();
  second.join();
}

// Under tsan: what the second one read is ordered before what the new task's owner writes.
TEST(SlotReuse, a_second_remove_of_a_task_lets_go_before_the_next) {
  std::atomic<int> alive{0};
  Gate gate;
  Result<TaskHandle> old =
      executor.add_task({.name = "old", .lane = kFirst, .period = 1h}, HeldAtItsEnd(gate, alive));
  ASSERT_OK(old);
  Result<TaskHandle> next = *old;
  remove_twice(*old, gate, [&] {
    if (old->state() != TaskState::removed) return false;
    next = executor.add_task({.name = "next", .lane = kSecond, .period = 1h},
                             [token = Token(alive)] { static_cast<void>(token); });
    return true;
  });
  ASSERT_OK(next);
  EXPECT_TRUE(next->state() == TaskState::active);
  EXPECT_EQ(alive.load(), 1);
  EXPECT_OK(next->remove());
  EXPECT_EQ(alive.load(), 0);
}

TEST(SlotReuse, a_second_remove_of_a_descriptor_lets_go_before_the_next) {
  std::atomic<int> alive{0};
  Gate gate;
  const Pipe pipe;
  auto old = executor.watch(kFirst, pipe.here, Readiness::readable, HeldAtItsEnd(gate, alive));
  ASSERT_OK(old);
  auto next = old;
  remove_twice(*old, gate, [&] {
    if (old->state() != DescriptorState::removed) return false;
    next = executor.watch(kSecond, pipe.here, Readiness::readable,
                          [token = Token(alive)] { static_cast<void>(token); });
    return true;
  });
  ASSERT_OK(next);
  EXPECT_TRUE(next->state() == DescriptorState::active);
  EXPECT_EQ(alive.load(), 1);
  EXPECT_OK(next->remove());
  EXPECT_EQ(alive.load(), 0);
}

/// A thread that pauses and resumes the first lane until it is told to end; then it is resumed.
class Toggler {
 public:
  Toggler() : thread_([this] { toggle(); }) {
    wait_until([this] { return id_.load() != 0; });
  }
  ~Toggler() {
    over_.store(true);
    thread_.join();
  }
  Toggler(const Toggler&) = delete;
  Toggler& operator=(const Toggler&) = delete;
  [[nodiscard]] pid_t id() const { return id_.load(); }

 private:
  void toggle() {
    id_.store(::gettid());
    while (!over_.load()) {
      EXPECT_OK(executor.pause(kFirst));
      EXPECT_OK(executor.resume(kFirst));
    }
  }

  std::atomic<pid_t> id_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

/// Fills all slots with tasks of `lane`, whose jobs say where they run.
std::vector<TaskHandle> fill(LaneId lane, takt::Duration period, std::atomic<int>& astray) {
  std::vector<TaskHandle> tasks;
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    auto task = executor.add_task({.name = "task", .lane = lane, .period = period}, [&astray] {
      if (::gettid() == static_cast<pid_t>(executor.worker_stats(0).thread_id.get())) ++astray;
    });
    if (EXPECT_OK(task)) tasks.push_back(*task);
  }
  return tasks;
}

void remove_all(std::vector<TaskHandle>& tasks) {
  for (TaskHandle& task : tasks) EXPECT_OK(task.remove());
}

// resume() stops somewhere on its way through the slots that were its lane's; meanwhile all of them
// become another lane's.
TEST(SlotReuse, resume_leaves_tasks_of_another_lane_alone) {
  if (takt::test::kThreadSanitizer) SKIP("a thread that stops inside of tsan's runtime stops all");
  const int rounds = takt::test::time_scale() > 5 ? 3 : 15;
  const Freezer freezer;
  std::atomic<int> astray{0};
  int refused = 0;
  const Running running(executor,
                        {{.name = "first", .lane = kFirst}, {.name = "second", .lane = kSecond}});
  for (int round = 0; round < rounds && refused == 0 && astray.load() == 0; ++round) {
    std::vector<TaskHandle> tasks = fill(kFirst, 1h, astray);
    remove_all(tasks);
    {
      const Toggler toggler;
      refused = freezer.freeze(toggler.id());
      tasks = fill(kSecond, 100us, astray);
      if (refused == 0) freezer.thaw();
    }
    // What the first lane took for its own it has released before this.
    std::atomic<bool> later{false};
    EXPECT_OK(executor.post_after(200us, [&later] { later.store(true); },
                                  {.lane = kFirst, .priority = takt::Priority::low}));
    wait_until([&later] { return later.load(); });
    remove_all(tasks);
  }
  EXPECT_EQ(astray.load(), 0);
  if (refused != 0) SKIP("ptrace is refused here, errno %d", refused);
}

}  // namespace
