// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_LOCK_ORDER_H_
#define TAKT_SYNC_LOCK_ORDER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/text.h"
#include "takt/sync/annotations.h"
#include "takt/sync/env.h"
#include "takt/sync/mutex.h"

// What is kept, all of it in fixed tables:
//   held      of each thread, its own (thread_local): the locks that it holds, with the place where
//             it took them.
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
// All stores to `owner` of a thread that is in `waits` come before its entry, which is under the
// Mutex: who holds that cannot miss them, so that `owner` itself has to order nothing.

namespace takt::inline v0 {

namespace detail {

/// Where in the source something is done.
struct CallSite {
  const char* file = "";
  int line = 0;
};

/// What a Ranked lock knows about itself.
template <class Env>
struct RankedLock {
  constexpr RankedLock(const char* its_name, std::uint32_t its_rank) noexcept
      : name(its_name), rank(its_rank) {}

  const char* name;
  std::uint32_t rank;
  typename Env::Word owner{0};  ///< thread id; 0: free or shared
};

/// The locks that a thread holds.
template <class Env>
class HeldLocks {
 public:
  static constexpr std::size_t kMost = 16;
  struct Entry {
    const RankedLock<Env>* lock;
    CallSite site;
    std::uint32_t depth;  ///< locks beyond the first
  };

  /// Null: not held.
  Entry* find(const RankedLock<Env>& lock) noexcept {
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
  void add(const RankedLock<Env>& lock, CallSite site) noexcept {
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

/// Who waits for which lock.
template <class Registry>
class LockWaits {
  using Env = typename Registry::Env;
  using Lock = RankedLock<Env>;
  using Held = HeldLocks<Env>;

 public:
  static constexpr std::size_t kMost = 128;

  /// Enters the calling thread, which is about to wait; reports it if that closes a cycle. A full
  /// table is passed by: then cycles through this wait go unseen.
  void enter(const Lock& lock, CallSite site) noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    const std::uint32_t self = Env::thread_id();
    mutex_.lock();
    if (closes_cycle(self, lock)) explain(self, lock, site);
    if (Wait* const free = find(0)) *free = {self, &lock, site, &Registry::held()};
    mutex_.unlock();
  }
  void leave() noexcept TAKT_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.lock();
    if (Wait* const mine = find(Env::thread_id())) *mine = {};
    mutex_.unlock();
  }

 private:
  struct Wait {
    std::uint32_t thread;  // 0: free
    const Lock* lock;
    CallSite site;
    Held* held;  // the thread stands still: it can be read
  };

  Wait* find(std::uint32_t thread) noexcept {
    for (Wait& wait : waits_) {
      if (wait.thread == thread) return &wait;
    }
    return nullptr;
  }

  /// Whether the chain from `wanted` ends at the calling thread.
  bool closes_cycle(std::uint32_t self, const Lock& wanted) noexcept {
    const Lock* lock = &wanted;
    for (std::size_t hops = 0; hops <= kMost; ++hops) {
      // relaxed, as below: mutex_ orders it, see the head of the file.
      const std::uint32_t owner = lock->owner.load(std::memory_order_relaxed);
      if (owner == self) return true;
      const Wait* const wait = owner == 0 ? nullptr : find(owner);
      if (wait == nullptr) return false;
      lock = wait->lock;
    }
    return false;
  }

  /// Says who in the cycle wants and holds what.
  void explain(std::uint32_t self, const Lock& wanted, CallSite site) noexcept {
    Text<512> text;
    text << "wait-for cycle: thread " << self << " wants '" << wanted.name << "'";
    const Lock* lock = &wanted;
    for (;;) {
      const std::uint32_t owner = lock->owner.load(std::memory_order_relaxed);
      Wait* const wait = owner == self ? nullptr : find(owner);
      Held& held = owner == self ? Registry::held() : *wait->held;
      const typename Held::Entry* const entry = held.find(*lock);
      text << ", held by thread " << owner;
      if (entry != nullptr) text << " since " << entry->site.file << ':' << entry->site.line;
      if (wait == nullptr) break;
      text << ", which wants '" << wait->lock->name << "' at " << wait->site.file << ':'
           << wait->site.line;
      lock = wait->lock;
    }
    Registry::report(site, text.c_str());
  }

  BasicMutex<Env> mutex_;
  Wait waits_[kMost] = {};
};

/// Where the threads of this process keep both, and what becomes of a report. The model checker has
/// one of its own.
struct LockRegistry {
  using Env = ThreadEnv;

  /// Of the calling thread.
  static HeldLocks<Env>& held() noexcept;
  static LockWaits<LockRegistry>& waits() noexcept;
  [[noreturn]] static void report(CallSite site, const char* text) noexcept {
    check_failed(site.file, site.line, "lock order", text);
  }
};

inline constinit thread_local HeldLocks<ThreadEnv> held_locks;
inline constinit LockWaits<LockRegistry> lock_waits;

inline HeldLocks<ThreadEnv>& LockRegistry::held() noexcept { return held_locks; }
inline LockWaits<LockRegistry>& LockRegistry::waits() noexcept { return lock_waits; }

}  // namespace detail

/// A lock that knows its place: a debug aid for the time when a program is put together. It behaves
/// as the lock that it wraps (any of sync/: Mutex, RecursiveMutex, RwLock), under the same names,
/// and aborts with both names and both places in the source when
/// - lock() or lock_shared() goes against the order of ranks: threads must take higher ranks later;
/// - lock() closes a cycle of threads of which each holds what the next one waits for.
/// try_lock() and the forms with a time limit may go against the order, but what they acquired
/// counts as held (and a limit saves nobody who closes a cycle: see Mutex::try_lock_until()).
/// Readers of an RwLock are ordered, but not followed in cycles.
///
///   Ranked<Mutex> axes{"axes", 10};
///   Ranked<Mutex> log{"log", 20};   // may be taken with `axes` held, not the other way round
///
/// The place is that of the call; through LockGuard, that of the guard; through the standard's
/// guards, a line of theirs. Nothing of it is compiled where Ranked is not used. Per thread at most
/// 16 locks (else aborts). The bound of each operation is that of the lock, plus a search of the
/// thread's table, plus, for a wait, a process-wide Mutex.
template <class Lock, class Registry = detail::LockRegistry>
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
      Registry::waits().enter(state_, site);
      lock_.lock();
      Registry::waits().leave();
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
      Registry::waits().enter(state_, {file, line});
      lock_.lock_shared();
      Registry::waits().leave();
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
    const typename Held::Entry* const entry = Registry::held().find(state_);
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
  using Held = detail::HeldLocks<typename Registry::Env>;
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
      if (typename Held::Entry* const entry = Registry::held().find(state_)) {
        ++entry->depth;
        return;
      }
    }
    Registry::held().add(state_, site);
  }
  void own() noexcept {
    // relaxed, as in forget(): who looks for a cycle is ordered by the lock of the waits.
    state_.owner.store(Registry::Env::thread_id(), std::memory_order_relaxed);
  }
  void forget() noexcept {
    typename Held::Entry* const entry = Registry::held().find(state_);
    TAKT_CHECK(entry != nullptr, "Ranked: unlocked by a thread that does not hold it");
    if (entry->depth > 0) {
      --entry->depth;
      return;
    }
    Registry::held().remove(entry);
    state_.owner.store(0, std::memory_order_relaxed);
  }

  void check_order(detail::CallSite site) noexcept {
    const typename Held::Entry* held = Registry::held().find(state_);
    if (held != nullptr && kRecursive) return;
    if (held == nullptr) {
      if (state_.rank == kUnordered) return;
      held = Registry::held().highest();
      if (held == nullptr || held->lock->rank < state_.rank) return;
    }
    Text<384> text;
    text << '\'' << state_.name << "' (rank " << state_.rank << ") is wanted while '"
         << held->lock->name << "' (rank " << held->lock->rank << ") is held since "
         << held->site.file << ':' << held->site.line;
    Registry::report(site, text.c_str());
  }

  Lock lock_;
  detail::RankedLock<typename Registry::Env> state_;
  detail::CallSite waited_from_;
};

}  // namespace takt::inline v0

#endif  // TAKT_SYNC_LOCK_ORDER_H_
