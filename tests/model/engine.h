// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_ENGINE_H_
#define TAKT_TESTS_MODEL_ENGINE_H_

#include <atomic>
#include <bitset>
#include <cstdint>
#include <string_view>

#include "takt/platform/time.h"
#include "takt/tests/model/memory.h"
#include "takt/tests/model/mutant.h"
#include "takt/tests/model/operation.h"
#include "takt/tests/model/options.h"
#include "takt/tests/model/recorder.h"
#include "takt/tests/model/report.h"
#include "takt/tests/model/scheduler.h"
#include "takt/tests/model/shadow_table.h"
#include "takt/tests/model/site_table.h"
#include "takt/tests/model/trail.h"

namespace takt::model {

/// How an atomic object names itself: where it is and which registration it had.
struct AtomicId {
  const void* address;
  std::uint32_t handle;
};

enum class PlainAccess : std::uint8_t { read, write, destroy };

/// The checker: joins the schedule, the memory and the trail. One per process; what models and
/// shipped code reach through ModelEnv, Variable and the functions of model.h.
class Engine {
 public:
  using Order = std::memory_order;

  static Engine& get() { return instance_; }

  // The search: explore.cc.
  /// Explores `body(argument)` until nothing is left or something failed.
  Report explore(const Options& options, void (*body)(void*), void* argument);
  /// Runs the one execution that `schedule` (Report::replay) describes, with its trace.
  Report replay(const Options& options, void (*body)(void*), void* argument,
                std::string_view schedule);
  /// The fault to apply from now on.
  void set_mutant(const Mutant& mutant) { mutant_ = mutant; }
  SiteTable& sites() { return sites_; }

  // Atomic objects. An access that does not happen before the destruction is a fault, even if it
  // is made earlier. The values are the objects' bits, zero-extended.
  std::uint32_t construct(void* address, std::uint64_t value);  // not const: it is written
  void destroy(AtomicId atomic);
  void name(AtomicId atomic, const char* text) { locate(atomic).name = text; }
  std::uint64_t load(AtomicId atomic, Order order, Where where);
  void store(AtomicId atomic, std::uint64_t value, Order order, Where where);
  /// The old value; the new one is computed from it and `operand`, cut to `mask`.
  std::uint64_t update(AtomicId atomic, Operation operation, std::uint64_t operand,
                       std::uint64_t mask, Order order, Where where);
  bool compare_exchange(AtomicId atomic, Operation operation, std::uint64_t& expected,
                        std::uint64_t desired, Order order, Order failure, Where where);
  void fence(Order order, Where where);

  // The kernel: kernel.cc.
  int wait(AtomicId word, std::uint32_t expected, TimePoint deadline, Where where);
  int wake(const void* word, int count, Where where);
  int requeue(AtomicId from, std::uint32_t expected, int wake, const void* to, int move,
              Where where);
  int lock_pi(AtomicId word, TimePoint deadline, Where where);
  int try_lock_pi(AtomicId word, Where where);
  int unlock_pi(AtomicId word, Where where);
  int wait_requeue_pi(AtomicId word, std::uint32_t expected, TimePoint deadline, AtomicId mutex,
                      Where where);
  int requeue_pi(const void* from, std::uint32_t expected, int move, const void* mutex,
                 Where where);
  std::uint32_t thread_id() const { return id_of(scheduler_.running()); }
  TimePoint now(Where where);
  void pause() { scheduler_.pause(); }
  void advance_clock(TimePoint time, Where where);

  // Plain variables.
  void plain_access(const void* address, const char* name, PlainAccess access);

  // The model's body.
  void start_thread(void (*entry)(void*), void* argument);
  void run_threads();
  Scheduler& scheduler() { return scheduler_; }
  Memory& memory() { return memory_; }

 private:
  using Candidates = Memory::Candidates;

  Engine() : scheduler_(trail_) {}

  std::string schedule() const;
  bool load_schedule(std::string_view text);
  Scheduler::Ending execute(const Options& options, void (*body)(void*), void* argument);
  void tally(Report& report, const Options& options, Scheduler::Ending ending);

  static std::uint32_t id_of(int thread) { return 100U + static_cast<std::uint32_t>(thread); }
  int enter(Operation operation, Where where, Order order, Order failure, const Intent& intent);
  Location& locate(AtomicId atomic);
  Location* living_at(const void* address);
  ClockVector known_to_destroyer();
  int index_of(const Location& location) const;
  Order effective(int site, Order order) const {
    return mutant_.kind == Mutant::Kind::order && mutant_.site == site ? mutant_.to : order;
  }
  Order effective_failure(int site, Order order) const {
    return mutant_.kind == Mutant::Kind::failure_order && mutant_.site == site ? mutant_.to : order;
  }
  bool dropped(int site) const {
    return mutant_.kind == Mutant::Kind::drop_wake && mutant_.site == site;
  }
  StoreId choose(const Location& location, const Candidates& candidates);
  void note_write(int index);
  void account_reading(const Location& location, StoreId store);
  void account_placing(const Location& location, StoreId after);

  // kernel.cc
  std::uint32_t kernel_read(Location& word);
  void kernel_write(Location& word, std::uint32_t value);
  int sleepers(const void* address, ModelThread::Wait wait, int* threads) const;
  int take_sleeper(int* threads, int& count);
  bool acquire_pi(Location& word, int thread, int* error);
  void hand_over(Location& word, int thread, std::uint32_t value);
  int sleep(ModelThread::Wait wait, const void* address, const void* target, TimePoint deadline);
  void record_kernel(int site, const char* text, const void* word, int result);

  static Engine instance_;

  Trail trail_;
  Memory memory_;
  ShadowTable shadows_;
  SiteTable sites_;
  Recorder recorder_;
  Scheduler scheduler_;
  Mutant mutant_;
  /// Locations, by index, that some execution of this exploration writes while threads run. A load
  /// of any other needs no scheduling point: nobody can tell when it is made.
  std::bitset<kMaxLocations> written_;
  std::uint32_t generation_ = 0;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_ENGINE_H_
