// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_ENV_H_
#define TAKT_TESTS_MODEL_ENV_H_

#include <cstdint>

#include "takt/platform/time.h"
#include "takt/tests/model/atomic.h"
#include "takt/tests/model/engine.h"

namespace takt::model {

/// The third Env of sync/env.h: the shipped templates run under it as they are, inside the body of
/// a model. Each call takes the caller's place in the source by default arguments.
struct ModelEnv {
  template <class T>
  using Atomic = model::Atomic<T>;
  using Word = Atomic<std::uint32_t>;

  static int wait(const Word& word, std::uint32_t expected, TimePoint deadline,
                  const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return Engine::get().wait(word.id(), expected, deadline, {file, line});
  }
  static int wake(const Word& word, int count, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) noexcept {
    return Engine::get().wake(&word, count, {file, line});  // the address only: it may be gone
  }
  static int requeue(const Word& from, std::uint32_t expected, int wake, const Word& to, int move,
                     const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return Engine::get().requeue(from.id(), expected, wake, &to, move, {file, line});
  }
  static int lock_pi(Word& word, TimePoint deadline, const char* file = __builtin_FILE(),
                     int line = __builtin_LINE()) noexcept {
    return Engine::get().lock_pi(word.id(), deadline, {file, line});
  }
  static int try_lock_pi(Word& word, const char* file = __builtin_FILE(),
                         int line = __builtin_LINE()) noexcept {
    return Engine::get().try_lock_pi(word.id(), {file, line});
  }
  static int unlock_pi(Word& word, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) noexcept {
    return Engine::get().unlock_pi(word.id(), {file, line});
  }
  static int wait_requeue_pi(const Word& word, std::uint32_t expected, TimePoint deadline,
                             Word& mutex, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) noexcept {
    return Engine::get().wait_requeue_pi(word.id(), expected, deadline, mutex.id(), {file, line});
  }
  static int requeue_pi(const Word& from, std::uint32_t expected, int move, Word& mutex,
                        const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return Engine::get().requeue_pi(&from, expected, move, &mutex, {file, line});  // as wake()
  }
  static std::uint32_t thread_id() noexcept { return Engine::get().thread_id(); }
  static std::int32_t fixed_priority() noexcept { return 0; }
  static TimePoint now(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept {
    return Engine::get().now({file, line});
  }
  static void pause() noexcept { Engine::get().pause(); }

  /// Not in sync/env.h: no shipped code uses fences. For the checker's own litmus tests.
  static void fence(std::memory_order order, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) noexcept {
    Engine::get().fence(order, {file, line});
  }
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_ENV_H_
