// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_EVENT_RING_H_
#define TAKT_EXECUTOR_EVENT_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// What a worker did, one fixed record an event, in a ring that the worker overwrites and never
// waits for. Events are numbered 0, 1, 2, … without end; event i lies in cell i mod capacity.
//
//   written_  how many are complete. Stored by the worker only, after the cell's words.
//
//   reader:  [wants i] --i < written_ < i + capacity, before and after the copy--> [wants i + 1]
//                      --written_ = i: nothing new--> [wants i]
//                      --written_ >= i + capacity: overtaken--> [wants j > i], j - i events lost
//
// Invariant: the worker begins to overwrite event i only after it has stored i + capacity in
// written_. So a reader that finds less there *after* its copy has got the words of i alone:
// - no older ones: its first look, of i + 1 or more, pairs with the store behind the words of i;
// - no newer ones: a word of event i + capacity or later, being read, shows what came before it was
//   written, so the second look sees i + capacity or more.
// The newest capacity - 1 events can be read; the cell of one more may be under the worker's pen.
// A version in each cell (sync/versioned_cell.h) would let that one be read as well, and cost half
// as much memory again and one more store an event.

namespace takt::inline v0 {

/// What happened. Values are kept from version to version: traces outlive programs.
enum class EventKind : std::uint32_t {
  release = 1,         ///< the job became ready; noted by its worker, right before `start`
  start = 2,           ///< the job began
  completed = 3,       ///< it returned
  failed = 4,          ///< it threw
  cancelled = 5,       ///< a waiting job was ended: by its handle, or at stop(cancel)
  deadline_miss = 6,   ///< after an end: it was late
  budget_overrun = 7,  ///< after an end: it used more CPU time than its budget
  overrun = 8,         ///< a release came while the task's previous job was unfinished
  park = 9,            ///< the worker found nothing to do and sleeps
  wake = 10,           ///< it is awake again
  pause = 11,          ///< it may take no jobs: its lane is paused, or has enough workers
  resume = 12,         ///< it may again
};

/// One event, 16 bytes.
class WorkerEvent {
 public:
  /// What an event is about, without its kind; made once for all events of a job.
  enum class Subject : std::uint64_t {};

  /// A worker of `lane`.
  static constexpr Subject worker_of(std::uint32_t lane) noexcept {
    return Subject{std::uint64_t{lane} << kLaneShift};
  }
  /// Job number `index` of the task with this number, or the job of a slot of the lane in the
  /// slot's use number `index`; behind these slots are those of descriptors.
  static constexpr Subject job_of(std::uint32_t lane, bool is_task, std::uint32_t number,
                                  std::uint64_t index) noexcept {
    return Subject{index << kIndexShift | std::uint64_t{number} << kNumberShift |
                   std::uint64_t{lane} << kLaneShift | (is_task ? kTask : 0)};
  }

  constexpr WorkerEvent() noexcept = default;
  constexpr WorkerEvent(EventKind kind, std::int64_t time_ns, Subject subject) noexcept
      : time_ns_(time_ns),
        word_(static_cast<std::uint64_t>(subject) | static_cast<std::uint64_t>(kind)) {}

  constexpr EventKind kind() const noexcept {
    return static_cast<EventKind>(word_ & ((1U << kKindBits) - 1));
  }
  /// When it happened. A release lies before the event ahead of it when the job has waited.
  constexpr TimePoint time() const noexcept { return from_ns(time_ns_); }
  /// The worker's lane.
  constexpr std::uint32_t lane() const noexcept { return field(kLaneShift, kLaneBits); }
  /// Whether it is about a task's job. Else number() is a posted job's slot, or 0 for park, wake,
  /// pause and resume.
  constexpr bool is_task() const noexcept { return (word_ & kTask) != 0; }
  /// The task's number (Executor::task()), or the job's slot in its lane; a watched descriptor's
  /// job has a number from ExecutorLimits::jobs_per_lane on.
  constexpr std::uint32_t number() const noexcept { return field(kNumberShift, kNumberBits); }
  /// Which of the task's jobs, JobContext::index, or which job in that slot; modulo 2^32 and 2^24.
  constexpr std::uint32_t index() const noexcept { return field(kIndexShift, 32); }

 private:
  static constexpr unsigned kKindBits = 4;
  static constexpr std::uint64_t kTask = 1U << kKindBits;
  static constexpr unsigned kLaneShift = kKindBits + 1;
  static constexpr unsigned kLaneBits = 11;
  static constexpr unsigned kNumberShift = kLaneShift + kLaneBits;
  static constexpr unsigned kNumberBits = 16;
  static constexpr unsigned kIndexShift = kNumberShift + kNumberBits;
  static_assert(kIndexShift == 32);

  constexpr std::uint32_t field(unsigned shift, unsigned bits) const noexcept {
    return static_cast<std::uint32_t>(word_ >> shift & ((std::uint64_t{1} << bits) - 1));
  }

  std::int64_t time_ns_ = 0;
  std::uint64_t word_ = 0;
};
static_assert(sizeof(WorkerEvent) == 16 && std::is_trivially_copyable_v<WorkerEvent>);

/// The events of one worker, over memory of the executor's. Written by that worker; read through
/// any number of EventReaders, which the worker knows nothing of.
template <class Env>
class BasicEventRing {
  // As wide as the machine's: 64-bit atomics cost more on a 32-bit one.
  static constexpr std::size_t kWords = sizeof(WorkerEvent) / sizeof(std::uintptr_t);

 public:
  struct Cell {
    typename Env::template Atomic<std::uintptr_t> words[kWords];
  };

  /// Uses `capacity` cells (a power of two, at least 2). Called once, before any other call;
  /// without it there is no ring, and nobody may record.
  void attach(Cell* cells, std::uint32_t capacity) noexcept {
    cells_ = cells;
    mask_ = capacity - 1;
  }

  /// Whether there is a ring: ExecutorLimits::events_per_worker is not 0. Blocks: no. Callable
  /// from: any thread.
  bool enabled() const noexcept { return mask_ != 0; }
  /// How many events there are at most; of these all but the oldest can be read.
  std::uint32_t capacity() const noexcept { return enabled() ? mask_ + 1 : 0; }

  /// Appends an event, in the place of the oldest. Blocks: no. Bound: wait-free, three stores on
  /// 64-bit machines. Callable from: the worker. The ring is enabled().
  void record(const WorkerEvent& event) noexcept {
    std::uintptr_t words[kWords];
    std::memcpy(words, &event, sizeof event);
    // relaxed: the worker's own counter.
    const std::uint64_t number = written_.load(std::memory_order_relaxed);
    Cell& cell = cell_of(number);
    for (std::size_t i = 0; i < kWords; ++i) {
      // release: pairs with the acquire of a reader that comes upon this word too early.
      cell.words[i].store(words[i], std::memory_order_release);
    }
    // release: pairs with the acquire of written().
    written_.store(number + 1, std::memory_order_release);
  }

  /// How many events there were so far. Blocks: no. Bound: wait-free. Callable from: any thread.
  std::uint64_t written() const noexcept {
    // acquire: pairs with the release at the end of record(): they are there.
    return written_.load(std::memory_order_acquire);
  }

  /// Event `number`, which is below written(); nothing when the worker may have begun to overwrite
  /// it. Blocks: no. Bound: wait-free. Callable from: any thread.
  std::optional<WorkerEvent> read(std::uint64_t number) const noexcept {
    std::uintptr_t words[kWords];
    const Cell& cell = cell_of(number);
    for (std::size_t i = 0; i < kWords; ++i) {
      // acquire: pairs with the release of a later event's word; the look below comes after.
      words[i] = cell.words[i].load(std::memory_order_acquire);
    }
    // relaxed: the words' acquires put it after them.
    if (written_.load(std::memory_order_relaxed) - number > mask_) return std::nullopt;
    WorkerEvent event;
    std::memcpy(&event, words, sizeof event);
    return event;
  }

 private:
  Cell& cell_of(std::uint64_t number) const noexcept {
    return cells_[static_cast<std::size_t>(number & mask_)];
  }

  Cell* cells_ = nullptr;
  std::uint32_t mask_ = 0;
  typename Env::template Atomic<std::uint64_t> written_{0};
};

/// Reads the events of one worker, each once and in order, or learns how many it has lost. Owned by
/// one thread at a time; the executor must outlive it. Restarts of the executor go unnoticed: the
/// ring goes on.
template <class Env>
class BasicEventReader {
 public:
  using Ring = BasicEventRing<Env>;

  /// Begins with the oldest event that is still there.
  explicit BasicEventReader(const Ring& ring) noexcept : ring_(&ring) {
    if (!ring.enabled()) return;
    const std::uint64_t written = ring.written();
    next_ = written - (written < kept() ? written : kept());
  }

  /// The oldest event not yet read. Nothing: there is none; or the worker overwrote the reader's
  /// choice in each of kAttempts attempts, and what was lost is counted. Blocks: no. Bound:
  /// wait-free. Callable from: the owner, as everything here.
  std::optional<WorkerEvent> next() noexcept {
    for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
      const std::uint64_t written = ring_->written();
      if (written == next_) return std::nullopt;
      if (written - next_ > kept()) {
        // The oldest may be next to go; with each attempt nearer to the newest.
        const std::uint64_t distance = kept() >> attempt;
        const std::uint64_t oldest = written - (distance != 0 ? distance : 1);
        lost_ += oldest - next_;
        next_ = oldest;
      }
      const std::optional<WorkerEvent> event = ring_->read(next_);
      if (event.has_value()) {
        ++next_;
        return event;
      }
    }
    return std::nullopt;
  }

  /// How many events were overwritten before they were read.
  std::uint64_t lost() const noexcept { return lost_; }

  static constexpr unsigned kAttempts = 4;

 private:
  std::uint64_t kept() const noexcept { return ring_->capacity() - 1; }

  const Ring* ring_;
  std::uint64_t next_ = 0;
  std::uint64_t lost_ = 0;
};

using EventRing = BasicEventRing<ThreadEnv>;
using EventReader = BasicEventReader<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_EVENT_RING_H_
