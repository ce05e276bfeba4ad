// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <climits>

#include "takt/tests/model/engine.h"

// The futex calls of Linux as the checker's threads see them (futex(2); kernel/futex/pi.c's state
// rules). Where the kernel picks by priority or arrival, any waiter may be picked here. The kernel
// reads and writes the newest value, atomically with its queues, and none of it is an acquire or
// release: order between threads must come from the shipped code's own atomics. A write of the
// kernel's is a read-modify-write, so it continues a release sequence. A thread that is handed a PI
// lock has thereby read the word that says so: its next load of it cannot return an older value.
// Destruction: inside a call the kernel orders its own touches of the word, so they are no access
// that a destructor must come after; the call itself must begin before the destruction.
namespace takt::model {
namespace {

using Wait = ModelThread::Wait;

constexpr std::uint32_t kWaiters = 0x8000'0000;     // FUTEX_WAITERS
constexpr std::uint32_t kThreadMask = 0x3FFF'FFFF;  // FUTEX_TID_MASK
constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

std::uint32_t Engine::kernel_read(Location& word) {
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  const ClockVector last_access = word.last_access;
  const std::uint64_t value = memory_.read(scheduler_.running(), word, word.newest, kRelaxed);
  word.last_access = last_access;  // the kernel's touch is not the program's: see destroy()
  return static_cast<std::uint32_t>(value);
}

void Engine::kernel_write(Location& word, std::uint32_t value) {
  note_write(index_of(word));
  const ClockVector last_access = word.last_access;
  memory_.update(scheduler_.running(), word, word.newest, value, kRelaxed, scheduler_.steps());
  word.last_access = last_access;
}

/// The threads that sleep on `address` in the given way.
int Engine::sleepers(const void* address, Wait wait, int* threads) const {
  int count = 0;
  auto& scheduler = const_cast<Scheduler&>(scheduler_);
  for (int i = 1; i < scheduler.threads(); ++i) {
    const ModelThread& thread = scheduler.thread(i);
    if (thread.state == ModelThread::State::blocked && thread.wait == wait &&
        thread.address == address) {
      threads[count++] = i;
    }
  }
  return count;
}

/// Removes one of `threads`, any.
int Engine::take_sleeper(int* threads, int& count) {
  const int choice = count > 1 ? trail_.choose(count) : 0;
  const int thread = threads[choice];
  threads[choice] = threads[--count];
  return thread;
}

/// The word that is there now, whatever was there when the caller took the address.
Location* Engine::living_at(const void* address) {
  for (int i = 0; i < memory_.locations(); ++i) {
    Location& location = memory_.location(i);
    if (location.address == address && location.alive) return &location;
  }
  return nullptr;
}

int Engine::sleep(Wait wait, const void* address, const void* target, TimePoint deadline) {
  ModelThread& self = scheduler_.self();
  self.wait = wait;
  self.address = address;
  self.target = target;
  self.deadline = deadline;
  return scheduler_.block();
}

/// Makes `thread`, which sleeps, the owner.
void Engine::hand_over(Location& word, int thread, std::uint32_t value) {
  kernel_write(word, value);
  const ClockVector last_access = word.last_access;
  memory_.read(thread, word, word.newest, kRelaxed);
  word.last_access = last_access;
}

void Engine::record_kernel(int site, const char* text, const void* word, int result) {
  if (!recorder_.on()) return;
  std::string what = std::string(to_string(sites_[site].operation)) + ' ';
  for (int i = 0; i < memory_.locations(); ++i) {
    const Location& location = memory_.location(i);
    if (location.address == word && location.alive) {
      what += Recorder::name(location, i) + " (" +
              Recorder::value(memory_.store(location.newest).value) + ")";
    }
  }
  recorder_.step(scheduler_.steps(), scheduler_.running(), sites_[site],
                 what + ": " + text + (result < 0 ? "" : " " + std::to_string(result)));
}

int Engine::wait(AtomicId word, std::uint32_t expected, TimePoint deadline, Where where) {
  const int site = enter(Operation::wait, where, {}, {}, {word.address, nullptr, true});
  Location& location = locate(word);
  if (kernel_read(location) != expected) {
    record_kernel(site, "EAGAIN, the value differs", word.address, -1);
    return EAGAIN;
  }
  if (deadline <= scheduler_.clock()) {
    record_kernel(site, "ETIMEDOUT, the deadline has passed", word.address, -1);
    return ETIMEDOUT;
  }
  record_kernel(site, deadline == kNever ? "sleeps" : "sleeps until its deadline", word.address,
                -1);
  return sleep(Wait::futex, word.address, nullptr, deadline);
}

int Engine::wake(const void* word, int count, Where where) {
  const int site = enter(Operation::wake, where, {}, {}, {word, nullptr, true});
  sites_.note_wake(site, count);
  if (dropped(site)) {
    record_kernel(site, "dropped by the mutant", word, -1);
    return 0;
  }
  if (mutant_.kind == Mutant::Kind::wake_one && mutant_.site == site && count > 1) count = 1;
  int threads[kMaxThreads];
  int left = sleepers(word, Wait::futex, threads);
  int woken = 0;
  int chosen[kMaxThreads];
  while (left > 0 && woken < count) chosen[woken++] = take_sleeper(threads, left);
  record_kernel(site, "woken:", word, woken);
  for (int i = 0; i < woken; ++i) scheduler_.wake(chosen[i], 0);
  return woken;
}

int Engine::requeue(AtomicId from, std::uint32_t expected, int wake, const void* to, int move,
                    Where where) {
  const int site = enter(Operation::requeue, where, {}, {}, {from.address, to, true});
  Location& location = locate(from);
  if (kernel_read(location) != expected) {
    record_kernel(site, "EAGAIN, the value differs", from.address, -1);
    return EAGAIN;
  }
  if (dropped(site)) return 0;
  int threads[kMaxThreads];
  int left = sleepers(from.address, Wait::futex, threads);
  int chosen[kMaxThreads];
  int woken = 0;
  while (left > 0 && woken < wake) chosen[woken++] = take_sleeper(threads, left);
  for (int moved = 0; left > 0 && moved < move; ++moved) {
    ModelThread& thread = scheduler_.thread(take_sleeper(threads, left));
    thread.address = to;
    thread.intent.address = to;
  }
  record_kernel(site, "woken:", from.address, woken);
  for (int i = 0; i < woken; ++i) scheduler_.wake(chosen[i], 0);
  return 0;
}

/// The kernel's attempt to make `thread` the owner. True: it is, or `error` says why it cannot be.
/// False: somebody else owns it, the waiters bit is set, and the thread may queue.
bool Engine::acquire_pi(Location& word, int thread, int* error) {
  const std::uint32_t value = kernel_read(word);
  const std::uint32_t owner = value & kThreadMask;
  int threads[kMaxThreads];
  const int waiting = sleepers(word.address, Wait::lock, threads);
  *error = 0;
  if (owner == id_of(thread)) {
    *error = EDEADLK;
    return true;
  }
  if (owner == 0) {
    // With waiters the kernel knows an owner; a word that says otherwise was tampered with.
    if (waiting > 0) {
      *error = EINVAL;
    } else {
      kernel_write(word, id_of(thread));
    }
    return true;
  }
  if ((value & kWaiters) == 0) {
    if (waiting > 0) {
      *error = EINVAL;
      return true;
    }
    kernel_write(word, value | kWaiters);
  }
  const std::uint32_t index = owner - id_of(kMain);
  if (index >= static_cast<std::uint32_t>(scheduler_.threads()) ||
      scheduler_.thread(static_cast<int>(index)).state == ModelThread::State::finished) {
    *error = ESRCH;
    return true;
  }
  return false;
}

int Engine::lock_pi(AtomicId word, TimePoint deadline, Where where) {
  const int site = enter(Operation::lock_pi, where, {}, {}, {word.address, nullptr, true});
  Location& location = locate(word);
  int error = 0;
  if (acquire_pi(location, scheduler_.running(), &error)) {
    record_kernel(site, error == 0 ? "acquired" : "refused, errno", word.address,
                  error == 0 ? -1 : error);
    return error;
  }
  if (deadline <= scheduler_.clock()) {
    record_kernel(site, "ETIMEDOUT, the deadline has passed", word.address, -1);
    return ETIMEDOUT;
  }
  record_kernel(site, "sleeps", word.address, -1);
  return sleep(Wait::lock, word.address, nullptr, deadline);
}

int Engine::try_lock_pi(AtomicId word, Where where) {
  const int site = enter(Operation::try_lock_pi, where, {}, {}, {word.address, nullptr, true});
  Location& location = locate(word);
  int error = 0;
  if (!acquire_pi(location, scheduler_.running(), &error)) error = EAGAIN;
  record_kernel(site, "result", word.address, error);
  return error;
}

int Engine::unlock_pi(AtomicId word, Where where) {
  const int site = enter(Operation::unlock_pi, where, {}, {}, {word.address, nullptr, true});
  Location& location = locate(word);
  if ((kernel_read(location) & kThreadMask) != thread_id()) {
    record_kernel(site, "EPERM, not the owner", word.address, -1);
    return EPERM;
  }
  int threads[kMaxThreads];
  int waiting = sleepers(word.address, Wait::lock, threads);
  if (waiting == 0) {
    kernel_write(location, 0);
    record_kernel(site, "free", word.address, -1);
    return 0;
  }
  const int next = take_sleeper(threads, waiting);
  hand_over(location, next, kWaiters | id_of(next));  // the bit stays, whether or not others wait
  record_kernel(site, "handed to T", word.address, next);
  scheduler_.wake(next, 0);
  return 0;
}

int Engine::wait_requeue_pi(AtomicId word, std::uint32_t expected, TimePoint deadline,
                            AtomicId mutex, Where where) {
  const int site =
      enter(Operation::wait_requeue_pi, where, {}, {}, {word.address, mutex.address, true});
  Location& location = locate(word);
  locate(mutex);
  if (kernel_read(location) != expected) {
    record_kernel(site, "EAGAIN, the value differs", word.address, -1);
    return EAGAIN;
  }
  if (deadline <= scheduler_.clock()) {
    record_kernel(site, "ETIMEDOUT, the deadline has passed", word.address, -1);
    return ETIMEDOUT;
  }
  record_kernel(site, "sleeps", word.address, -1);
  return sleep(Wait::requeue, word.address, mutex.address, deadline);
}

/// Both words may be gone, as long as nobody is queued there: the one who was notified may have
/// left by itself before the kernel comes to move it.
int Engine::requeue_pi(const void* from, std::uint32_t expected, int move, const void* mutex,
                       Where where) {
  const int site = enter(Operation::requeue_pi, where, {}, {}, {from, mutex, true});
  Location* const location = living_at(from);
  if (location == nullptr) {
    record_kernel(site, "EFAULT, it is gone", from, -1);
    return EFAULT;
  }
  if (kernel_read(*location) != expected) {
    record_kernel(site, "EAGAIN, the value differs", from, -1);
    return EAGAIN;
  }
  if (dropped(site)) return 0;
  int threads[kMaxThreads];
  int left = sleepers(from, Wait::requeue, threads);
  if (left == 0) {
    record_kernel(site, "nobody there", from, -1);
    return 0;
  }
  Location* const living_lock = living_at(mutex);
  if (living_lock == nullptr) return EFAULT;
  Location& lock = *living_lock;
  int woken = -1;
  for (int taken = 0; left > 0 && taken < 1 + move; ++taken) {
    const int next = take_sleeper(threads, left);
    ModelThread& thread = scheduler_.thread(next);
    if (thread.target != mutex) return EINVAL;
    int error = 0;
    if (acquire_pi(lock, next, &error)) {
      if (error != 0) return error;
      // The kernel forces the waiters bit where it takes the lock on a waiter's behalf and more
      // waiters follow.
      hand_over(lock, next, (left > 0 && move > 0 ? kWaiters : 0) | id_of(next));
      woken = next;
    } else {
      thread.wait = Wait::lock;
      thread.address = mutex;
      thread.intent.address = mutex;
    }
  }
  record_kernel(site, woken < 0 ? "requeued" : "handed the lock to T", from, woken);
  if (woken >= 0) scheduler_.wake(woken, 0);
  return 0;
}

TimePoint Engine::now(Where where) {
  // The clock is a place of its own that only time-outs and advance_clock() write.
  const int site = enter(Operation::now, where, {}, {}, {this, nullptr, false});
  if (recorder_.on()) {
    recorder_.step(scheduler_.steps(), scheduler_.running(), sites_[site],
                   "now " + std::to_string(to_ns(scheduler_.clock())) + " ns");
  }
  return scheduler_.clock();
}

void Engine::advance_clock(TimePoint time, Where where) {
  enter(Operation::now, where, {}, {}, {this, nullptr, true});
  if (time > scheduler_.clock()) scheduler_.set_clock(time);
}

}  // namespace takt::model
