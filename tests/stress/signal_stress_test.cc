// SPDX-License-Identifier: Apache-2.0
// A storm of signals whose handler lets system calls end with EINTR: waits go on, workers never see
// one.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/thread_id.h"
#include "takt/sync/latch.h"
#include "takt/sync/mutex.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/stress/steps.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::StatusCode;
using takt::StopMode;
using takt::platform::thread_id;
using takt::test::kPatience;
using takt::test::Running;

takt::StaticExecutor<takt::ExecutorLimits{.workers = 2}> executor;

std::atomic<std::uint32_t> delivered{0};
std::atomic<std::uint32_t> delivered_to_worker{0};
std::array<std::atomic<std::int32_t>, 2> worker_ids{};

void on_signal(int /*signal*/) {
  delivered.fetch_add(1);
  for (const auto& id : worker_ids) {
    if (id.load() == ::gettid()) delivered_to_worker.fetch_add(1);
  }
}

void handle_without_restart() {
  struct sigaction action {};
  action.sa_handler = on_signal;  // sa_flags: no SA_RESTART
  ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
}

/// Sends signals to these threads without pause for as long as it lives.
template <std::size_t kCount>
class Storm {
 public:
  explicit Storm(const std::array<std::int32_t, kCount>& threads)
      : threads_(threads), thread_([this] { rage(); }) {}
  ~Storm() {
    over_.store(true);
    thread_.join();
  }

 private:
  void rage() {
    while (!over_.load()) {
      for (const std::int32_t id : threads_) ::syscall(SYS_tgkill, ::getpid(), id, SIGUSR1);
      ::sched_yield();
    }
  }

  std::array<std::int32_t, kCount> threads_;
  std::atomic<bool> over_{false};
  std::thread thread_;  // last: it uses the above
};

TEST(SignalStress, waits_for_jobs_go_on_and_workers_see_none) {
  handle_without_restart();
  std::uint64_t ticks = 0;
  ASSERT_OK(executor.add_task({.name = "tick", .period = 1ms}, [&ticks] { ++ticks; }));
  const Running running(executor, {{.name = "one"}, {.name = "two"}});
  for (std::uint32_t worker = 0; worker < 2; ++worker) {
    worker_ids[worker].store(
        static_cast<std::int32_t>(executor.worker_stats(worker).thread_id.get()));
  }
  const Storm<3> storm({thread_id(), worker_ids[0].load(), worker_ids[1].load()});
  for (std::uint32_t i = 0; i < takt::test::steps(5'000) || delivered.load() < 100; ++i) {
    auto job = executor.submit([i] { return i; });
    ASSERT_OK(job);
    EXPECT_EQ(*job->wait(), i);
  }
  auto slow = executor.submit([](const takt::JobContext& job) {
    while (!job.stop_requested()) ::sched_yield();
  });
  ASSERT_OK(slow);
  const takt::TimePoint start = takt::now();
  EXPECT_EQ(slow->wait_for(20ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 20ms);
  EXPECT_EQ(executor.stop(StopMode::drain, 20ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 40ms);
  EXPECT_OK(executor.stop(StopMode::cancel, kPatience));
  EXPECT_EQ(ticks, executor.task(0).stats().completed.get());
  EXPECT_EQ(delivered_to_worker.load(), 0);
}

TEST(SignalStress, sleeps_locks_and_latches_go_on) {
  handle_without_restart();
  const Storm<1> storm({thread_id()});
  takt::Mutex mutex;
  takt::Latch never(1);
  for (std::uint32_t i = 0; i < takt::test::steps(200) || delivered.load() < 100; ++i) {
    const takt::TimePoint start = takt::now();
    EXPECT_EQ(never.wait_for(200us).code(), StatusCode::timed_out);
    EXPECT_GE(takt::now(), start + 200us);
    takt::Latch held(1);
    takt::Latch release(1);
    std::thread holder([&]() TAKT_NO_THREAD_SAFETY_ANALYSIS {
      mutex.lock();
      held.count_down();
      release.wait();
      mutex.unlock();
    });
    held.wait();
    const takt::TimePoint locking = takt::now();
    EXPECT_FALSE(mutex.try_lock_for(200us));
    EXPECT_GE(takt::now(), locking + 200us);
    release.count_down();
    mutex.lock();
    mutex.unlock();
    holder.join();
  }
}

}  // namespace
