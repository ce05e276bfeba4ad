// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_SYNC_RW_LOCK_STATE_H_
#define TAKT_SYNC_RW_LOCK_STATE_H_

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>

#include "takt/platform/check.h"
#include "takt/platform/time.h"
#include "takt/sync/owner_word.h"

// Phase-fair after Brandenburg and Anderson (2010), without tickets: a ticket cannot time out.
//
// owner_, 32 bits: the writer's thread id (owner_word.h), from before it waits for the readers
//   until it leaves. Flagged: the owner must see to the gate before it leaves.
// readers_, 32 bits; the owner sleeps on it.
//   bit 0      kDraining: the owner sleeps until there are no readers. Set and cleared by it.
//   bits 1-31  active readers. Raised by who steps in, which lowers it again if it may not, and by
//              who admits waiting ones, before it admits them.
// gate_, 64 bits: who waits to step in.
//   bits 0-15  waiting readers. Raised by each, lowered by each that gives up or steps in by
//              itself, cleared by admit().
//   bits 16-29 waiting writers, only where writers are preferred. Raised and lowered by each.
//   bit 30     kOpen: readers may step in in spite of an owner. Set by who admits and is about to
//              leave, cleared by the next owner.
//   bit 31     kPassed, only where writers are preferred: the owner is about to leave and leaves
//              the waiting readers to a waiting writer. Set by that owner, cleared by the next one
//              or by the last waiting writer when it gives up.
//   bits 32-63 generation: raised by admit() when it admits anybody. A waiting reader is admitted
//              when the generation is no longer the one that it joined.
// admissions_, 32 bits; waiting readers sleep on it. Raised after each admission.
// A stale read of any is legal: what decides is an RMW, or a sequentially consistent load after
// one (each side announces itself, then looks for the other), or it is read again before a sleep.
//
//   reader: [outside] --step_in--> [active] --leave--> [outside]
//              '--join--> [waiting] --admit, step_in_waiting--> [active]
//                             '--its time is up: gate_ - 1--> [outside]
//   writer: [outside] --try_acquire, is_quiet--> [active] --try_release--> [outside]
//              '--wait_for_ownership--> [owner] --close, drain--> [active]
//                                          '--withdraw: leave_to_next--> [outside]
//           [active], flagged --leave_to_next: admit, release--> [outside]
//
// Invariant: while a writer is active it is the owner, the gate is closed, and who is counted in
// readers_ sees the owner and takes itself off again. While a reader sleeps there is an owner that
// is flagged, or one that sees to the gate as it comes in; it admits the reader or leaves it to a
// writer that does.
// Phases: an owner that comes in admits who waits already and lets nobody else in, so that it
// waits for one phase of readers; who joins later is admitted when that owner leaves.
//
// Destruction: unlock_shared()'s last touch is its RMW, unlock()'s the release of owner_. Readers
// are admitted before that release, so the destructor waits until there is no owner.

namespace takt::inline v0 {

/// Who goes first when readers and writers wait.
enum class Fairness : std::uint32_t {
  phase_fair,         ///< by turns: one writer, then all readers that wait, then one writer, …
  reader_preferring,  ///< readers wait for an active writer only; a stream of them starves writers
  writer_preferring,  ///< readers wait for all waiting writers; a stream of them starves readers
};

namespace detail {

/// What an RwLock does, without the standard's names: see rw_lock.h.
template <Fairness kFairness, class Env, int kSpins>
class RwLockState {
  static_assert(kSpins >= 0);

 public:
  constexpr RwLockState() noexcept = default;
  RwLockState(const RwLockState&) = delete;
  RwLockState& operator=(const RwLockState&) = delete;

  /// Blocks: until an unlock() whose readers were faster than it has ended; its thread inherits the
  /// caller's priority.
  ~RwLockState() {
    if (owner_.value() == 0) return;
    static_cast<void>(owner_.acquire(kNever));
    owner_.release();
  }

  /// Becomes the writer, or gives up at the deadline.
  bool lock_by(TimePoint deadline) noexcept {
    if (!owner_.try_acquire() && !wait_for_ownership(deadline)) return false;
    return is_quiet() || enter(deadline);
  }

  /// Becomes the writer or does not, without waiting.
  bool try_lock() noexcept {
    // relaxed: a reader that is missed is met again below.
    if (readers_.load(std::memory_order_relaxed) >= kReader || !owner_.try_acquire()) return false;
    return is_quiet() || enter(kAtOnce);
  }

  /// The writer leaves.
  void unlock() noexcept {
    if (!owner_.try_release()) unlock_contended();
  }

  /// Becomes a reader or does not, without waiting.
  bool step_in() noexcept {
    // Looks first: who may not step in anyway does not disturb an owner that waits for readers.
    if (!is_admissible()) return false;
    announce();
    if (is_admissible()) return true;
    leave(1);
    return false;
  }

  /// Becomes a reader, or gives up at the deadline.
  [[gnu::noinline]] bool share_by(TimePoint deadline) noexcept {
    TAKT_CHECK(!owner_.is_mine(), "RwLock: lock_shared() by its writer, it would wait for itself");
    for (int spin = 0; spin < kSpins; ++spin) {
      Env::pause();
      if (step_in()) return true;
    }
    const std::uint64_t joined = join();
    bool in_time = true;
    for (;;) {
      // acquire: pairs with the release in admit_from().
      const std::uint32_t admissions = admissions_.load(std::memory_order_acquire);
      // acquire: pairs with the CAS in admit_from().
      std::uint64_t gate = gate_.load(std::memory_order_acquire);
      if (!same_generation(gate, joined)) return true;
      const std::uint32_t owner = owner_.value();
      if (owner == 0 || (gate & kOpen) != 0) {
        if (step_in_waiting(joined)) return true;
      } else if (!in_time) {
        // relaxed: who gives up has nothing to tell; admission is looked at above.
        if (gate_.compare_exchange_strong(gate, gate - 1, std::memory_order_relaxed,
                                          std::memory_order_relaxed)) {
          return false;
        }
      } else if ((owner & OwnerWord<Env>::kFlagged) == 0) {
        owner_.flag(owner);
      } else {
        in_time = Env::wait(admissions_, admissions, deadline) != ETIMEDOUT;
      }
    }
  }

  /// `count` readers leave.
  void leave(std::uint32_t count) noexcept {
    // release: pairs with the owner's load in is_quiet() or drain().
    const std::uint32_t before = readers_.fetch_sub(count * kReader, std::memory_order_release);
    TAKT_CHECK(before >= count * kReader, "RwLock: unlock_shared() without a reader");
    if (before == count * kReader + kDraining) Env::wake(readers_, 1);
  }

  /// How many readers wait.
  std::uint32_t waiting_readers() const noexcept {
    // relaxed: a figure to show, it orders nothing.
    return static_cast<std::uint32_t>(gate_.load(std::memory_order_relaxed) & kWaiting);
  }

 private:
  static constexpr std::uint32_t kDraining = 1;
  static constexpr std::uint32_t kReader = 2;
  static constexpr std::uint32_t kMostReaders = 0xFFFF'0000U;  // in units of a bit
  static constexpr std::uint64_t kWaiting = 0xFFFF;
  static constexpr std::uint64_t kWriter = kWaiting + 1;
  static constexpr std::uint64_t kWriters = 0x3FFF * kWriter;
  static constexpr std::uint64_t kOpen = 1U << 30;
  static constexpr std::uint64_t kPassed = 1U << 31;
  static constexpr std::uint64_t kGeneration = kPassed << 1;
  static constexpr TimePoint kAtOnce = TimePoint::min();

  static constexpr bool same_generation(std::uint64_t one, std::uint64_t other) noexcept {
    return (one ^ other) < kGeneration;
  }

  // --- writers
  // ------------------------------------------------------------------------------------

  /// Whether there are neither readers nor anything to see to at the gate. For the owner.
  bool is_quiet() const noexcept {
    // seq_cst: pairs with announce(), after which a reader looks for the owner. Acquires what the
    // readers before released.
    // relaxed: what earlier owners did is known with owner_; a reader that joins unnoticed flags
    // it.
    return readers_.load(std::memory_order_seq_cst) == 0 &&
           (gate_.load(std::memory_order_relaxed) & (kGeneration - 1)) == 0;
  }

  [[gnu::noinline]] bool wait_for_ownership(TimePoint deadline) noexcept {
    for (int spin = 0; spin < kSpins; ++spin) {
      Env::pause();
      if (owner_.value() == 0 && owner_.try_acquire()) return true;
    }
    if constexpr (kFairness == Fairness::writer_preferring) {
      // relaxed, also below: the number is for the owner's CAS in leave_to_next().
      const std::uint64_t before = gate_.fetch_add(kWriter, std::memory_order_relaxed);
      TAKT_CHECK((before & kWriters) != kWriters, "RwLock: more than 16383 writers wait");
      if (!owner_.acquire(deadline)) {
        stop_waiting();
        return false;
      }
      gate_.fetch_sub(kWriter, std::memory_order_relaxed);
      return true;
    } else {
      return owner_.acquire(deadline);
    }
  }

  /// The owner becomes active, or withdraws. Returns which.
  [[gnu::noinline]] bool enter(TimePoint deadline) noexcept {
    if constexpr (kFairness == Fairness::reader_preferring) {
      while (!close()) {
        admit(kOpen);
        if (!drain(deadline)) return withdraw();
      }
      return true;
    } else {
      close();
      return drain(deadline) || withdraw();
    }
  }

  /// Lets no more readers in; lets in, where it is their turn, those that wait already. Returns
  /// whether there are none (reader-preferring only).
  bool close() noexcept {
    if constexpr (kFairness == Fairness::phase_fair) {
      admit(0);
      return true;
    } else {
      // seq_cst: as in is_quiet(), and drain() looks for readers next.
      const std::uint64_t before = gate_.fetch_and(~(kOpen | kPassed), std::memory_order_seq_cst);
      if ((before & kWaiting) != 0) {
        if constexpr (kFairness == Fairness::reader_preferring) return false;
        owner_.flag_own();  // they have flagged an earlier owner
      }
      return readers_.load(std::memory_order_seq_cst) < kReader;
    }
  }

  /// Waits until no reader is active. For the owner.
  bool drain(TimePoint deadline) noexcept {
    bool in_time = deadline != kAtOnce;
    int spins = kSpins;
    for (;;) {
      // seq_cst: as in is_quiet().
      std::uint32_t readers = readers_.load(std::memory_order_seq_cst);
      const bool draining = (readers & kDraining) != 0;
      if (readers < kReader || !in_time) {
        // relaxed: the owner's own bit.
        if (draining) readers_.fetch_sub(kDraining, std::memory_order_relaxed);
        return readers < kReader;
      }
      if (spins > 0) {
        --spins;
        Env::pause();
      } else if (draining) {
        in_time = Env::wait(readers_, readers, deadline) != ETIMEDOUT;
      } else {
        // relaxed: the bit carries no data; it is part of the word that the sleep compares.
        readers_.compare_exchange_strong(readers, readers | kDraining, std::memory_order_relaxed,
                                         std::memory_order_relaxed);
      }
    }
  }

  bool withdraw() noexcept {
    leave_to_next();
    return false;
  }

  [[gnu::noinline]] void unlock_contended() noexcept {
    TAKT_CHECK(owner_.is_mine(), "RwLock: unlocked by a thread that is not its writer");
    leave_to_next();
  }

  /// The owner leaves; readers may step in from here on.
  void leave_to_next() noexcept {
    if (!pass()) admit(kOpen);
    owner_.release();
  }

  /// Leaves the waiting readers to a waiting writer if there is one and it is preferred.
  bool pass() noexcept {
    if constexpr (kFairness == Fairness::writer_preferring) {
      // relaxed: the CAS decides.
      std::uint64_t gate = gate_.load(std::memory_order_relaxed);
      while ((gate & kWriters) != 0) {
        // release: pairs with the CAS in stop_waiting(), by which the readers may get in.
        if (gate_.compare_exchange_strong(gate, gate | kPassed, std::memory_order_release,
                                          std::memory_order_relaxed)) {
          return true;
        }
      }
    }
    return false;
  }

  /// A writer that waited for ownership gives up. If the readers have been left to it alone, it
  /// lets them in: the one who left them is on its way out, and the next owner closes the gate
  /// before it looks for readers.
  void stop_waiting() noexcept {
    std::uint64_t gate = gate_.load(std::memory_order_relaxed);
    for (;;) {
      if ((gate & kPassed) != 0 && (gate & kWriters) == kWriter) {
        if (admit_from(gate, kOpen, kWriter)) return;
      } else if (gate_.compare_exchange_strong(gate, gate - kWriter, std::memory_order_relaxed,
                                               std::memory_order_relaxed)) {
        return;
      }
    }
  }

  /// Turns all waiting readers into active ones in one RMW, and opens the gate or closes it.
  void admit(std::uint64_t open) noexcept {
    // relaxed: the CAS decides.
    std::uint64_t gate = gate_.load(std::memory_order_relaxed);
    while (!admit_from(gate, open, 0)) {
    }  // lock-free: repeated only when a thread has come to the gate or gone
  }

  bool admit_from(std::uint64_t& gate, std::uint64_t open, std::uint64_t leaving) noexcept {
    const auto waiting = static_cast<std::uint32_t>(gate & kWaiting);
    std::uint64_t next = ((gate & ~(kWaiting | kOpen | kPassed)) | open) - leaving;
    if (waiting != 0) {
      next += kGeneration;
      // relaxed: the release below is what an owner that must see it reads.
      readers_.fetch_add(waiting * kReader, std::memory_order_relaxed);
    }
    // seq_cst: as in is_quiet(), and drain() looks for readers next; releases what the readers
    // that are let in acquire in share_by().
    if (!gate_.compare_exchange_strong(gate, next, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
      if (waiting != 0) leave(waiting);
      return false;
    }
    if (waiting != 0) {
      // release: pairs with the acquire load in share_by(), which then sees the generation.
      admissions_.fetch_add(1, std::memory_order_release);
      Env::wake(admissions_, INT_MAX);
    }
    return true;
  }

  // --- readers
  // ------------------------------------------------------------------------------------

  /// Whether readers need not wait.
  bool is_admissible() const noexcept {
    // seq_cst: pairs with the owner, which announces itself, then looks for readers. Acquires what
    // the writer before released.
    return owner_.value() == 0 || (gate_.load(std::memory_order_seq_cst) & kOpen) != 0;
  }

  void announce() noexcept {
    // seq_cst: as in is_admissible().
    const std::uint32_t before = readers_.fetch_add(kReader, std::memory_order_seq_cst);
    TAKT_CHECK(before < kMostReaders, "RwLock: too many readers");
  }

  /// Announces a waiting reader. Returns the gate.
  std::uint64_t join() noexcept {
    // relaxed: its place among the changes of the gate is all that counts; share_by() looks again.
    const std::uint64_t joined = gate_.fetch_add(1, std::memory_order_relaxed);
    TAKT_CHECK((joined & kWaiting) != kWaiting, "RwLock: more than 65535 readers wait");
    return joined;
  }

  /// As step_in(), for one that waits since `joined`; nobody else may count it as admitted as well.
  bool step_in_waiting(std::uint64_t joined) noexcept {
    announce();
    if (!is_admissible()) {
      leave(1);
      return false;
    }
    // relaxed: the CAS decides.
    std::uint64_t gate = gate_.load(std::memory_order_relaxed);
    while (same_generation(gate, joined)) {
      // relaxed: it is active already.
      if (gate_.compare_exchange_strong(gate, gate - 1, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
        return true;
      }
    }
    leave(1);  // admitted meanwhile, it is counted twice
    return true;
  }

  OwnerWord<Env> owner_;
  typename Env::Word readers_{0};
  typename Env::template Atomic<std::uint64_t> gate_{0};
  typename Env::Word admissions_{0};
};

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_SYNC_RW_LOCK_STATE_H_
