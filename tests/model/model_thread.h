// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_MODEL_THREAD_H_
#define TAKT_TESTS_MODEL_MODEL_THREAD_H_

#include <cstdint>

#include "takt/platform/time.h"
#include "takt/tests/model/fiber.h"

namespace takt::model {

/// What a thread's next step touches; what the reduction knows of it.
struct Intent {
  const void* address = nullptr;
  const void* second = nullptr;  ///< of a requeue
  bool writes = false;

  bool touches(const void* other) const {
    return other != nullptr && (other == address || other == second);
  }
  /// Whether the two steps, of different threads, lead to the same state in either order.
  bool commutes_with(const Intent& other) const {
    if (!writes && !other.writes) return true;
    return !touches(other.address) && !touches(other.second);
  }
};

/// One thread of a model.
///
///   runnable --wait--> blocked --wake, time-out, spurious--> runnable --end--> finished
///   runnable --freeze--> frozen
struct ModelThread {
  enum class State : std::uint8_t { runnable, blocked, finished, frozen };
  /// How it sleeps: on a futex, on one to be requeued to a PI futex, or for a PI futex.
  enum class Wait : std::uint8_t { none, futex, requeue, lock };

  Fiber fiber;
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;

  State state = State::finished;
  bool paused = false;       ///< steps aside until another thread has made a step
  std::uint32_t unseen = 0;  ///< steps without a scheduling point
  Intent intent;

  Wait wait = Wait::none;
  const void* address = nullptr;  ///< of the word it sleeps on
  const void* target = nullptr;   ///< of the PI futex that a requeue moves it to
  TimePoint deadline = kNever;
  int result = 0;  ///< what the futex call will return

  // What is left of the bounds of Options.
  int spurious_wakes = 0;
  int weak_failures = 0;
  int stale_rereads = 0;
  int reorderings = 0;
  int early_timeouts = 0;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_MODEL_THREAD_H_
