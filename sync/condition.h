// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_CONDITION_H_
#define TAKT_SYNC_CONDITION_H_

#include <atomic>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <condition_variable>  // std::cv_status
#include <cstdint>
#include <type_traits>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/time.h"
#include "takt/sync/annotations.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/mutex.h"

// Each waiter sleeps on a word of its own stack (Waiter::state), from which the kernel moves it to
// the PI futex of its mutex (FUTEX_CMP_REQUEUE_PI): there it lends its priority to the owner, and
// it wakes as the owner. Under lock_: the list of the waiters that are not notified, by priority,
// then by arrival, and waiters_. Order of locks: the waiters' mutex, then lock_, which nobody waits
// in.
//
//   state     kWaiting: set by the waiter. kNotified: set by the CAS of a notify, which takes the
//             waiter off the list. kLeaving: set by the waiter's exchange after its sleep; who
//             finds it did not get a notification that came before, and takes itself off the list.
//             A stale kWaiting is legal for the waiter, who sleeps again by a compare with the
//             newest.
//   waiters_  bits 0-30: how many are on the list. Written under lock_, read by a notify without:
//             a stale 0 is legal unless the waiter's unlock of the mutex happens before the notify.
//             bit 31, kClosing: the destructor sleeps until the last waiter has left.
//
//   [kWaiting, on the list] --notify: CAS--> [kNotified, off the list] --requeue--> owner, returns
//               |                                    '--too late, it was awake--> locks, returns
//               '--time-out: exchange--> [kLeaving] --off the list--> locks, returns: timeout
//
// Invariant: a waiter is on the list from before it unlocks the mutex until it is notified or has
// left, so each notification takes one waiter off that will say so: none is lost to a time-out, a
// signal or to a waiter that comes later.
// Destruction: a waiter that was notified touches its own stack and the mutex only. One that gives
// up touches the condition before it locks the mutex; the destructor lets it pass. The notifier
// touches the waiter by its address only once it is notified: the kernel compares the word first,
// and does nothing where nobody is queued.

namespace takt::inline v0 {

/// Lets threads wait, with a Mutex unlocked meanwhile, until another thread tells them to look
/// again. As std::condition_variable_any: `lock` is a Mutex, a std::unique_lock<Mutex> or a
/// LockGuard<Mutex>, Mutex or Ranked<Mutex>, held by the caller (kWaitsWith); all who wait at a
/// time use one mutex (else aborts). Waiters inherit: who is notified while the mutex is held lends
/// its priority to the owner.
template <class Env>
class BasicCondition {
  using Mutex = BasicMutex<Env>;

  /// What `lock` holds: a lock says so by mutex(), a Mutex is it.
  template <class Lock>
  static auto& held_by(Lock& lock) noexcept {
    if constexpr (requires { lock.mutex(); }) {
      return *lock.mutex();
    } else {
      return lock;
    }
  }
  /// A wrapper that keeps books on who holds the mutex in it, as Ranked.
  template <class Held>
  static constexpr bool kIsWrapper = requires(Held& held) {
    { held.begin_wait() } -> std::same_as<Mutex&>;
    held.end_wait();
  };
  template <class Held>
  static constexpr bool kIsMutex = std::is_same_v<Held, Mutex> || kIsWrapper<Held>;

 public:
  /// Whether one can wait with a `Lock`.
  template <class Lock>
  static constexpr bool kWaitsWith =
      kIsMutex<std::remove_reference_t<decltype(held_by(std::declval<Lock&>()))>>;

  constexpr BasicCondition() noexcept = default;
  BasicCondition(const BasicCondition&) = delete;
  BasicCondition& operator=(const BasicCondition&) = delete;

  /// Nobody may wait that was not notified (else aborts). Blocks: while a waiter that has timed out
  /// takes itself off the list; never for the mutex. Callable from: any thread, with the mutex held
  /// or not, also right after the notify.
  ~BasicCondition() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock_.lock();
    while (first_ != nullptr) wait_for_leavers();
    lock_.unlock();
  }

  /// Notifies the waiter of highest priority (see platform::fixed_priority), of equal ones the
  /// first. Blocks: no, but for others' short use of the list. Bound: O(waiters that time out just
  /// now), plus one system call when somebody waits. Callable from: any thread, with the mutex held
  /// or not; not from a signal handler.
  void notify_one() noexcept { notify(1); }

  /// Notifies all who wait. They get the mutex one by one, by priority. As notify_one(). Bound:
  /// O(waiters) system calls.
  void notify_all() noexcept { notify(kMost); }

  /// Unlocks, waits, locks again. Blocks: until notified and the mutex is had. It does not return
  /// for any other reason. Callable from: the owner of the mutex (else aborts).
  template <class Lock>
  void wait(Lock& lock) noexcept {
    static_cast<void>(unlock_and_wait(lock, kNever));
  }

  /// Waits until `predicate()`, which is called with the mutex held, is true.
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate predicate) {
    while (!predicate()) wait(lock);
  }

  /// As wait(), at most until `deadline`, of any clock; the mutex is waited for without a limit.
  /// std::cv_status::timeout only if no notification was used up.
  template <class Lock, class OtherClock, class OtherDuration>
  std::cv_status wait_until(
      Lock& lock, const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    return unlock_and_wait(lock, deadline) ? std::cv_status::no_timeout : std::cv_status::timeout;
  }

  /// Waits until `predicate()` is true or `deadline` passes. Returns what the predicate said last.
  template <class Lock, class OtherClock, class OtherDuration, class Predicate>
  bool wait_until(Lock& lock, const std::chrono::time_point<OtherClock, OtherDuration>& deadline,
                  Predicate predicate) {
    while (!predicate()) {
      if (wait_until(lock, deadline) == std::cv_status::timeout) return predicate();
    }
    return true;
  }

  /// As wait_until(), for `timeout` from now.
  template <class Lock, class Rep, class Period>
  std::cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return wait_until(lock, deadline_after(timeout));
  }
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& timeout,
                Predicate predicate) {
    return wait_until(lock, deadline_after(timeout), predicate);
  }

 private:
  using Word = typename Env::Word;

  // Waiter::state
  static constexpr std::uint32_t kWaiting = 0;
  static constexpr std::uint32_t kNotified = 1;
  static constexpr std::uint32_t kLeaving = 2;

  static constexpr std::uint32_t kClosing = 0x8000'0000U;
  static constexpr std::uint32_t kMost = kClosing - 1;

  struct Waiter {
    explicit Waiter(Mutex& with) noexcept : mutex(with), priority(Env::fixed_priority()) {}

    Word state{kWaiting};
    Mutex& mutex;
    std::int32_t priority;
    Waiter* before = nullptr;
    Waiter* after = nullptr;
  };

  // --- who waits
  // ----------------------------------------------------------------------------------

  /// False when the deadline passed first.
  template <class Lock, class AnyTime>
  bool unlock_and_wait(Lock& lock, const AnyTime& deadline) noexcept {
    static_assert(kWaitsWith<Lock>,
                  "takt: a Condition waits with a takt::Mutex or Ranked<Mutex>, or with a "
                  "std::unique_lock or takt::LockGuard of one");
    if constexpr (requires { lock.owns_lock(); }) {
      TAKT_CHECK(lock.owns_lock(), "Condition: waits with a lock that is not held");
    }
    auto& held = held_by(lock);
    if constexpr (kIsWrapper<std::remove_reference_t<decltype(held)>>) {
      Mutex& mutex = held.begin_wait();
      const bool notified = sleep(mutex, deadline);
      held.end_wait();
      return notified;
    } else {
      return sleep(held, deadline);
    }
  }

  template <class AnyTime>
  bool sleep(Mutex& mutex, const AnyTime& deadline) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    Waiter self(mutex);
    join(self);
    mutex.unlock();
    bool owner = false;
    // On the list all the while: a clock that was set back costs another attempt, no notification.
    detail::attempt_until(deadline, [&](TimePoint at) {
      owner = sleep_until_requeued(self, at);
      // relaxed: leave() reads it again.
      return owner || self.state.load(std::memory_order_relaxed) != kWaiting;
    });
    const bool notified = leave(self);
    if (owner) {
      // acquire: pairs with the release of Mutex::unlock(). The kernel orders the hand-over itself;
      // this load tells the memory model about it.
      Mutex::check_alive(mutex.word_.load(std::memory_order_acquire));
    } else {
      mutex.lock();
    }
    return notified;
  }

  void join(Waiter& self) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    lock_.lock();
    TAKT_CHECK(first_ == nullptr || &first_->mutex == &self.mutex,
               "Condition: waited for with two mutexes at a time");
    Waiter* place = last_;
    while (place != nullptr && place->priority < self.priority) place = place->before;
    self.before = place;
    self.after = place != nullptr ? place->after : first_;
    (place != nullptr ? place->after : first_) = &self;
    (self.after != nullptr ? self.after->before : last_) = &self;
    // relaxed, here and below: written under lock_; what orders it for a notify is the mutex.
    waiters_.store(waiters_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    lock_.unlock();
  }

  /// True: the kernel made the caller the owner of the mutex.
  bool sleep_until_requeued(Waiter& self, TimePoint deadline) noexcept {
    for (;;) {
      const int error = Env::wait_requeue_pi(self.state, kWaiting, deadline, self.mutex.word_);
      switch (error) {
        case 0:
          return true;
        case ETIMEDOUT:
          return false;
        case EAGAIN:  // notified before the sleep, or a signal, before the requeue or after it
        case EINTR:
          // relaxed: leave() reads it again.
          if (self.state.load(std::memory_order_relaxed) != kWaiting) return false;
          break;
        default:
          TAKT_CHECK(error == ENOSYS, "Condition: FUTEX_WAIT_REQUEUE_PI refused the mutex");
          TAKT_CHECK(error != ENOSYS, "Condition: this kernel has no PI futexes (CONFIG_FUTEX_PI)");
      }
    }
  }

  /// Whether `self` was notified. If it was, the condition may be gone.
  bool leave(Waiter& self) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    // acquire: pairs with the release of claim(), after which `self` may end.
    if (self.state.exchange(kLeaving, std::memory_order_acquire) == kNotified) return true;
    lock_.lock();
    remove(self.before, self.after);
    // relaxed: nobody sleeps on a closing condition but the destructor, which takes the lock next.
    if (waiters_.load(std::memory_order_relaxed) == kClosing) Env::wake(waiters_, 1);
    lock_.unlock();
    return false;
  }

  // --- who notifies, with lock_ held
  // --------------------------------------------------------------

  void notify(std::uint32_t most) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    // relaxed: who waited before the caller last had the mutex is seen by that.
    if (waiters_.load(std::memory_order_relaxed) == 0) return;
    lock_.lock();
    for (Waiter* waiter = first_; waiter != nullptr && most > 0;) {
      Waiter* const next = waiter->after;
      if (claim(*waiter)) --most;
      waiter = next;
    }
    lock_.unlock();
  }

  /// Notifies a waiter and takes it off the list, unless it has timed out already.
  bool claim(Waiter& waiter) noexcept {
    Waiter* const before = waiter.before;
    Waiter* const after = waiter.after;
    Mutex& mutex = waiter.mutex;
    Word& state = waiter.state;
    std::uint32_t waiting = kWaiting;
    // release: pairs with the acquire in leave(). relaxed on failure: then lock_ keeps the waiter.
    if (!state.compare_exchange_strong(waiting, kNotified, std::memory_order_release,
                                       std::memory_order_relaxed)) {
      return false;
    }
    remove(before, after);
    requeue(state, mutex);  // its address, that is: the waiter may be gone
    return true;
  }

  /// Moves the one who sleeps on `state`, if it still does, to the mutex; or makes it the owner.
  static void requeue(const Word& state, Mutex& mutex) noexcept {
    for (;;) {
      const int error = Env::requeue_pi(state, kNotified, 0, mutex.word_);
      switch (error) {
        case 0:
        case EAGAIN:  // the rest: it has left by itself, and its stack is used otherwise
        case EFAULT:
        case EINVAL:
          return;
        case ENOMEM:
          // As in lock_pi.h: waiting a little is all that is left to a call that may not fail.
          platform::sleep_until(saturating_add(now(), detail::kRetryAfterNoMemory));
          break;
        case EDEADLK:
          TAKT_CHECK(error != EDEADLK,
                     "Condition: a waiter holds what the owner of the mutex waits for");
          break;
        default:
          TAKT_CHECK(error == ESRCH, "Condition: FUTEX_CMP_REQUEUE_PI refused the mutex");
          TAKT_CHECK(error != ESRCH, "Mutex: its owner ended without unlocking");
      }
    }
  }

  void remove(Waiter* before, Waiter* after) noexcept {
    (before != nullptr ? before->after : first_) = after;
    (after != nullptr ? after->before : last_) = before;
    waiters_.store(waiters_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }

  /// Lets those on the list take themselves off it.
  void wait_for_leavers() noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    for (Waiter* waiter = first_; waiter != nullptr; waiter = waiter->after) {
      std::uint32_t waiting = kWaiting;
      // relaxed: only the answer counts.
      TAKT_CHECK(!waiter->state.compare_exchange_strong(
                     waiting, kNotified, std::memory_order_relaxed, std::memory_order_relaxed),
                 "Condition: destroyed while a thread waits that was not notified");
    }
    const std::uint32_t closing = waiters_.load(std::memory_order_relaxed) | kClosing;
    waiters_.store(closing, std::memory_order_relaxed);
    lock_.unlock();
    static_cast<void>(Env::wait(waiters_, closing, kNever));
    lock_.lock();
  }

  Mutex lock_;
  Word waiters_{0};
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

/// The Condition of threads. There is none between processes: ProcessMutex has no futex to requeue
/// to; use ProcessEvent or ProcessSemaphore there.
using Condition = BasicCondition<ThreadEnv>;
static_assert(sizeof(Condition) <= 24);

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_CONDITION_H_
