// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_SEMAPHORE_H_
#define TAKT_SYNC_SEMAPHORE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/permit_word.h"

// One word with the permits and the number of waiters; its state machine: permit_word.h.
// Destruction: release()'s last touch is the RMW that brings the permits, so that who acquired last
// may destroy the semaphore while release() still wakes.

namespace takt::inline v0 {

/// Permits that threads take and give back. As std::counting_semaphore, with a bound that does not
/// depend on a template parameter. Waiters are woken by priority, then in order of arrival; a
/// thread that has not waited may take a permit before one that was woken. At most 4095 threads
/// may wait at a time (else aborts).
template <class Env>
class BasicSemaphore {
  using Word = detail::PermitWord<Env, 20>;

 public:
  /// The most permits there can be at a time.
  static constexpr std::ptrdiff_t max() noexcept { return Word::kMax; }

  /// Begins with `desired` permits, 0 to max() (else aborts).
  constexpr explicit BasicSemaphore(std::ptrdiff_t desired) noexcept
      : word_(static_cast<std::uint32_t>(desired)) {
    TAKT_CHECK(desired >= 0 && desired <= max(), "Semaphore: permits out of range");
  }
  BasicSemaphore(const BasicSemaphore&) = delete;
  BasicSemaphore& operator=(const BasicSemaphore&) = delete;

  /// Adds `update` permits and wakes as many waiters: release(1) wakes one.
  /// Blocks: no. Bound: wait-free, plus one system call when somebody waits. Callable from: any
  /// thread, signal handlers included. There must be no more than max() permits then (else aborts).
  void release(std::ptrdiff_t update = 1) noexcept {
    TAKT_CHECK(update >= 0 && update <= max(), "Semaphore: update out of range");
    TAKT_CHECK(word_.add(static_cast<std::uint32_t>(update)), "Semaphore: released above max()");
  }

  /// Takes a permit. Blocks: until there is one. Callable from: any thread.
  void acquire() noexcept { static_cast<void>(try_acquire() || word_.take_until(kNever)); }

  /// Takes a permit if there is one; never fails while there is. Returns whether it did.
  /// Blocks: no. Bound: lock-free. Callable from: any thread, signal handlers included.
  bool try_acquire() noexcept { return word_.try_take(); }

  /// Takes a permit unless `deadline` passes first; any clock. Returns whether it did. A permit
  /// that is there is taken even when the deadline has passed.
  /// Blocks: until there is one or the deadline. Callable from: any thread.
  template <class OtherClock, class OtherDuration>
  bool try_acquire_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    return try_acquire() ||
           detail::attempt_until(deadline, [this](TimePoint at) { return word_.take_until(at); });
  }

  /// Takes a permit unless `timeout` passes first. As try_acquire_until.
  template <class Rep, class Period>
  bool try_acquire_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return try_acquire() || try_acquire_until(deadline_after(timeout));
  }

 private:
  Word word_;
};

using Semaphore = BasicSemaphore<ThreadEnv>;
using ProcessSemaphore = BasicSemaphore<ProcessEnv>;
static_assert(sizeof(Semaphore) <= 8);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_SEMAPHORE_H_
