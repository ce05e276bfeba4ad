// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/thread.h"

#include <sched.h>
#include <signal.h>

#include <cerrno>

#include "takt/platform/fault.h"
#include "takt/platform/kernel_time.h"
#include "takt/platform/stack.h"
#include "takt/platform/text.h"
#include "takt/platform/thread_sanitizer.h"

namespace takt::inline v0::platform {
namespace {

using StatusText = Text<Status::kTextBytes>;

/// Everything but the faults that a thread raises itself: blocked, those would kill the process
/// without a chance for its handler. sigfillset leaves glibc's own two out.
sigset_t blocked_signals() noexcept {
  sigset_t blocked;
  ::sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    ::sigdelset(&blocked, fault);
  }
  return blocked;
}

int set_signal_mask(const sigset_t& mask, sigset_t* before) noexcept {
  if (const int error = injected_fault(SystemCall::pthread_sigmask)) return error;
  return ::pthread_sigmask(SIG_SETMASK, &mask, before);
}

/// pthread_join with a time limit on the monotonic clock; 0 or the errno.
int join_once(pthread_t handle, TimePoint deadline) noexcept {
  if (const int error = injected_fault(SystemCall::pthread_join)) return error;
  // glibc's own answer, before the thread sanitizer counts the thread as joined.
  if (::pthread_equal(handle, ::pthread_self()) != 0) return EDEADLK;
  if (deadline == kNever) return ::pthread_join(handle, nullptr);
#if TAKT_THREAD_SANITIZER
  // The sanitizer of GCC 12 and clang 14 does not know pthread_clockjoin_np and would report a
  // leaked thread: the form that it knows goes by the wall clock, so the rest is waited for.
  for (;;) {
    const timespec limit = detail::to_timespec(detail::wall_clock_at(deadline));
    const int error = ::pthread_timedjoin_np(handle, nullptr, &limit);
    if (error != ETIMEDOUT || now() >= deadline) return error;
  }
#else
  const timespec limit = detail::to_timespec(deadline);
  return ::pthread_clockjoin_np(handle, nullptr, CLOCK_MONOTONIC, &limit);
#endif
}

Status start_refusal(const char* name, std::size_t stack_bytes, int error) noexcept {
  StatusText text;
  text << "thread '" << name << "': ";
  if (error == EINVAL) {
    text << "stack of " << stack_bytes << " bytes, needs " << minimum_stack_bytes();
  } else if (error == EAGAIN) {
    const bool deadline = ::sched_getscheduler(0) == SCHED_DEADLINE;  // and no RESET_ON_FORK
    text << (deadline ? "refused: a SCHED_DEADLINE thread creates none"
                      : "refused: raise RLIMIT_NPROC, or pids.max of the cgroup");
  } else {
    text << "cannot be created";
  }
  return Status::from_errno(error, text.view());
}

Status fork_refusal(const char* name, int error) noexcept {
  StatusText text;
  text << "thread '" << name << "': MADV_DONTFORK refused: raise vm.max_map_count";
  return Status::from_errno(error, text.view());
}

}  // namespace

void* Thread::run(void* self) noexcept {
  auto* const thread = static_cast<Thread*>(self);
  set_thread_name(thread->name_);
  if (thread->wait_at_gate() == kOpen) thread->entry_(thread->argument_);
  return nullptr;
}

std::uint32_t Thread::wait_at_gate() const noexcept {
  for (;;) {
    // acquire: pairs with the release in set_gate.
    const std::uint32_t state = gate_.load(std::memory_order_acquire);
    if (state != kClosed) return state;
    futex_wait(gate_, kClosed, kNever, FutexScope::process_private);
  }
}

void Thread::set_gate(std::uint32_t state) noexcept {
  // release: pairs with the acquire in wait_at_gate.
  gate_.store(state, std::memory_order_release);
  futex_wake(gate_, 1, FutexScope::process_private);
}

int Thread::create(std::span<std::byte> usable) noexcept {
  if (const int error = injected_fault(SystemCall::pthread_create)) return error;
  // glibc itself refuses only what is below its constant, and lets the rest run out of its stack.
  if (usable.size() < minimum_stack_bytes()) return EINVAL;
  pthread_attr_t attributes;
  if (const int error = ::pthread_attr_init(&attributes)) return error;
  int error = ::pthread_attr_setstack(&attributes, usable.data(), usable.size());
  if (error == 0) error = ::pthread_create(&handle_, &attributes, run, this);
  ::pthread_attr_destroy(&attributes);
  return error;
}

/// The new thread inherits the mask, so that no signal can reach it before its first instruction.
int Thread::create_masked(std::span<std::byte> usable) noexcept {
  sigset_t before;
  if (const int error = set_signal_mask(blocked_signals(), &before)) return error;
  const int error = create(usable);
  TAKT_CHECK(set_signal_mask(before, nullptr) == 0, "the signal mask cannot be restored");
  return error;
}

Status Thread::start(const char* name, std::span<std::byte> stack, ThreadEntry entry,
                     void* argument) noexcept {
  if (joinable_) return {StatusCode::failed_precondition, "the thread is running already"};
  if (!detail::is_whole_pages(stack)) {
    return {StatusCode::invalid_argument, "a stack is made of whole pages"};
  }
  TextWriter(name_, sizeof name_) << name;
  entry_ = entry;
  argument_ = argument;
  mark_ = ForkMark::here();
  gate_.store(kClosed, std::memory_order_relaxed);  // relaxed: pthread_create publishes it

  const std::span<std::byte> usable = usable_stack(stack);
  if (const int error = create_masked(usable)) return start_refusal(name_, usable.size(), error);

  // In glibc a pthread_t is the address of the thread's descriptor.
  const auto* const descriptor = reinterpret_cast<const void*>(handle_);
  if (const int error = detail::exclude_stack_from_fork(stack, descriptor)) {
    set_gate(kBarred);
    TAKT_CHECK(::pthread_join(handle_, nullptr) == 0, "a barred thread must end");
    return fork_refusal(name_, error);
  }
  joinable_ = true;
  set_gate(kOpen);
  return {};
}

Status Thread::join_until(TimePoint deadline) noexcept {
  if (!joinable_) return {StatusCode::failed_precondition, "there is no thread to join"};
  const int error = join_once(handle_, deadline);
  StatusText text;
  text << "thread '" << name_ << "': ";
  if (error == EDEADLK) {
    text << "cannot join itself";
    return {StatusCode::failed_precondition, text.view(), error};
  }
  if (error != 0) {
    text << (error == ETIMEDOUT ? "has not ended yet" : "cannot be joined");
    return Status::from_errno(error, text.view());
  }
  joinable_ = false;
  return {};
}

}  // namespace takt::inline v0::platform
