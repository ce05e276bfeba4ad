// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_LANE_H_
#define TAKT_EXECUTOR_LANE_H_

#include <atomic>
#include <bit>
#include <cstdint>

#include "takt/executor/inbox.h"
#include "takt/executor/limits.h"
#include "takt/executor/parker.h"
#include "takt/executor/ready_jobs.h"
#include "takt/executor/room.h"
#include "takt/executor/timer_lead.h"
#include "takt/platform/event_poll.h"
#include "takt/platform/time.h"
#include "takt/sync/env.h"

// A lane: its jobs (ready_jobs.h), where each of its workers sleeps (parker.h), which of them leads
// (timer_lead.h), and the rules that keep a job from waiting beside a worker that sleeps.
//
// Parking. `signal_` holds a bit for each parked worker and kClosed:
//   bit w (0-30)  set by worker w before it sleeps, cleared by w when it is awake again.
//   bit 31        kClosed: set by close(), cleared by open(). No post is accepted.
//
//     worker w:  word = asleep; set bit w; look at rings, timers and kClosed again; sleep
//     poster:    publish in a ring; read signal_; rouse one worker
//
// Both write first and read the other's word second, all seq_cst: at least one of them sees the
// other (Dekker's pattern), so no wake-up is lost. A poster prefers a worker that nobody has
// claimed. If all sleepers are claimed but not yet woken, their wakers may be preempted, and the
// poster sends the wake itself: *no thread that stops inside a post keeps a worker asleep beside
// another's job*. For the same reason a worker that takes a job and sees both more jobs and
// sleepers wakes one of them (pass_on()).
//
// A job for one worker goes into that worker's inbox: publish it there, then rouse that worker if
// its own word says that it sleeps. Park writes the word and then looks at the inbox: Dekker again.
//
// Timer leader. step_down() gives up the lead and then reads signal_; park() sets its bit and then
// asks for the lead: again one of the two sees the other.
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
// Descriptors. While some are watched, the leader sleeps in the lane's poll. *Only the leader waits
// in the poll*, also to look without sleeping (lead()), so nobody takes a token meant for another
// who still sleeps. set_watched() works as set_next_release(): it writes and then wakes the leader,
// who reads after it has taken the lead.

namespace takt::inline v0 {

/// The part of a lane that posters and workers share, without callables, clocks and threads. `Poll`
/// is where its leader waits for descriptors: wait(events, deadline) and wake().
template <class Env, class Poll = platform::EventPoll>
class BasicLane : private BasicReadyJobs<Env> {
  using Jobs = BasicReadyJobs<Env>;

 public:
  using typename Jobs::Ring;
  using typename Jobs::Slots;
  using Parker = BasicParker<Env, Poll>;
  using Jobs::kNone;
  static constexpr std::uint32_t kMaxWorkers = 31;

  /// As BasicReadyJobs::attach(). The lane begins closed.
  void attach(typename Ring::Cell* cells, std::uint32_t capacity, typename Slots::Word* words,
              std::uint32_t slots) noexcept {
    Jobs::attach(cells, capacity, words, slots);
    lead_.attach();
    // relaxed: no other thread knows the lane yet.
    signal_.store(kClosed, std::memory_order_relaxed);
  }

  /// Accepts posts from now on, for `workers` workers that sleep in `parkers`. Behind these must be
  /// parkers for as many workers as the lane ever had: a late poster may wake one of them. Called
  /// while no worker runs. Callable from: the thread that starts the executor.
  void open(Parker* parkers, std::uint32_t workers) noexcept {
    workers_ = workers;
    for (std::uint32_t worker = 0; worker < workers; ++worker) parkers[worker].inbox.open();
    // relaxed, twice: the workers wait for a latch that is opened after this; posters have the
    // release below.
    parkers_.store(parkers, std::memory_order_relaxed);
    lead_.open();
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
    for (std::uint32_t worker = 0; worker < workers_; ++worker) parker(worker).wake();
    room_.tell();
  }

  /// Whether close() was called. Blocks: no. Callable from: any thread.
  bool closed() const noexcept {
    // seq_cst: who sees it closed sees at its next look all that was published while it was open.
    // Its acquire pairs with the release of open().
    return (signal_.load(std::memory_order_seq_cst) & kClosed) != 0;
  }

  // Posting. Callable from: any thread. Blocks: no.

  using Jobs::acquire_slot;
  using Jobs::backlog;
  using Jobs::nothing_ready;
  using Jobs::take_oldest;

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
    Jobs::release_slot(slot);
    room_.tell();
  }

  /// Gives `item` to one worker, and wakes it if it sleeps; `link` as for BasicInbox::push().
  /// False: that worker has left. Bound: lock-free, plus one system call when it sleeps.
  template <class Link>
  bool publish_to(std::uint32_t worker, std::uint32_t item, const Link& link) noexcept {
    // Named once, so that who gets the item is who gets the wake.
    Parker& addressee = parker(worker);
    if (!addressee.inbox.push(item, link)) return false;
    addressee.wake();
    return true;
  }

  /// Makes `index` ready and wakes a worker if one sleeps. Returns false when the lane closed
  /// meanwhile and no worker has taken the job, or when what earlier posts withdrew then has not
  /// been cleared away yet: the job is the caller's again. Bound: lock-free, plus
  /// one system call when a worker sleeps.
  bool publish(Priority level, std::uint32_t index) noexcept {
    const std::uint64_t position = Jobs::push(level, index);
    if (position == Ring::kNoPosition) [[unlikely]]
      return false;
    if (wake_one()) [[likely]]
      return true;
    // The workers may have left without seeing it.
    return !Jobs::withdraw(level, position, index);
  }

  /// As publish() for a job without which the workers do not leave (promises.h): it is never taken
  /// back. False: there is no room, for the second reason. Bound: as publish().
  bool publish_promised(Priority level, std::uint32_t index) noexcept {
    if (Jobs::push(level, index) == Ring::kNoPosition) return false;
    wake_one();
    return true;
  }

  /// Makes `index` ready and wakes nobody: for a worker that will look itself. Returns false as
  /// publish() does, for the second reason.
  bool publish_quietly(Priority level, std::uint32_t index) noexcept {
    return Jobs::push(level, index) != Ring::kNoPosition;
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

  using Jobs::take;

  /// As BasicParker::arrive(). Called once, first.
  void arrive(std::uint32_t worker) noexcept { parker(worker).arrive(); }

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
    const std::uint32_t asleep = own.announce();
    const std::uint32_t before = signal_.fetch_or(bit, std::memory_order_seq_cst);
    const bool leads = lead(worker);
    // seq_cst: read after the word was written; set_active() writes it before it reads the word.
    const bool active = worker < active_.load(std::memory_order_seq_cst);
    if ((before & kClosed) == 0 && active && nothing_ready() && own.inbox.empty()) {
      const TimePoint release = lead_.leads_until();
      if (leads && lead_.leads_in_poll()) {
        own.sleep_in(poll_, *events, asleep, release);
      } else {
        own.sleep(asleep, leads ? release : kNever);
      }
    }
    // seq_cst: before the next look at the rings, so that a poster that still saw the bit, and
    // found this worker woken, is seen.
    signal_.fetch_and(~bit, std::memory_order_seq_cst);
    own.rise(asleep);
  }

  /// Takes the lead if nobody has it; whether `worker` leads. Blocks: no. Bound: wait-free.
  bool lead(std::uint32_t worker) noexcept { return lead_.lead(worker); }

  /// Gives up the lead, if `worker` has it; if then nobody leads, wakes a sleeping worker, which
  /// will. Called before user code runs. Blocks: no. Bound: O(workers), plus one system call when
  /// it wakes one.
  void step_down(std::uint32_t worker) noexcept {
    if (workers_ != 1 && lead_.step_down(worker)) wake_one();
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
    Parker& own = parker(worker);
    const std::uint32_t asleep = own.announce();
    if (lead_.step_down(worker)) wake_one();
    if (!nothing_ready()) wake_one();
    // seq_cst, and in closed(): set_active() and close() write before they read the word.
    if (worker >= active_.load(std::memory_order_seq_cst) && !closed()) {
      own.sleep(asleep, kNever);
    }
  }

  /// Whether this worker, if it is parked, has a reason not to be: it was woken, or leads to a
  /// release that is due at `now_ns`. Blocks: no. Bound: wait-free. Callable from: any thread.
  bool is_called(std::uint32_t worker, std::int64_t now_ns) const noexcept {
    // relaxed: as in parker(). Null: who asks knows of a start() before the lane is first opened.
    if (parkers_.load(std::memory_order_relaxed) == nullptr) return false;
    return parker(worker).is_called() ||
           (lead_.likely_leader() == worker + 1 && lead_.next_release() <= now_ns);
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
      parker(worker).wake();
    }
  }

  /// How many workers may take jobs. Callable from: any thread.
  std::uint32_t active() const noexcept {
    // relaxed: a figure.
    return active_.load(std::memory_order_relaxed);
  }

  // Timers. Callable from: whoever holds the lock of the lane's timers.

  /// As BasicTimerLead's. Callable from: any thread.
  std::int64_t next_release() const noexcept { return lead_.next_release(); }

  /// Sets the earliest release. With `wake_leader` the sleeping leader looks at it again, or, where
  /// nobody leads, a sleeper who then does: needed when it became earlier. Blocks: no. Bound:
  /// O(workers), plus one system call.
  void set_next_release(std::int64_t release, bool wake_leader) noexcept {
    lead_.set_next_release(release);
    if (wake_leader) tell_leader();
  }

  // Descriptors. Callable from: whoever holds the lock of the lane's descriptors.

  /// As BasicTimerLead's. Callable from: any thread.
  bool watched() const noexcept { return lead_.watched(); }

  /// Says whether descriptors are watched; poll() must be open before. A leader that sleeps on its
  /// word moves to the poll. Blocks: no. Bound: O(workers), plus one system call.
  void set_watched(bool watched) noexcept {
    lead_.set_watched(watched);
    if (watched) tell_leader();
  }

  /// Where the leader waits for descriptors, and how others change what it waits for. Its wait() is
  /// the leader's only, see lead().
  Poll& poll() noexcept { return poll_; }

 private:
  using Lead = BasicTimerLead<Env>;
  static constexpr std::uint32_t kClosed = 0x8000'0000U;

  /// One of the sleeping workers, the leader only when it is alone.
  std::uint32_t choose(std::uint32_t asleep) const noexcept {
    const std::uint32_t leader = lead_.likely_leader();
    const std::uint32_t others = leader == Lead::kNobody ? asleep : asleep & ~(1U << (leader - 1));
    return static_cast<std::uint32_t>(std::countr_zero(others != 0 ? others : asleep));
  }

  Parker& parker(std::uint32_t worker) const noexcept {
    // relaxed: set before the bits of signal_ that name a worker.
    return parkers_.load(std::memory_order_relaxed)[worker];
  }

  /// Wakes one of the workers in `asleep`. Out of line: a post to an awake worker needs no frame.
  [[gnu::noinline]] void wake_one_of(std::uint32_t asleep) noexcept {
    std::uint32_t claimed = 0;
    while (asleep != 0) {
      const std::uint32_t worker = choose(asleep);
      const Roused roused = parker(worker).rouse();
      if (roused == Roused::now) return;
      if (roused == Roused::soon && claimed == 0) claimed = worker + 1;
      asleep &= ~(1U << worker);
    }
    if (claimed != 0) parker(claimed - 1).wake_again();
  }

  /// Has the leader look again at what it sleeps for, after a change of it.
  void tell_leader() noexcept {
    const std::uint32_t leader = lead_.leader();
    if (leader != Lead::kNobody) {
      parker(leader - 1).wake();
    } else {
      wake_one();  // a sleeper becomes the leader; there may be one that nobody leads
    }
  }

  // Atomic, because a poster that was stopped between its load of signal_ and its wake may sleep
  // through a restart with other workers. Its wake then goes to any of the executor's parkers.
  typename Env::template Atomic<Parker*> parkers_;
  std::uint32_t workers_;
  typename Env::Word signal_;
  typename Env::Word active_;
  typename Env::Word run_;  // how often the lane was opened
  BasicRoom<Env> room_;
  Lead lead_;
  Poll poll_;
};

using Lane = BasicLane<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_LANE_H_
