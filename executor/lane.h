// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_LANE_H_
#define TAKT_EXECUTOR_LANE_H_

#include <atomic>
#include <bit>
#include <cstdint>

#include "takt/executor/inbox.h"
#include "takt/executor/index_ring.h"
#include "takt/executor/limits.h"
#include "takt/executor/room.h"
#include "takt/executor/slot_bitmap.h"
#include "takt/platform/event_poll.h"
#include "takt/platform/time.h"
#include "takt/sync/env.h"

// A lane: one ready ring a priority level, a bitmap of free job slots, an inbox a worker, and the
// parking of its workers. Indices below the lane's number of job slots are posted jobs, those above
// are tasks.
//
// Parking. `signal_` holds a bit for each parked worker and kClosed; each worker has a futex word.
//   signal_ bit w (0-30)  set by worker w before it sleeps, cleared by w when it is awake again.
//   signal_ bit 31        kClosed: set by close(), cleared by open(). No post is accepted.
//   word bits 0-1         kAsleep: set by the worker when it parks. kClaimed: set by a waker's CAS,
//                         a wake is on its way. kWoken: set by that waker once the wake is sent,
//                         and by the worker when it is awake again.
//   word bit 2            kPolling: set by the worker's CAS, it sleeps in the poll of its parker,
//                         not on the word.
//   word bits 3-31        how often the worker has parked: a waker that was preempted for long
//                         cannot mistake a later sleep for the one that it ended.
//
//                    park()                rouse(): CAS               futex wake sent: CAS
//        [awake] ------------> [asleep] ----------------> [claimed] ----------------> [woken]
//           ^                      | EINTR, time-out           |                         |
//           '----------------------'---------------------------'-------------------------'
//
//     worker w:  word = asleep; set bit w; look at rings, timers and kClosed again; sleep
//     poster:    publish in a ring; read signal_; rouse one worker
//
// Both write first and read the other's word second, all seq_cst: at least one of them sees the
// other (Dekker's pattern), so no wake-up is lost. A poster prefers a worker that nobody has
// claimed. If all sleepers are claimed but not yet woken, their wakers may be preempted, and the
// poster sends the wake itself: *no thread that stops inside a post keeps a worker asleep beside
// another's job*. For the same reason a worker that takes a job and sees both more jobs and
// sleepers wakes one of them (pass_on()). A wake says "look again" and no more: a stray one is
// harmless.
//
// A job for one worker goes into that worker's inbox: publish it there, then rouse that worker if
// its own word says that it sleeps. Park writes the word and then looks at the inbox: Dekker again.
//
// Timer leader. `leader_` names the worker that sleeps until `next_release_`; the others sleep
// without limit.
//
//                     park(): CAS 0 -> w + 1
//     [nobody leads] ------------------------> [w leads, asleep until next_release_]
//           ^                                             | release due, or woken
//           '------- step_down(): 0, wake a parked one <--'  before it runs a job
//
// step_down() writes leader_ and then reads signal_; park() sets its bit and then reads leader_:
// again one of the two sees the other, so timers are never without a leader while somebody sleeps.
// With nobody asleep each worker looks at next_release_ at every job boundary.
//
// Active workers. Only those numbered below `active_` take jobs; the others sit on the bench.
//
//                      bench()
//        [awake, number >= active_] ------> [benched: asleep on its word, no bit, no lead]
//           ^                                          | set_active(), close()
//           '------------------------------------------'
//
//     worker w:      word = asleep; give up the lead; wake another if jobs are ready; look at
//                    active_ again; sleep
//     set_active():  write active_; rouse each worker that it concerns
//
// Again both write first and read second. A poster that saw w's bit before, or sees it late, may
// claim w in place of a worker that could take the job. It has published before it read w's word:
// either it finds w asleep and wakes it, or w finds the job; both ways w looks at the rings after
// it has written its word, and wakes another one. The lead goes the same way.
//
// Descriptors. While `watched_`, the leader sleeps in the lane's poll, which ends when a descriptor
// is ready, at next_release_, or by its wake(), a token that stays until a wait takes it:
//
//     leader:    word = asleep; set bit; lead; look again; CAS asleep -> asleep | kPolling; poll
//     waker:     CAS asleep -> claimed; kPolling seen: poll's wake(), else futex wake
//
// Both change the same word by a CAS: a waker that comes first makes the leader's fail, which then
// does not sleep; one that comes later sees kPolling. *Only the leader waits in the poll*, also to
// look without sleeping (lead()), so nobody takes a token meant for another who still sleeps. A
// token left by a late waker is a stray wake. A waker so late that the worker serves another lane
// by now finds that lane's poll in the parker. set_watched() works as set_next_release(): it writes
// watched_ and then wakes the leader, who reads watched_ after it has taken the lead.

namespace takt::inline v0 {

/// Where one worker sleeps, and the jobs that are for it alone. A cache line of its own: wakers
/// write it.
template <class Env, class Poll = platform::EventPoll>
struct alignas(64) BasicParker {
  typename Env::Word word;
  BasicInbox<Env> inbox;
  /// While the word says kPolling; and an open one of some lane ever after. Set by the worker.
  typename Env::template Atomic<Poll*> poll;
};

/// The part of a lane that posters and workers share, without jobs, clocks and threads. `Poll` is
/// where its leader waits for descriptors: wait(events, deadline) and wake().
template <class Env, class Poll = platform::EventPoll>
class BasicLane {
 public:
  using Ring = BasicIndexRing<Env>;
  using Slots = BasicSlotBitmap<Env>;
  using Parker = BasicParker<Env, Poll>;
  static constexpr std::uint32_t kNone = Ring::kNone;
  static constexpr std::uint32_t kMaxWorkers = 31;

  /// Uses kPriorityLevels times `capacity` cells (a power of two, room for all indices of the lane)
  /// and Slots::words_for(slots) words, all zero. The slots 0 to `slots` - 1 become free. The lane
  /// begins closed. Called once, before any other call.
  void attach(typename Ring::Cell* cells, std::uint32_t capacity, typename Slots::Word* words,
              std::uint32_t slots) noexcept {
    for (Ring& ring : ready_) {
      ring.attach(cells, capacity);
      cells += capacity;
    }
    free_.attach(words, slots);
    // relaxed, twice: no other thread knows the lane yet.
    next_release_.store(to_ns(kNever), std::memory_order_relaxed);
    signal_.store(kClosed, std::memory_order_relaxed);
  }

  /// Accepts posts from now on, for `workers` workers that sleep in `parkers`. Behind these must be
  /// parkers for as many workers as the lane ever had: a late poster may wake one of them. Called
  /// while no worker runs. Callable from: the thread that starts the executor.
  void open(Parker* parkers, std::uint32_t workers) noexcept {
    workers_ = workers;
    for (std::uint32_t worker = 0; worker < workers; ++worker) parkers[worker].inbox.open();
    // relaxed, thrice: the workers wait for a latch that is opened after this; posters have the
    // release below.
    parkers_.store(parkers, std::memory_order_relaxed);
    leader_.store(kNobody, std::memory_order_relaxed);
    active_.store(workers, std::memory_order_relaxed);
    // relaxed: only who opens writes it.
    run_.store(run_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    // release: pairs with the acquire load in closed(); who may post sees the parkers, and the run.
    signal_.store(0, std::memory_order_release);
  }

  /// Refuses posts from now on and wakes all workers and all who wait for a slot, so that they see
  /// it. Blocks: no. Bound: O(workers), a system call for each that sleeps. Callable from: any
  /// thread.
  void close() noexcept {
    // seq_cst: before the look at who waits for room.
    signal_.fetch_or(kClosed, std::memory_order_seq_cst);
    for (std::uint32_t worker = 0; worker < workers_; ++worker) wake(parker(worker));
    room_.tell();
  }

  /// Whether close() was called. Blocks: no. Callable from: any thread.
  bool closed() const noexcept {
    // seq_cst: who sees it closed sees at its next look all that was published while it was open.
    // Its acquire pairs with the release of open().
    return (signal_.load(std::memory_order_seq_cst) & kClosed) != 0;
  }

  // Posting. Callable from: any thread. Blocks: no.

  /// A free job slot, now the caller's; kNone when all are in use. Bound: O(slots / 64).
  std::uint32_t acquire_slot() noexcept { return free_.acquire(posters_.free_hint); }

  /// As acquire_slot(), but waits until there is one, the lane closes, also when it is open again
  /// by then, or `deadline`; then kNone. `sleep`: as for BasicRoom::wait(). Blocks: as said. Bound:
  /// a look for each slot given back.
  template <class... Sleep>
  std::uint32_t wait_for_slot(TimePoint deadline, const Sleep&... sleep) noexcept {
    std::uint32_t slot = kNone;
    // relaxed, twice: closed() orders it; who finds the lane opened anew finds another run.
    const std::uint32_t run = run_.load(std::memory_order_relaxed);
    const auto look = [this, &slot, run] {
      if (closed() || run_.load(std::memory_order_relaxed) != run) return true;
      slot = acquire_slot();
      return slot != kNone;
    };
    static_cast<void>(room_.wait(look, deadline, sleep...));
    return slot;
  }

  /// Gives back a job slot. Bound: wait-free; a system call only while somebody waits for one.
  void release_slot(std::uint32_t slot) noexcept {
    free_.release(slot);
    room_.tell();
  }

  /// Takes, instead of a worker, the oldest index of the lowest level that has one, but none of a
  /// higher priority than `level`. A level whose oldest index is not below `limit` is left alone.
  /// kNone when there is nothing to take. Bound: lock-free.
  std::uint32_t take_oldest(Priority level, std::uint32_t limit) noexcept {
    const auto highest = static_cast<std::uint32_t>(level);
    for (std::uint32_t number = kPriorityLevels; number-- > highest;) {
      const std::uint32_t index = ready_[number].pop(takers_.ready_head[number], limit);
      if (index != kNone) return index;
    }
    return kNone;
  }

  /// Gives `item` to one worker, and wakes it if it sleeps; `link` as for BasicInbox::push().
  /// False: that worker has left. Bound: lock-free, plus one system call when it sleeps.
  template <class Link>
  bool publish_to(std::uint32_t worker, std::uint32_t item, const Link& link) noexcept {
    // Named once, so that who gets the item is who gets the wake.
    Parker& addressee = parker(worker);
    if (!addressee.inbox.push(item, link)) return false;
    wake(addressee);
    return true;
  }

  /// Makes `index` ready and wakes a worker if one sleeps. Returns false when the lane closed
  /// meanwhile and no worker has taken the job, or when what earlier posts withdrew then has not
  /// been cleared away yet: the job is the caller's again. Bound: lock-free, plus
  /// one system call when a worker sleeps.
  bool publish(Priority level, std::uint32_t index) noexcept {
    const std::uint64_t position = push(level, index);
    if (position == Ring::kNoPosition) [[unlikely]]
      return false;
    if (wake_one()) [[likely]]
      return true;
    // The workers may have left without seeing it.
    return !ready_[static_cast<std::uint32_t>(level)].withdraw(position, index);
  }

  /// As publish() for a job without which the workers do not leave (promises.h): it is never taken
  /// back. False: there is no room, for the second reason. Bound: as publish().
  bool publish_promised(Priority level, std::uint32_t index) noexcept {
    if (push(level, index) == Ring::kNoPosition) return false;
    wake_one();
    return true;
  }

  /// Makes `index` ready and wakes nobody: for a worker that will look itself. Returns false as
  /// publish() does, for the second reason.
  bool publish_quietly(Priority level, std::uint32_t index) noexcept {
    return push(level, index) != Ring::kNoPosition;
  }

  /// Wakes one sleeping worker, the timer leader last; nobody when all are awake. Returns whether
  /// the lane is open. Bound: O(workers), one system call at most.
  bool wake_one() noexcept {
    // seq_cst: after the publication, see the head of the file.
    const std::uint32_t seen = signal_.load(std::memory_order_seq_cst);
    if ((seen & ~kClosed) != 0) wake_one_of(seen & ~kClosed);
    return (seen & kClosed) == 0;
  }

  // Working. Callable from: worker `worker` of this lane, numbered from 0.

  /// Begins to work: it needs no wake before it parks. Called once, first. Blocks: no.
  void arrive(std::uint32_t worker) noexcept {
    auto& word = parker(worker).word;
    // relaxed, twice: saves publish_to() a system call. kWoken, whatever the count.
    word.store((word.load(std::memory_order_relaxed) | kStateMask) - 1, std::memory_order_relaxed);
  }

  /// The next job by priority and age, of the first `levels` levels; kNone when there is none.
  /// Blocks: no. Bound: lock-free.
  std::uint32_t take(std::uint32_t levels = kPriorityLevels) noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) {
      const std::uint32_t index = ready_[level].pop(takers_.ready_head[level]);
      if (index != kNone) return index;
    }
    return kNone;
  }

  /// The inbox of worker `worker`: its own.
  BasicInbox<Env>& inbox(std::uint32_t worker) const noexcept { return parker(worker).inbox; }

  /// Wakes another worker if one sleeps while jobs wait. Called after take() gave a job.
  /// Blocks: no. Bound: O(workers), plus one system call when it wakes one.
  void pass_on() noexcept {
    // relaxed: who sleeps later looks at the rings after it has set its bit.
    if ((signal_.load(std::memory_order_relaxed) & ~kClosed) != 0 && !nothing_ready()) wake_one();
  }

  /// Sleeps until somebody publishes, a release is due or a descriptor ready (the leader), or the
  /// lane closes; may return early. What is ready is then in `events`, which may be null where no
  /// descriptor is ever watched. Blocks: as said. Bound: returns at once if there is something to
  /// do.
  void park(std::uint32_t worker, typename Poll::Events* events = nullptr) noexcept {
    const std::uint32_t bit = 1U << worker;
    Parker& own = parker(worker);
    auto& word = own.word;
    // relaxed: only this worker changes the count, wakers keep it.
    const std::uint32_t asleep = (word.load(std::memory_order_relaxed) | kSleepMask) + 1;
    // seq_cst: before next_release_ and the inbox are read, so that set_next_release() and
    // publish_to() rouse this sleep.
    word.store(asleep, std::memory_order_seq_cst);
    const std::uint32_t before = signal_.fetch_or(bit, std::memory_order_seq_cst);
    const bool leads = lead(worker);
    // seq_cst: read after the word was written; set_active() writes it before it reads the word.
    const bool active = worker < active_.load(std::memory_order_seq_cst);
    if ((before & kClosed) == 0 && active && nothing_ready() && own.inbox.empty()) {
      // seq_cst: read after the bit was set and the lead taken; set_next_release() writes it first.
      const TimePoint release = from_ns(next_release_.load(std::memory_order_seq_cst));
      // seq_cst: as above; set_watched() writes it first.
      if (leads && watched_.load(std::memory_order_seq_cst) != 0) {
        std::uint32_t unclaimed = asleep;
        // relaxed: published by the CAS.
        own.poll.store(&poll_, std::memory_order_relaxed);
        // seq_cst: the sleep's state. Failure: somebody has claimed it, there is something to do.
        if (word.compare_exchange_strong(unclaimed, asleep | kPolling, std::memory_order_seq_cst)) {
          poll_.wait(*events, release);
        }
      } else {
        Env::wait(word, asleep, leads ? release : kNever);
      }
    }
    // seq_cst: before the next look at the rings, so that a poster that still saw the bit, and
    // found this worker woken, is seen.
    signal_.fetch_and(~bit, std::memory_order_seq_cst);
    // relaxed: saves publish_to() the wake of one who is awake.
    word.store(asleep | kWoken, std::memory_order_relaxed);
  }

  /// Takes the lead if nobody has it; whether `worker` leads. Blocks: no. Bound: wait-free.
  bool lead(std::uint32_t worker) noexcept {
    std::uint32_t leader = kNobody;
    return leader_.compare_exchange_strong(leader, worker + 1, std::memory_order_seq_cst) ||
           leader == worker + 1;
  }

  /// Gives up the lead, if `worker` has it; if then nobody leads, wakes a sleeping worker, which
  /// will. Called before user code runs. Blocks: no. Bound: O(workers), plus one system call when
  /// it wakes one.
  void step_down(std::uint32_t worker) noexcept {
    if (workers_ != 1) hand_on_lead(worker);
  }

  /// Whether `worker` may take jobs: all may in a lane that closes. Blocks: no. Bound: wait-free.
  bool is_active(std::uint32_t worker) const noexcept {
    // acquire: pairs with set_active(), so that the jobs after a resume() see what came before it.
    // A stale value is one job more or one sleep less; sleeping looks again.
    return worker < active_.load(std::memory_order_acquire) || closed();
  }

  /// Sleeps until `worker` is active; may return early. Called by one that is not. Blocks: as said.
  /// Bound: returns at once when it is.
  void bench(std::uint32_t worker) noexcept {
    auto& word = parker(worker).word;
    // relaxed: only this worker changes the count, wakers keep it.
    const std::uint32_t asleep = (word.load(std::memory_order_relaxed) | kSleepMask) + 1;
    // seq_cst: before the rings, active_ and signal_ are read.
    word.store(asleep, std::memory_order_seq_cst);
    hand_on_lead(worker);
    if (!nothing_ready()) wake_one();
    // seq_cst, and in closed(): set_active() and close() write before they read the word.
    if (worker >= active_.load(std::memory_order_seq_cst) && !closed()) {
      Env::wait(word, asleep, kNever);
    }
  }

  /// How many jobs are ready. A figure; exact while nobody posts and takes. Blocks: no. Bound:
  /// O(jobs). Callable from: any thread.
  std::uint32_t backlog() const noexcept {
    std::uint32_t sum = 0;
    for (std::uint32_t level = 0; level < kPriorityLevels; ++level) {
      sum += ready_[level].size(takers_.ready_head[level]);
    }
    return sum;
  }

  /// Whether this worker, if it is parked, has a reason not to be: it was woken, or leads to a
  /// release that is due at `now_ns`. Blocks: no. Bound: wait-free. Callable from: any thread.
  bool is_called(std::uint32_t worker, std::int64_t now_ns) const noexcept {
    // relaxed, thrice: a figure.
    return (parker(worker).word.load(std::memory_order_relaxed) & kStateMask) != kAsleep ||
           (leader_.load(std::memory_order_relaxed) == worker + 1 &&
            next_release_.load(std::memory_order_relaxed) <= now_ns);
  }

  /// Whether no job of the first `levels` levels waits, each at some instant during the call.
  /// Blocks: no. Bound: lock-free. Callable from: any thread.
  bool nothing_ready(std::uint32_t levels = kPriorityLevels) const noexcept {
    for (std::uint32_t level = 0; level < levels; ++level) {
      if (!ready_[level].empty(takers_.ready_head[level])) return false;
    }
    return true;
  }

  // Which workers. Callable from: whoever holds the lock of the lane's timers.

  /// Lets the workers 0 to `count` - 1 take jobs, and no others; those that begin and those that
  /// cease wake up to see it. Blocks: no. Bound: O(workers), a system call for each of those that
  /// sleeps.
  void set_active(std::uint32_t count) noexcept {
    // seq_cst: before the words are read, see bench().
    const std::uint32_t before = active_.exchange(count, std::memory_order_seq_cst);
    const std::uint32_t last = before < count ? count : before;
    for (std::uint32_t worker = before < count ? before : count; worker < last; ++worker) {
      wake(parker(worker));
    }
  }

  /// How many workers may take jobs. Callable from: any thread.
  std::uint32_t active() const noexcept {
    // relaxed: a figure.
    return active_.load(std::memory_order_relaxed);
  }

  // Timers. Callable from: whoever holds the lock of the lane's timers.

  /// The earliest release, in nanoseconds of the monotonic clock; kNever's when there is none.
  /// Callable from: any thread.
  std::int64_t next_release() const noexcept {
    // relaxed: a stale value is a release seen one job boundary later; sleeping looks again.
    return next_release_.load(std::memory_order_relaxed);
  }

  /// Sets the earliest release. With `wake_leader` the sleeping leader looks at it again, or, where
  /// nobody leads, a sleeper who then does: needed when it became earlier. Blocks: no. Bound:
  /// O(workers), plus one system call.
  void set_next_release(std::int64_t release, bool wake_leader) noexcept {
    next_release_.store(release, std::memory_order_seq_cst);
    if (!wake_leader) return;
    tell_leader();
  }

  // Descriptors. Callable from: whoever holds the lock of the lane's descriptors.

  /// Whether the leader waits in the poll. Callable from: any thread.
  bool watched() const noexcept {
    // relaxed: a stale value is a look one job boundary later; sleeping looks again.
    return watched_.load(std::memory_order_relaxed) != 0;
  }

  /// Says whether descriptors are watched; poll() must be open before. A leader that sleeps on its
  /// word moves to the poll. Blocks: no. Bound: O(workers), plus one system call.
  void set_watched(bool watched) noexcept {
    watched_.store(watched ? 1 : 0, std::memory_order_seq_cst);
    if (watched) tell_leader();
  }

  /// Where the leader waits for descriptors, and how others change what it waits for. Its wait() is
  /// the leader's only, see lead().
  Poll& poll() noexcept { return poll_; }

 private:
  std::uint64_t push(Priority level, std::uint32_t index) noexcept {
    const auto number = static_cast<std::uint32_t>(level);
    return ready_[number].push(posters_.ready_tail[number], index);
  }

  static constexpr std::uint32_t kClosed = 0x8000'0000U;
  static constexpr std::uint32_t kNobody = 0;
  static constexpr std::uint32_t kStateMask = 3;
  static constexpr std::uint32_t kAsleep = 0;
  static constexpr std::uint32_t kClaimed = 1;
  static constexpr std::uint32_t kWoken = 2;
  static constexpr std::uint32_t kPolling = 4;
  static constexpr std::uint32_t kSleepMask = kStateMask | kPolling;

  /// What rouse() did: sent the wake; found another waker's on its way; found it sent.
  enum class Roused { now, soon, already };

  /// step_down() for any number of workers.
  void hand_on_lead(std::uint32_t worker) noexcept {
    // seq_cst: before signal_ is read, see the head of the file.
    const std::uint32_t leader = leader_.load(std::memory_order_seq_cst);
    if (leader == worker + 1) {
      leader_.store(kNobody, std::memory_order_seq_cst);
    } else if (leader != kNobody) {
      return;
    }
    // The last leader may have woken this worker to lead, which instead found a job.
    // seq_cst: read after the lead was given up; set_next_release() writes it before it looks for
    // a leader.
    const bool timed = next_release_.load(std::memory_order_seq_cst) != to_ns(kNever);
    // seq_cst: as the release.
    if (timed || watched_.load(std::memory_order_seq_cst) != 0) wake_one();
  }

  /// One of the sleeping workers, the leader only when it is alone.
  std::uint32_t choose(std::uint32_t asleep) const noexcept {
    // relaxed: a preference; any sleeping worker is correct.
    const std::uint32_t leader = leader_.load(std::memory_order_relaxed);
    const std::uint32_t others = leader == kNobody ? asleep : asleep & ~(1U << (leader - 1));
    return static_cast<std::uint32_t>(std::countr_zero(others != 0 ? others : asleep));
  }

  Parker& parker(std::uint32_t worker) const noexcept {
    // relaxed: set before the bits of signal_ that name a worker.
    return parkers_.load(std::memory_order_relaxed)[worker];
  }

  static Roused rouse(Parker& parker) noexcept {
    auto& word = parker.word;
    // seq_cst: after signal_ or leader_ was read, or an inbox filled, see park().
    std::uint32_t seen = word.load(std::memory_order_seq_cst);
    while ((seen & kStateMask) == kAsleep) {
      if (word.compare_exchange_weak(seen, seen | kClaimed, std::memory_order_seq_cst)) {
        send_wake(parker, seen);
        std::uint32_t claimed = seen | kClaimed;
        // relaxed: tells later posters that they may save the system call. Failure: the worker has
        // parked again meanwhile.
        word.compare_exchange_strong(claimed, seen | kWoken, std::memory_order_relaxed);
        return Roused::now;
      }
    }
    return (seen & kStateMask) == kClaimed ? Roused::soon : Roused::already;
  }

  /// Wakes one of the workers in `asleep`. Out of line: a post to an awake worker needs no frame.
  [[gnu::noinline]] void wake_one_of(std::uint32_t asleep) noexcept {
    std::uint32_t claimed = 0;
    while (asleep != 0) {
      const std::uint32_t worker = choose(asleep);
      const Roused roused = rouse(parker(worker));
      if (roused == Roused::now) return;
      if (roused == Roused::soon && claimed == 0) claimed = worker + 1;
      asleep &= ~(1U << worker);
    }
    if (claimed != 0) send_wake_again(parker(claimed - 1));
  }

  /// Wakes this worker, whoever else may be at it.
  void wake(Parker& parker) noexcept {
    if (rouse(parker) == Roused::soon) send_wake_again(parker);
  }

  /// To where the worker sleeps, as its word says.
  static void send_wake(Parker& parker, std::uint32_t seen) noexcept {
    if ((seen & kPolling) != 0) [[unlikely]] {
      // relaxed: who read kPolling acquired what was written before.
      parker.poll.load(std::memory_order_relaxed)->wake();
    } else {
      Env::wake(parker.word, 1);
    }
  }
  /// The wake of a waker that has claimed the worker and may have stopped.
  static void send_wake_again(Parker& parker) noexcept {
    // acquire: pairs with the worker's CAS that says where it sleeps.
    send_wake(parker, parker.word.load(std::memory_order_acquire));
  }

  /// Has the leader look again at what it sleeps for, after a change of it.
  void tell_leader() noexcept {
    // seq_cst: after the change, see step_down() and park().
    const std::uint32_t leader = leader_.load(std::memory_order_seq_cst);
    if (leader != kNobody) {
      wake(parker(leader - 1));
    } else {
      wake_one();  // a sleeper becomes the leader; there may be one that nobody leads
    }
  }

  /// What posters write with each job.
  struct alignas(64) Posters {
    typename Ring::Counter ready_tail[kPriorityLevels];
    typename Slots::Hint free_hint;
  };
  /// What workers write with each job.
  struct alignas(64) Takers {
    typename Ring::Counter ready_head[kPriorityLevels];
  };

  Posters posters_;
  Takers takers_;
  // What all read and hardly anybody writes while the lane is busy.
  alignas(64) Ring ready_[kPriorityLevels];
  Slots free_;
  // Atomic, because a poster that was stopped between its load of signal_ and its wake may sleep
  // through a restart with other workers. Its wake then goes to any of the executor's parkers.
  typename Env::template Atomic<Parker*> parkers_;
  std::uint32_t workers_;
  typename Env::Word signal_;
  typename Env::Word leader_;
  typename Env::Word active_;
  typename Env::Word run_;  // how often the lane was opened
  BasicRoom<Env> room_;
  typename Env::template Atomic<std::int64_t> next_release_;
  typename Env::Word watched_;
  Poll poll_;
};

using Lane = BasicLane<ThreadEnv>;
using Parker = BasicParker<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_LANE_H_
