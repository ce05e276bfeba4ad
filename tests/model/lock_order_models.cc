// SPDX-License-Identifier: Apache-2.0
// sync/lock_order.h: the last one that a cycle of waits needs finds it, whoever that is; where
// there is none, nobody does.
#include "takt/sync/lock_order.h"

#include <cstddef>
#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace takt::model {
namespace {

struct World;
World* world = nullptr;

/// Where the threads of a model keep what they hold and wait for: in its World.
struct ModelRegistry {
  using Env = ModelEnv;
  static detail::HeldLocks<Env>& held() noexcept;
  static detail::LockWaits<ModelRegistry>& waits() noexcept;
  static void report(detail::CallSite site, const char* text) noexcept;
};

using Lock = Ranked<BasicMutex<ModelEnv>, ModelRegistry>;

/// A thread that finds a cycle would abort. Here it gives up the lock that it holds, so that the
/// others go on; a cycle that nobody finds is a deadlock, which the checker finds.
struct World {
  struct Thread {
    detail::HeldLocks<ModelEnv> held;
    Lock* gives_up = nullptr;
    bool reported = false;
  };

  World() { world = this; }
  Thread& self() noexcept { return threads[ModelEnv::thread_id() % kThreads]; }
  [[nodiscard]] int reports() const {
    int sum = 0;
    for (const Thread& thread : threads) sum += thread.reported ? 1 : 0;
    return sum;
  }

  static constexpr std::size_t kThreads = 8;
  detail::LockWaits<ModelRegistry> waits;
  Thread threads[kThreads];
};

detail::HeldLocks<ModelEnv>& ModelRegistry::held() noexcept { return world->self().held; }
detail::LockWaits<ModelRegistry>& ModelRegistry::waits() noexcept { return world->waits; }
void ModelRegistry::report(detail::CallSite, const char*) noexcept {
  World::Thread& self = world->self();
  require(!self.reported && self.gives_up != nullptr, "reported once, by who holds a lock");
  self.reported = true;
  self.gives_up->unlock();
}

void lock_both(Lock& first, Lock& second) {
  first.lock();
  world->self().gives_up = &first;
  second.lock();
  second.unlock();
  if (!world->self().reported) first.unlock();
}

void require_free(Lock& lock) {
  require(lock.try_lock(), "free at the end");
  lock.unlock();
}

void a_cycle_of_two() {
  World here;
  Lock left("left");
  Lock right("right");
  concurrently([&] { lock_both(left, right); }, [&] { lock_both(right, left); });
  require(here.reports() <= 1, "one finds it");
  require_free(left);
  require_free(right);
}

void a_cycle_after_a_hand_over() {
  // The new owner of the left one is known, however late the old one is.
  World here;
  Lock left("left");
  Lock right("right");
  concurrently(
      [&] {
        left.lock();
        left.unlock();
        lock_both(right, left);
      },
      [&] { lock_both(left, right); });
  require(here.reports() <= 1, "one finds it");
  require_free(left);
  require_free(right);
}

void a_cycle_of_three() {
  World here;
  Lock first("first");
  Lock second("second");
  Lock third("third");
  concurrently([&] { lock_both(first, second); }, [&] { lock_both(second, third); },
               [&] { lock_both(third, first); });
  require(here.reports() <= 1, "one finds it");
  require_free(first);
  require_free(second);
  require_free(third);
}

void a_cycle_beside_a_third() {
  // Who comes and goes beside the two is in their way, and not to blame.
  World here;
  Lock left("left");
  Lock right("right");
  concurrently([&] { lock_both(left, right); }, [&] { lock_both(right, left); },
               [&] {
                 left.lock();
                 left.unlock();
               });
  require(here.reports() <= 1 && !here.threads[103 % World::kThreads].reported, "one of the two");
  require_free(left);
  require_free(right);
}

void no_cycle_in_one_order() {
  World here;
  Lock left("left");
  Lock right("right");
  concurrently([&] { lock_both(left, right); }, [&] { lock_both(left, right); },
               [&] {
                 right.lock();
                 right.unlock();
               });
  require(here.reports() == 0, "there is no cycle");
}

void no_cycle_one_after_the_other() {
  // The second takes the locks the other way round, when the first wants none any more.
  World here;
  Lock left("left");
  Lock right("right");
  ModelEnv::Word passed(0);
  concurrently(
      [&] {
        left.lock();
        right.lock();
        right.unlock();
        passed.store(1, std::memory_order_release);
        left.unlock();
      },
      [&] {
        right.lock();
        right.unlock();
        if (passed.load(std::memory_order_acquire) != 0) lock_both(right, left);
      });
  require(here.reports() == 0, "there is no cycle");
}

constexpr Options kTwo{.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0};
constexpr Options kOne{.preemptions = 1, .spurious_wakes = 0, .stale_rereads = 0, .reorderings = 0};

const Model kModels[] = {
    {"lock order: a cycle of two", a_cycle_of_two, kTwo, 810},
    {"lock order: a cycle after a hand-over", a_cycle_after_a_hand_over, kTwo, 3'800},
    {"lock order: no cycle one after the other", no_cycle_one_after_the_other, kTwo, 810},
    {"lock order: a cycle beside a third", a_cycle_beside_a_third, kOne, 45'000},
    {"lock order: no cycle in one order", no_cycle_in_one_order, kOne, 11'500},
    {"lock order: a cycle of three", a_cycle_of_three, kOne, 12'500},
};

const ModelSet kSet(kModels, {"sync/lock_order.h"});

}  // namespace
}  // namespace takt::model
