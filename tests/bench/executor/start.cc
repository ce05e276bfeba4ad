// SPDX-License-Identifier: Apache-2.0
// From before start() to the first instruction of the first job, four workers; beside four bare
// threads. Both prepare, lock and prefault their stacks, pin themselves and take their priority.
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "takt/platform/futex.h"
#include "takt/platform/memory.h"
#include "takt/platform/stack.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr std::size_t kWorkers = 4;
constexpr int kSamples = 40;
constexpr std::size_t kStackBytes = kDefaultStackBytes;

std::int64_t start_takt() {
  using Contestant =
      StaticExecutor<ExecutorLimits{.workers = kWorkers, .stack_bytes = kStackBytes}>;
  alignas(Contestant) static std::array<std::byte, sizeof(Contestant)> storage;
  auto* executor = std::construct_at(static_cast<Contestant*>(static_cast<void*>(storage.data())));
  std::array<WorkerConfig, kWorkers> workers;
  for (std::size_t i = 0; i < kWorkers; ++i) workers[i] = worker_at({i, kPriority});
  std::atomic<std::int64_t> arrival{0};
  const std::int64_t begin = to_ns(now());
  {
    const Running runs(*executor, workers, true);
    const Status posted = executor->post([&arrival] { arrival.store(to_ns(now())); });
    TAKT_CHECK(posted.ok(), posted.text());
  }
  std::destroy_at(executor);
  return arrival.load() - begin;
}

/// Four threads without an executor.
class BareThreads {
 public:
  /// To the first instruction of the last thread or, with `hand_over`, once all of them sleep, to
  /// that of the first job that one is woken for: what a pool's users wait for.
  std::int64_t start(bool hand_over) {
    const std::int64_t begin = to_ns(now());
    for (std::size_t i = 0; i < kWorkers; ++i) create(i);
    await_settled();
    if (hand_over) send(kJob, 1);
    await([&] { return !hand_over || job_.load() != 0; });
    send(kEnd, kWorkers);
    for (std::size_t i = 0; i < kWorkers; ++i) end(i);
    if (hand_over) return job_.load() - begin;
    std::int64_t last = 0;
    for (const Thread& thread : threads_) last = std::max(last, thread.first_instruction);
    return last - begin;
  }

 private:
  static constexpr std::uint32_t kNothing = 0;
  static constexpr std::uint32_t kJob = 1;
  static constexpr std::uint32_t kEnd = 2;
  static constexpr std::size_t kStride = kStackBytes + platform::kLargestPage;
  static constexpr auto kScope = platform::FutexScope::process_private;

  struct Thread {
    BareThreads* all;
    std::size_t slot;
    pthread_t handle;
    std::int64_t first_instruction;
  };

  static std::span<std::byte> stack_of(std::size_t number) {
    alignas(platform::kLargestPage) static std::array<std::byte, kWorkers * kStride> stacks;
    return std::span(stacks).subspan(number * kStride, kStride);
  }

  void create(std::size_t number) {
    const std::span<std::byte> stack = stack_of(number);
    TAKT_CHECK(platform::prepare_stack(stack).ok(), "benchmark: no stack");
    const std::span<std::byte> usable = platform::usable_stack(stack);
    if (!platform::lock_memory(usable).ok()) platform::prefault(usable);
    Thread& thread = threads_[number];
    thread = {this, number, {}, 0};
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, usable.data(), usable.size());
    TAKT_CHECK(::pthread_create(&thread.handle, &attributes, &BareThreads::run, &thread) == 0,
               "benchmark: no thread");
    ::pthread_attr_destroy(&attributes);
  }

  static void* run(void* argument) {
    auto& self = *static_cast<Thread*>(argument);
    platform::set_timer_slack(Duration(1));
    const bool settled = platform::set_affinity(CpuSet::of(cpu_of(self.slot))).ok() &&
                         platform::set_scheduling(scheduling_of(kPriority)).ok();
    self.first_instruction = to_ns(now());
    TAKT_CHECK(settled, "benchmark: a bare thread was refused its place");
    self.all->serve();
    return nullptr;
  }

  void serve() {
    if (settled_.fetch_add(1) + 1 == kWorkers) platform::futex_wake(settled_, 1, kScope);
    for (;;) {
      std::uint32_t seen = word_.load();
      if (seen == kEnd) return;
      if (seen == kNothing) {
        platform::futex_wait(word_, kNothing, kNever, kScope);
      } else if (word_.compare_exchange_strong(seen, kNothing)) {
        job_.store(to_ns(now()));
      }
    }
  }

  void await_settled() {
    for (std::uint32_t seen = settled_; seen != kWorkers; seen = settled_) {
      platform::futex_wait(settled_, seen, kNever, kScope);
    }
  }

  void send(std::uint32_t what, int threads) {
    word_.store(what);
    platform::futex_wake(word_, threads, kScope);
  }

  void end(std::size_t number) {
    ::pthread_join(threads_[number].handle, nullptr);
    static_cast<void>(platform::unlock_memory(platform::usable_stack(stack_of(number))));
    TAKT_CHECK(platform::release_stack(stack_of(number)).ok(), "benchmark: a stack stays guarded");
  }

  std::array<Thread, kWorkers> threads_{};
  platform::FutexWord settled_{0};
  platform::FutexWord word_{kNothing};
  std::atomic<std::int64_t> job_{0};
};

std::int64_t start_bare(bool hand_over) {
  BareThreads threads;
  return threads.start(hand_over);
}

}  // namespace

void start_rows(Suite& suite) {
  const char* row = "start to first job, 4 workers";
  if (!suite.wants(row)) return;
  const std::string all_run = "4 bare threads, all run";
  const std::string job = "4 bare threads, one woken for a job";
  suite.latency(row, {{all_run, {}, {}}, {job, {}, {}}, {"takt", {{all_run, 1.3}, {job, 1.3}}, {}}},
                [](std::span<Samples> all) {
                  const PinnedThread starter({0, kPriority}, [&] {
                    alternate(kSamples, all, [](std::size_t contestant) {
                      return contestant == 2 ? start_takt() : start_bare(contestant == 1);
                    });
                  });
                });
}

}  // namespace takt::bench
