// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SCHEDULER_H_
#define TAKT_TESTS_MODEL_SCHEDULER_H_

#include <cstdint>

#include "takt/tests/model/limits.h"
#include "takt/tests/model/model_thread.h"
#include "takt/tests/model/options.h"
#include "takt/tests/model/trail.h"

namespace takt::model {

/// Runs the threads of one execution as fibers, one step at a time.
///
/// A *step* is an atomic operation or a futex call together with the code up to the thread's next
/// one. A thread stops *before* each step (`arrive`), where the trail decides who goes on; so the
/// only scheduling points are those that can matter. A thread that another one's step woke runs up
/// to its own next step at once (`settle`): that code is invisible to the rest.
class Scheduler {
 public:
  enum class Ending : std::uint8_t { complete, pruned, truncated, failed, restart };

  explicit Scheduler(Trail& trail) : trail_(trail) {}

  /// Runs one execution: `body(argument)` on the main fiber. Returns how it ended.
  Ending execute(const Options& options, void (*body)(void*), void* argument);
  const char* failure() const { return failure_; }
  /// Whether a fiber of an execution is running.
  bool active() const { return active_; }

  // For the main fiber.
  int add(void (*entry)(void*), void* argument);
  /// Runs the added threads until each is finished or frozen.
  void run();

  // For the running fiber.
  int running() const { return running_; }
  ModelThread& self() { return threads_[running_]; }
  ModelThread& thread(int index) { return threads_[index]; }
  int threads() const { return thread_count_; }
  std::uint32_t steps() const { return steps_; }
  TimePoint clock() const { return clock_; }
  void set_clock(TimePoint time) { clock_ = time; }

  /// The next step is about to be made; returns when it is this thread's turn.
  void arrive(const Intent& intent);
  /// The next step is about to be made, and no other thread can tell when.
  void arrive_unseen() { count_step(); }
  /// Not for ever: a loop over such steps may wait for a write that others are yet to make.
  bool may_go_on_unseen() { return !self().paused && ++self().unseen % kUnseenInARow != 0; }
  /// Whether the body's threads run; else the main fiber is alone.
  bool concurrent() const { return phase_; }
  /// Sleeps until woken; returns the result given then. The caller has filled wait, address, ….
  int block();
  /// Ends `thread`'s sleep and lets it run up to its next step.
  void wake(int thread, int result);
  void pause();
  /// Gives this execution up.
  [[noreturn]] void abandon(Ending ending);
  [[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));

  /// How often each bounded freedom was used in this execution.
  struct Uses {
    std::uint32_t spurious_wakes = 0;
    std::uint32_t weak_failures = 0;
    std::uint32_t stale_reads = 0;
    std::uint32_t reorderings = 0;
    std::uint32_t timeouts = 0;
    std::uint32_t freezes = 0;
  };
  Uses& uses() { return uses_; }

  /// Called with what a sleeper was given when nobody woke it: for the trace.
  void (*on_unwoken)(int thread, int result) = nullptr;

 private:
  static void main_entry(void* self);
  static void thread_entry(void* self);
  void transfer(int next);
  void settle(int thread);
  void depart();
  int pick();
  int filter_sleeping(int* candidates, int count);
  void put_to_sleep(const int* candidates, int chosen);
  void end_sleep(int thread, bool early);
  bool spuriously(const ModelThread& thread) const;
  [[noreturn]] void deadlock();
  void count_step();

  static constexpr std::uint32_t kUnseenInARow = 64;

  Trail& trail_;
  Options options_;
  Ending ending_ = Ending::complete;
  int running_ = kMain;
  int settler_ = -1;  ///< who waits for the running thread to reach its next step, or -1
  int thread_count_ = 1;
  int first_of_phase_ = 1;
  int preemptions_ = 0;
  int freezes_ = 0;
  bool active_ = false;
  bool phase_ = false;          ///< threads run; else the main fiber is alone
  std::uint32_t sleeping_ = 0;  ///< the sleep set: threads whose next step is explored elsewhere
  std::uint32_t steps_ = 0;
  TimePoint clock_;
  Uses uses_;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  Fiber host_;
  ModelThread threads_[kMaxThreads];
  char failure_[640] = "";
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SCHEDULER_H_
