// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_RESOURCE_POOL_H_
#define TAKT_EXECUTOR_RESOURCE_POOL_H_

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "takt/executor/slot_bitmap.h"
#include "takt/platform/check.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"
#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/semaphore.h"

// A resource is in one of these states; two bitmaps hold those that nobody has:
//
//                 acquire(): a permit, a bit                        healthy, or repaired
//    [available] ----------------------------> [leased] -----------------------------------.
//         ^                                        |  unhealthy                            |
//         |                                        v                                       |
//         |            acquire_retired()       [retired]                                   |
//         |   [leased] <------------------------'                                          |
//         '--------------------------------------------------------------------------------'
//
// A returned resource's bit is set before its permit is given: who has a permit finds a bit. (Not
// a queue of indices: one thread that stops between the two steps of a push would hide what others
// returned behind it.)
//
// `in_service_` counts those that are not retired. While it is 0 one permit more is about, which
// stands for no resource: whoever takes it finds no bit, sees why, gives the permit back for the
// next one and says failed_precondition. So nobody waits for a resource that cannot come. When one
// returns to service then, it takes over that permit. Under `service_mutex_`, so that the permit is
// added and taken over once.
//
// Destruction: the last touch of a return is its permit, or the bit of one that was retired before,
// or the unlock of service_mutex_, which the destructor locks before it looks. So who has the
// permit or the bit may destroy the pool.
//
// Invariant: permits + threads between their permit and their bit = available resources, or 1 while
// in_service_ is 0; a thread between the steps of a return aside, when there are fewer.

namespace takt::inline v0 {

/// What a ResourcePool held. Each figure is exact, but they may be of instants a few calls apart.
struct ResourcePoolStats {
  std::uint32_t available;    ///< could be leased at once
  std::uint32_t leased;       ///< are leased, for repair included
  std::uint32_t retired;      ///< unhealthy, and nobody is at them
  std::uint32_t peak_leased;  ///< the most that were leased at a time
  std::uint64_t leases;       ///< given so far
  std::uint64_t time_outs;    ///< calls that got none in time, or at once
  std::uint64_t repairs;      ///< of resources that came back unhealthy, by the callback
  std::uint64_t retirements;  ///< of those that it could not repair
};

/// What to do with a resource that comes back. Both are called by the thread that returns it, of a
/// resource that is nobody else's meanwhile, and must not throw. Threads that return different
/// resources call them at the same time, with the same `argument`.
template <class T>
struct ResourceCare {
  /// Whether the resource may be leased again. Null: as long as Lease::fail() was not called.
  bool (*healthy)(T& resource, void* argument) noexcept = nullptr;
  /// Mends one that is not. Returns whether it could; else the resource is retired. Null: it
  /// cannot.
  bool (*repair)(T& resource, void* argument) noexcept = nullptr;
  void* argument = nullptr;  ///< for both
};

/// N resources of a kind (bus handles, DMA buffers, sessions of a device), in memory of the pool.
/// Each is leased to one user at a time, who returns it by letting go of the lease. Who waits is
/// served by priority, then in order of arrival; a thread that has not waited may come before one
/// that was woken. Waiting threads do not lend their priority to who has a lease.
template <class T, std::size_t N, class Env>
class BasicResourcePool {
  static_assert(N >= 1 && N <= 65'536, "ResourcePool: 1 to 65,536 resources");
  using Bitmap = BasicSlotBitmap<Env>;
  using Figure = typename Env::template Atomic<std::uint64_t>;

 public:
  /// A resource for as long as this lives. Move-only; owned by one thread at a time. The pool must
  /// outlive it.
  class Lease {
   public:
    Lease() noexcept = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          index_(other.index_),
          failed_(other.failed_) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        reset();
        pool_ = std::exchange(other.pool_, nullptr);
        index_ = other.index_;
        failed_ = other.failed_;
      }
      return *this;
    }
    ~Lease() { reset(); }

    /// Whether it has a resource. Blocks: no. Callable from: the owner, as everything here.
    bool valid() const noexcept { return pool_ != nullptr; }
    explicit operator bool() const noexcept { return valid(); }
    /// The resource. Aborts when not valid().
    T& operator*() const noexcept {
      TAKT_CHECK(valid(), "ResourcePool: the lease has no resource");
      return pool_->cells_[index_].resource;
    }
    T* operator->() const noexcept { return &**this; }
    /// Which of the pool's resources it is, 0 to N - 1.
    std::uint32_t number() const noexcept { return index_; }

    /// Says that the resource is not healthy, whatever the check will find.
    void fail() noexcept { failed_ = true; }

    /// Returns the resource, after its health check and perhaps its repair; the lease is not valid
    /// then. Blocks: as those callbacks do. Bound: beyond them lock-free, and a system call when
    /// somebody waits. When a resource is retired or returns to service: for a short mutex.
    void reset() noexcept {
      if (!valid()) return;
      std::exchange(pool_, nullptr)->take_back(index_, std::exchange(failed_, false));
    }

   private:
    friend class BasicResourcePool;
    Lease(BasicResourcePool* pool, std::uint32_t index) noexcept : pool_(pool), index_(index) {}

    BasicResourcePool* pool_ = nullptr;
    std::uint32_t index_ = 0;
    bool failed_ = false;
  };

  /// N resources, each value-initialised.
  explicit BasicResourcePool(const ResourceCare<T>& care = {}) noexcept(
      std::is_nothrow_default_constructible_v<T>)
      : BasicResourcePool(care, [](std::size_t) { return T(); }) {}

  /// N resources, number i as `make(i)` returns it; T need not be movable. All are healthy.
  template <class Make>
  BasicResourcePool(const ResourceCare<T>& care, const Make& make) noexcept(
      std::is_nothrow_invocable_v<const Make&, std::size_t>)
      : permits_(N), care_(care), in_service_(N) {
    Making making{cells_};
    while (making.made < N) {
      ::new (static_cast<void*>(&cells_[making.made].resource)) T(make(making.made));
      ++making.made;
    }
    making.made = 0;
    available_.attach(available_words_, N);
    retired_.attach(retired_words_, N);
    // relaxed: no other thread knows the pool yet.
    for (auto& word : retired_words_) word.free.store(0, std::memory_order_relaxed);
  }

  BasicResourcePool(const BasicResourcePool&) = delete;
  BasicResourcePool& operator=(const BasicResourcePool&) = delete;

  /// Destroys the resources. Whoever leased the last one that came back, or was told that all are
  /// retired, may do so at once, though the Lease::reset() of another thread that brought it about
  /// has not returned. Aborts when a resource is leased, or its return has begun and nobody could
  /// know yet that it was over (stats() does not tell). Blocks: for such a thread's short mutex.
  /// Bound: O(N). Callable from: one thread, when no other calls anything but that reset().
  ~BasicResourcePool() {
    {
      LockGuard last(service_mutex_);  // behind who has told, and still holds it
    }
    // relaxed: whoever leases a resource meanwhile may not.
    TAKT_CHECK(leased_.load(std::memory_order_relaxed) == 0,
               "ResourcePool: destroyed while a resource is leased");
    TAKT_CHECK(all_are_back(), "ResourcePool: destroyed beside a Lease::reset()");
    for (Cell& cell : cells_) std::destroy_at(&cell.resource);
  }

  static constexpr std::size_t capacity() noexcept { return N; }

  /// Leases a resource. Blocks: until there is one. Callable from: any thread; a job that waits
  /// keeps its worker. Errors: failed_precondition: all resources are retired.
  Result<Lease> acquire() noexcept {
    permits_.acquire();
    return take();
  }
  /// As acquire(), at most until `deadline`, of any clock; a resource that is there is given even
  /// then. Errors: and timed_out, also where all are retired and another thread is just finding
  /// that out.
  template <class OtherClock, class OtherDuration>
  Result<Lease> acquire_until(
      const std::chrono::time_point<OtherClock, OtherDuration>& deadline) noexcept {
    if (permits_.try_acquire_until(deadline)) return take();
    return none(StatusCode::timed_out, "ResourcePool: no resource came back in time");
  }
  /// As acquire(), at most for `timeout`. Errors: and timed_out.
  template <class Rep, class Period>
  Result<Lease> acquire_for(const std::chrono::duration<Rep, Period>& timeout) noexcept {
    return acquire_until(deadline_after(timeout));
  }
  /// Leases a resource if there is one. Blocks: no. Bound: lock-free; O(N / 64), and as much again
  /// for each resource that others take meanwhile. Callable from: any thread. Errors: unavailable:
  /// all are leased, or another thread is just finding out that all are retired;
  /// failed_precondition: all are retired.
  Result<Lease> try_acquire() noexcept {
    if (permits_.try_acquire()) return take();
    return none(StatusCode::unavailable, "ResourcePool: all resources are leased");
  }

  /// Leases a retired resource, for whoever knows how to mend it: when it comes back healthy, it
  /// may be leased by all again. Blocks: no. Bound: lock-free, O(N / 64). Callable from: any
  /// thread. Errors: not_found: none is retired, or somebody is at each that is.
  Result<Lease> acquire_retired() noexcept {
    const std::uint32_t index = retired_.acquire(retired_hint_);
    if (index == Bitmap::kNone) {
      return Status(StatusCode::not_found, "ResourcePool: no resource is retired");
    }
    return lease(index);
  }

  /// Blocks: no. Bound: O(N / 64). Callable from: any thread.
  ResourcePoolStats stats() const noexcept {
    // relaxed, all: figures.
    return {.available = count(available_words_),
            .leased = leased_.load(std::memory_order_relaxed),
            .retired = count(retired_words_),
            .peak_leased = peak_leased_.load(std::memory_order_relaxed),
            .leases = leases_.load(std::memory_order_relaxed),
            .time_outs = time_outs_.load(std::memory_order_relaxed),
            .repairs = repairs_.load(std::memory_order_relaxed),
            .retirements = retirements_.load(std::memory_order_relaxed)};
  }

 private:
  static constexpr std::uint32_t kWords = Bitmap::words_for(N);

  struct Cell {
    constexpr Cell() noexcept {}
    constexpr ~Cell() {}
    union {
      T resource;
    };
    bool retired = false;  // whose lease it is, writes it
  };
  /// Destroys what was made, when the next one throws.
  struct Making {
    Cell* cells;
    std::size_t made = 0;
    ~Making() {
      while (made != 0) std::destroy_at(&cells[--made].resource);
    }
  };

  static std::uint32_t count(const typename Bitmap::Word (&words)[kWords]) noexcept {
    std::uint32_t sum = 0;
    for (const auto& word : words) {
      // acquire: pairs with the release of who returned the resource; only the destructor needs it.
      sum += static_cast<std::uint32_t>(std::popcount(word.free.load(std::memory_order_acquire)));
    }
    return sum;
  }

  /// Whether no return is under way: each resource has its bit, each that is in service its permit.
  /// Takes the permits.
  bool all_are_back() noexcept {
    std::uint32_t permits = 0;
    while (permits_.try_acquire()) ++permits;
    // relaxed: written under the mutex, which the caller has had.
    const std::uint32_t in_service = in_service_.load(std::memory_order_relaxed);
    return count(available_words_) + count(retired_words_) == N &&
           permits == (in_service == 0 ? 1 : in_service);
  }

  Result<Lease> none(StatusCode code, const char* text) noexcept {
    time_outs_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
    return Status(code, text);
  }

  /// The caller has a permit.
  Result<Lease> take() noexcept {
    for (;;) {  // lock-free: another look only when others took or returned something meanwhile
      const std::uint32_t index = available_.acquire(available_hint_);
      if (index != Bitmap::kNone) return lease(index);
      // acquire: pairs with the release in return_to_service(); then its bit is there.
      if (in_service_.load(std::memory_order_acquire) == 0) {
        permits_.release();  // for the next one who asks
        return Status(StatusCode::failed_precondition, "ResourcePool: all resources are retired");
      }
    }
  }

  Lease lease(std::uint32_t index) noexcept {
    // relaxed, all: figures.
    leases_.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t leased = leased_.fetch_add(1, std::memory_order_relaxed) + 1;
    std::uint32_t peak = peak_leased_.load(std::memory_order_relaxed);
    while (peak < leased &&
           !peak_leased_.compare_exchange_weak(peak, leased, std::memory_order_relaxed)) {
    }
    return Lease(this, index);
  }

  void take_back(std::uint32_t index, bool failed) noexcept {
    Cell& cell = cells_[index];
    bool healthy =
        !failed && (care_.healthy == nullptr || care_.healthy(cell.resource, care_.argument));
    if (!healthy && care_.repair != nullptr && care_.repair(cell.resource, care_.argument)) {
      repairs_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
      healthy = true;
    }
    // relaxed: a figure; before others can lease it, so that it stays below N.
    leased_.fetch_sub(1, std::memory_order_relaxed);
    if (healthy && !cell.retired) {
      available_.release(index);
      permits_.release();
    } else if (healthy) {
      return_to_service(index);
    } else {
      retire(index);
    }
  }

  void return_to_service(std::uint32_t index) noexcept {
    LockGuard lock(service_mutex_);
    cells_[index].retired = false;
    available_.release(index);
    // release: pairs with the acquire in take().
    if (in_service_.fetch_add(1, std::memory_order_release) != 0) permits_.release();
  }

  void retire(std::uint32_t index) noexcept {
    if (cells_[index].retired) return retired_.release(index);
    LockGuard lock(service_mutex_);
    cells_[index].retired = true;
    retirements_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a figure
    retired_.release(index);
    // relaxed: the permit tells, and the mutex orders the rest.
    if (in_service_.fetch_sub(1, std::memory_order_relaxed) == 1) permits_.release();
  }

  BasicSemaphore<Env> permits_;
  const ResourceCare<T> care_;
  Bitmap available_;
  Bitmap retired_;
  typename Bitmap::Hint available_hint_{0};
  typename Bitmap::Hint retired_hint_{0};
  typename Env::Word in_service_;
  BasicMutex<Env> service_mutex_;
  typename Env::Word leased_{0};
  typename Env::Word peak_leased_{0};
  Figure leases_{0};
  Figure time_outs_{0};
  Figure repairs_{0};
  Figure retirements_{0};
  typename Bitmap::Word available_words_[kWords] = {};
  typename Bitmap::Word retired_words_[kWords] = {};
  Cell cells_[N];
};

/// The ResourcePool of threads.
template <class T, std::size_t N>
using ResourcePool = BasicResourcePool<T, N, ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_RESOURCE_POOL_H_
