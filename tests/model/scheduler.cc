// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/scheduler.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "takt/platform/check.h"

namespace takt::model {
namespace {

using State = ModelThread::State;
using Wait = ModelThread::Wait;

constexpr TimePoint kStart = from_ns(1'000'000'000);

constexpr std::uint32_t bit(int thread) { return std::uint32_t{1} << thread; }

}  // namespace

Scheduler::Ending Scheduler::execute(const Options& options, void (*body)(void*), void* argument) {
  TAKT_CHECK(!options.reduction || (options.preemptions == kUnbounded && options.freezes == 0),
             "sleep sets miss executions under a bound");
  options_ = options;
  ending_ = Ending::complete;
  running_ = kMain;
  settler_ = -1;
  thread_count_ = 1;
  preemptions_ = options.preemptions;
  freezes_ = options.freezes;
  phase_ = false;
  steps_ = 0;
  clock_ = kStart;
  uses_ = Uses();
  body_ = body;
  argument_ = argument;
  threads_[kMain].state = State::runnable;
  threads_[kMain].fiber.prepare(&main_entry, this);
  active_ = true;
  Fiber::transfer(host_, threads_[kMain].fiber);
  active_ = false;
  return ending_;
}

void Scheduler::main_entry(void* self) {
  auto& scheduler = *static_cast<Scheduler*>(self);
  scheduler.body_(scheduler.argument_);
  scheduler.abandon(Ending::complete);
}

void Scheduler::thread_entry(void* self) {
  auto& scheduler = *static_cast<Scheduler*>(self);
  ModelThread& thread = scheduler.self();
  thread.entry(thread.argument);
  thread.state = State::finished;
  scheduler.depart();
  __builtin_unreachable();
}

void Scheduler::abandon(Ending ending) {
  ending_ = ending;
  Fiber::transfer(threads_[running_].fiber, host_);
  __builtin_unreachable();
}

void Scheduler::fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(failure_, sizeof failure_, format, arguments);
  va_end(arguments);
  abandon(Ending::failed);
}

int Scheduler::add(void (*entry)(void*), void* argument) {
  TAKT_CHECK(running_ == kMain && !phase_, "threads are started by the model's body");
  TAKT_CHECK(thread_count_ < kMaxThreads, "kMaxThreads is too small");
  ModelThread& thread = threads_[thread_count_];
  thread.entry = entry;
  thread.argument = argument;
  thread.state = State::runnable;
  thread.paused = false;
  thread.unseen = 0;
  thread.wait = Wait::none;
  thread.spurious_wakes = options_.spurious_wakes;
  thread.weak_failures = options_.weak_failures;
  thread.stale_rereads = options_.stale_rereads;
  thread.reorderings = options_.reorderings;
  thread.early_timeouts = options_.early_timeouts;
  thread.fiber.prepare(&thread_entry, this);
  return thread_count_++;
}

void Scheduler::run() {
  int first = thread_count_;
  while (first > 1 && threads_[first - 1].state == State::runnable) --first;
  phase_ = true;
  sleeping_ = 0;
  first_of_phase_ = first;
  for (int i = first; i < thread_count_; ++i) settle(i);
  if (const int next = pick(); next != kMain) transfer(next);
  phase_ = false;
}

void Scheduler::transfer(int next) {
  const int from = running_;
  running_ = next;
  Fiber::transfer(threads_[from].fiber, threads_[next].fiber);
}

/// Lets `thread` run up to its next step, and comes back.
void Scheduler::settle(int thread) {
  settler_ = running_;
  transfer(thread);
}

/// The running thread can do nothing more for now: somebody else goes on.
void Scheduler::depart() {
  if (settler_ >= 0) {
    const int back = settler_;
    settler_ = -1;
    transfer(back);
  } else if (const int next = pick(); next != running_) {
    transfer(next);
  }
}

void Scheduler::count_step() {
  if (++steps_ > options_.steps || trail_.full()) abandon(Ending::truncated);
  if (trail_.diverged()) fail("the model is not deterministic: it asked differently this time");
}

void Scheduler::arrive(const Intent& intent) {
  if (!phase_) return count_step();
  ModelThread& thread = self();
  thread.intent = intent;
  if (freezes_ > 0 && (options_.freezable >> (running_ - first_of_phase_) & 1) != 0 &&
      trail_.choose(2) == 1) {
    --freezes_;
    ++uses_.freezes;
    thread.state = State::frozen;
    if (on_unwoken != nullptr) on_unwoken(running_, -1);
  }
  depart();
  count_step();
}

int Scheduler::block() {
  TAKT_CHECK(phase_, "the model's body itself cannot sleep: nobody would wake it");
  ModelThread& thread = self();
  if (options_.reduction && thread.deadline != kNever) {
    fail("a timed wait in a reduced search: see Options::reduction");
  }
  thread.state = State::blocked;
  thread.intent = {thread.address, thread.target, true};
  depart();
  return thread.result;
}

void Scheduler::wake(int thread, int result) {
  ModelThread& woken = threads_[thread];
  woken.state = State::runnable;
  woken.wait = Wait::none;
  woken.result = result;
  settle(thread);
}

void Scheduler::pause() {
  if (options_.reduction) fail("a pause in a reduced search: see Options::reduction");
  if (phase_) self().paused = true;
}

bool Scheduler::spuriously(const ModelThread& thread) const {
  return thread.spurious_wakes > 0 && thread.wait != Wait::lock;
}

/// Chooses whose step is next; kMain when all threads are done.
int Scheduler::pick() {
  int candidates[kMaxThreads] = {};  // all of it: the analyzer does not follow the counts
  int count = 0;
  const auto ready = [&](int i) {
    return threads_[i].state == State::runnable && !threads_[i].paused;
  };
  const bool going = running_ != kMain && ready(running_);
  if (going) {
    if (preemptions_ == 0) return running_;
    candidates[count++] = running_;
  }
  for (int i = 1; i < thread_count_; ++i) {
    if (ready(i) && !(going && i == running_)) candidates[count++] = i;
  }
  if (count == 0) {  // then those that paused go on after all
    for (int i = 1; i < thread_count_; ++i) {
      if (threads_[i].state == State::runnable) candidates[count++] = i;
    }
  }
  const bool early = count != 0;
  bool asleep = false;
  bool alive = early;
  for (int i = 1; i < thread_count_; ++i) {
    const ModelThread& thread = threads_[i];
    if (thread.state != State::blocked) continue;
    asleep = true;
    const bool timed = thread.deadline != kNever && (!early || thread.early_timeouts > 0);
    alive = alive || timed;
    if (timed || spuriously(thread)) candidates[count++] = i;
  }
  if (!alive) {
    if (asleep) deadlock();
    return kMain;
  }
  if (options_.reduction) count = filter_sleeping(candidates, count);
  const int choice = count > 1 ? trail_.choose(count) : 0;
  const int chosen = candidates[choice];
  if (going && chosen != running_) --preemptions_;
  if (options_.reduction) put_to_sleep(candidates, choice);
  for (int i = 1; i < thread_count_; ++i) threads_[i].paused = false;
  if (threads_[chosen].state == State::blocked) end_sleep(chosen, early);
  return chosen;
}

int Scheduler::filter_sleeping(int* candidates, int count) {
  int awake = 0;
  for (int i = 0; i < count; ++i) {
    if ((sleeping_ & bit(candidates[i])) == 0) candidates[awake++] = candidates[i];
  }
  if (awake == 0) abandon(Ending::pruned);
  return awake;
}

/// What the alternatives before the chosen one can do next has been explored already, until a step
/// is made that does not commute with theirs.
void Scheduler::put_to_sleep(const int* candidates, int choice) {
  const int chosen = candidates[choice];
  std::uint32_t asleep = sleeping_;
  for (int i = 0; i < choice; ++i) asleep |= bit(candidates[i]);
  sleeping_ = 0;
  for (int i = 1; i < thread_count_; ++i) {
    if ((asleep & bit(i)) != 0 && threads_[i].intent.commutes_with(threads_[chosen].intent)) {
      sleeping_ |= bit(i);
    }
  }
}

/// A sleeper goes on though nobody woke it: chooses why.
void Scheduler::end_sleep(int index, bool early) {
  ModelThread& thread = threads_[index];
  const bool timed = thread.deadline != kNever && (!early || thread.early_timeouts > 0);
  // A stray wake (0) or a signal; a waiter for requeue reports either as EAGAIN.
  const int strays = !spuriously(thread) ? 0 : thread.wait == Wait::requeue ? 1 : 2;
  const int reasons = (timed ? 1 : 0) + strays;
  int reason = reasons > 1 ? trail_.choose(reasons) : 0;
  if (!timed) ++reason;
  if (reason == 0) {
    if (early) --thread.early_timeouts;
    ++uses_.timeouts;
    if (thread.deadline > clock_) clock_ = thread.deadline;
    thread.result = ETIMEDOUT;
  } else {
    --thread.spurious_wakes;
    ++uses_.spurious_wakes;
    thread.result = thread.wait == Wait::requeue ? EAGAIN : reason == 1 ? 0 : EINTR;
  }
  thread.state = State::runnable;
  thread.wait = Wait::none;
  count_step();
  if (on_unwoken != nullptr) on_unwoken(index, thread.result);
}

void Scheduler::deadlock() {
  char who[160] = "";
  int length = 0;
  for (int i = 1; i < thread_count_; ++i) {
    const State state = threads_[i].state;
    if (state != State::blocked && state != State::frozen) continue;
    length +=
        std::snprintf(who + length, sizeof who - static_cast<std::size_t>(length), "%sT%d %s",
                      length == 0 ? "" : ", ", i, state == State::blocked ? "sleeps" : "is frozen");
  }
  fail("deadlock: %s, and nobody is left to wake them", who);
}

}  // namespace takt::model
