// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LOCK_ORDER_H_
#define TAKT_SYNC_LOCK_ORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/text.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/annotations.h"
#include "takt/sync/mutex.h"

// What is kept, all of it in fixed tables:
//   held      of each thread, its own (thread_local): the locks that it holds, with the place where
//   it
//             took them.
//   owner     of each lock: the thread that holds it exclusively. Set by it after it got the lock,
//             cleared by it before it gives the lock away. A stale read is legal: see below.
//   waits     of the process, under one Mutex: who waits for which lock, from where. Written by who
//             has tried in vain and is about to wait, removed by it when it has the lock.
//
// Order: a lock() that would wait for a rank not above all ranks that the thread holds is reported,
// whether or not it would have to wait this time.
// Cycle: who enters itself in `waits` follows, in the same critical section, lock to owner to the
// lock that this one waits for, and so on. The last one that a cycle needs finds it whole: the
// others entered themselves before, and each had set `owner` before that. It finds none that is not
// there: it holds the lock at the end of the chain, so the thread that waits for it stands still,
// so the lock which that one holds stays held, and so on back.

namespace takt::inline v0 {

namespace detail {

/// Where in the source something is done.
struct CallSite {
  const char* file = "";
  int line = 0;
};

/// What a Ranked lock knows about itself.
struct RankedLock {
  constexpr RankedLock(const char* its_name, std::uint32_t its_rank) noexcept
      : name(its_name), rank(its_rank) {}

  const char* name;
  std::uint32_t rank;
  std::atomic<std::uint32_t> owner{0};  ///< thread id; 0: free or shared
};

/// The locks that the calling thread holds.
class HeldLocks {
 public:
  static constexpr std::size_t kMost = 16;
  struct Entry {
    const RankedLock* lock;
    CallSite site;
    std::uint32_t depth;  ///< locks beyond the first
  };

  /// Null: not held.
  Entry* find(const RankedLock& lock) noexcept {
    for (std::size_t i = count_; i > 0; --i) {
      if (entries_[i - 1].lock == &lock) return &entries_[i - 1];
    }
    return nullptr;
  }
  /// The entry of highest rank.
  const Entry* highest() const noexcept {
    const Entry* highest = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
      if (highest == nullptr || entries_[i].lock->rank > highest->lock->rank) {
        highest = &entries_[i];
      }
    }
    return highest;
  }
  void add(const RankedLock& lock, CallSite site) noexcept {
    TAKT_CHECK(count_ < kMost, "Ranked: a thread holds more than 16 locks");
    entries_[count_++] = {&lock, site, 0};
  }
  void remove(Entry* entry) noexcept {
    for (--count_; entry != &entries_[count_]; ++entry) *entry = entry[1];
  }

 private:
  Entry entries_[kMost] = {};
  std::size_t count_ = 0;
};

inline constinit thread_local HeldLocks held_locks;

/// Who waits for which lock.
class LockWaits {
 public:
  static constexpr std::size_t kMost = 128;

  /// Enters the calling thread, which is about to wait, unless that closes a cycle (aborts). A full
  /// table is passed by: then cycles through this wait go unseen.
  void enter(const RankedLock& lock, CallSite site) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    const auto self = static_cast<std::uint32_t>(platform::thread_id());
    mutex_.lock();
    report_cycle(self, lock, site);
    if (Wait* const free = find(0)) *free = {self, &lock, site, &held_locks};
    mutex_.unlock();
  }
  void leave() noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.lock();
    if (Wait* const mine = find(static_cast<std::uint32_t>(platform::thread_id()))) *mine = {};
    mutex_.unlock();
  }

 private:
  struct Wait {
    std::uint32_t thread;  // 0: free
    const RankedLock* lock;
    CallSite site;
    HeldLocks* held;  // the thread stands still: it can be read
  };

  Wait* find(std::uint32_t thread) noexcept {
    for (Wait& wait : waits_) {
      if (wait.thread == thread) return &wait;
    }
    return nullptr;
  }

  void report_cycle(std::uint32_t self, const RankedLock& wanted, CallSite site) noexcept {
    // acquire, as below: pairs with the release in Ranked::note().
    std::uint32_t owner = wanted.owner.load(std::memory_order_acquire);
    for (std::size_t hops = 0; hops < kMost; ++hops) {
      if (owner == self) return fail(self, wanted, site);
      const Wait* const wait = owner == 0 ? nullptr : find(owner);
      if (wait == nullptr) return;
      owner = wait->lock->owner.load(std::memory_order_acquire);
    }
  }

  /// Says who in the cycle wants and holds what.
  void fail(std::uint32_t self, const RankedLock& wanted, CallSite site) noexcept {
    Text<512> text;
    text << "wait-for cycle: thread " << self << " wants '" << wanted.name << "'";
    const RankedLock* lock = &wanted;
    for (;;) {
      const std::uint32_t owner = lock->owner.load(std::memory_order_acquire);
      Wait* const wait = owner == self ? nullptr : find(owner);
      HeldLocks& held = owner == self ? held_locks : *wait->held;
      const HeldLocks::Entry* const entry = held.find(*lock);
      text << ", held by thread " << owner;
      if (entry != nullptr) text << " since " << entry->site.file << ':' << entry->site.line;
      if (wait == nullptr) break;
      text << ", which wants '" << wait->lock->name << "' at " << wait->site.file << ':'
           << wait->site.line;
      lock = wait->lock;
    }
    check_failed(site.file, site.line, "lock order", text.c_str());
  }

  Mutex mutex_;
  Wait waits_[kMost] = {};
};

inline constinit LockWaits lock_waits;

}  // namespace detail

/// A lock that knows its place: a debug aid for the time when a program is put together. It behaves
/// as the lock that it wraps (any of sync/: Mutex, RecursiveMutex, RwLock), under the same names,
/// and aborts with both names and both places in the source when
/// - lock() or lock_shared() goes against the order of ranks: threads must take higher ranks later;
/// - lock() closes a cycle of threads of which each holds what the next one waits for.
/// try_lock() and the forms with a time limit end by themselves: they may go against the order, but
/// what they acquired counts as held. Readers of an RwLock are ordered, but not followed in cycles.
///
///   Ranked<Mutex> axes{"axes", 10};
///   Ranked<Mutex> log{"log", 20};   // may be taken with `axes` held, not the other way round
///
/// The place is that of the call; through LockGuard, that of the guard; through the standard's
/// guards, a line of theirs. Nothing of it is compiled where Ranked is not used. Per thread at most
/// 16 locks (else aborts). The bound of each operation is that of the lock, plus a search of the
/// thread's table, plus, for a wait, a process-wide Mutex.
template <class Lock>
class TAKT_CAPABILITY("mutex") Ranked {
 public:
  /// No place in the order: only cycles are looked for.
  static constexpr std::uint32_t kUnordered = 0;

  /// `name` must outlive the lock: a literal.
  constexpr explicit Ranked(const char* name, std::uint32_t rank = kUnordered) noexcept
      : state_(name, rank) {}
  Ranked(const Ranked&) = delete;
  Ranked& operator=(const Ranked&) = delete;

  /// As Lock::lock().
  void lock(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept
      TAKT_ACQUIRE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    const detail::CallSite site{file, line};
    check_order(site);
    if (!lock_.try_lock()) {
      detail::lock_waits.enter(state_, site);
      lock_.lock();
      detail::lock_waits.leave();
    }
    note(site);
    own();
  }
  /// As Lock::try_lock().
  bool try_lock(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return noted(lock_.try_lock(), {file, line});
  }
  /// As Lock::try_lock_until().
  template <class TimePoint>
  bool try_lock_until(const TimePoint& deadline, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return noted(lock_.try_lock_until(deadline), {file, line});
  }
  /// As Lock::try_lock_for().
  template <class Duration>
  bool try_lock_for(const Duration& timeout, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return noted(lock_.try_lock_for(timeout), {file, line});
  }
  /// As Lock::unlock().
  void unlock() noexcept TAKT_RELEASE() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    forget();
    lock_.unlock();
  }

  /// As Lock::lock_shared().
  void lock_shared(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept
      TAKT_ACQUIRE_SHARED() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    check_order({file, line});
    if (!lock_.try_lock_shared()) {
      detail::lock_waits.enter(state_, {file, line});
      lock_.lock_shared();
      detail::lock_waits.leave();
    }
    note({file, line});
  }
  /// As Lock::try_lock_shared().
  bool try_lock_shared(const char* file = __builtin_FILE(), int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE_SHARED(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return shared(lock_.try_lock_shared(), {file, line});
  }
  /// As Lock::try_lock_shared_until().
  template <class TimePoint>
  bool try_lock_shared_until(const TimePoint& deadline, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE_SHARED(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return shared(lock_.try_lock_shared_until(deadline), {file, line});
  }
  /// As Lock::try_lock_shared_for().
  template <class Duration>
  bool try_lock_shared_for(const Duration& timeout, const char* file = __builtin_FILE(),
                           int line = __builtin_LINE()) noexcept
      TAKT_TRY_ACQUIRE_SHARED(true) TAKT_NO_THREAD_SAFETY_ANALYSIS {
    return shared(lock_.try_lock_shared_for(timeout), {file, line});
  }
  /// As Lock::unlock_shared().
  void unlock_shared() noexcept TAKT_RELEASE_SHARED() TAKT_NO_THREAD_SAFETY_ANALYSIS {
    forget();
    lock_.unlock_shared();
  }

  /// For Condition, which unlocks the Mutex by itself and locks it again: what is held above this
  /// lock would be in the wrong order then. Callable from: the owner.
  Lock& begin_wait() noexcept {
    const detail::HeldLocks::Entry* const entry = detail::held_locks.find(state_);
    TAKT_CHECK(entry != nullptr, "Ranked: a wait by a thread that does not hold the lock");
    waited_from_ = entry->site;
    forget();
    check_order(waited_from_);
    return lock_;
  }
  void end_wait() noexcept {
    // Perhaps the place of another one that has begun to wait since; as good for a report.
    note(waited_from_);
    own();
  }

 private:
  static constexpr bool kRecursive = requires { Lock::max_depth(); };

  bool noted(bool acquired, detail::CallSite site) noexcept {
    if (!acquired) return false;
    note(site);
    own();
    return true;
  }
  bool shared(bool acquired, detail::CallSite site) noexcept {
    if (acquired) note(site);
    return acquired;
  }

  void note(detail::CallSite site) noexcept {
    if constexpr (kRecursive) {
      if (detail::HeldLocks::Entry* const entry = detail::held_locks.find(state_)) {
        ++entry->depth;
        return;
      }
    }
    detail::held_locks.add(state_, site);
  }
  void own() noexcept {
    // release: pairs with the acquire of who looks for a cycle.
    state_.owner.store(static_cast<std::uint32_t>(platform::thread_id()),
                       std::memory_order_release);
  }
  void forget() noexcept {
    detail::HeldLocks::Entry* const entry = detail::held_locks.find(state_);
    TAKT_CHECK(entry != nullptr, "Ranked: unlocked by a thread that does not hold it");
    if (entry->depth > 0) {
      --entry->depth;
      return;
    }
    detail::held_locks.remove(entry);
    // relaxed: only the thread itself is sure to see it; the next owner overwrites it.
    state_.owner.store(0, std::memory_order_relaxed);
  }

  void check_order(detail::CallSite site) noexcept {
    const detail::HeldLocks::Entry* held = detail::held_locks.find(state_);
    if (held != nullptr && kRecursive) return;
    if (held == nullptr) {
      if (state_.rank == kUnordered) return;
      held = detail::held_locks.highest();
      if (held == nullptr || held->lock->rank < state_.rank) return;
    }
    Text<384> text;
    text << '\'' << state_.name << "' (rank " << state_.rank << ") is wanted while '"
         << held->lock->name << "' (rank " << held->lock->rank << ") is held since "
         << held->site.file << ':' << held->site.line;
    check_failed(site.file, site.line, "lock order", text.c_str());
  }

  Lock lock_;
  detail::RankedLock state_;
  detail::CallSite waited_from_;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_LOCK_ORDER_H_
