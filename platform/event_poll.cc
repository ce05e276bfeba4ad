// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/event_poll.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "takt/platform/check.h"
#include "takt/platform/fault.h"
#include "takt/platform/kernel_time.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using detail::call_through;
using detail::RawResult;

static_assert(static_cast<std::uint32_t>(Readiness::readable) == EPOLLIN);
static_assert(static_cast<std::uint32_t>(Readiness::urgent) == EPOLLPRI);
static_assert(static_cast<std::uint32_t>(Readiness::writable) == EPOLLOUT);
static_assert(static_cast<std::uint32_t>(Readiness::error) == EPOLLERR);
static_assert(static_cast<std::uint32_t>(Readiness::hang_up) == EPOLLHUP);
static_assert(static_cast<std::uint32_t>(Readiness::peer_closed) == EPOLLRDHUP);

constexpr int kCapacity = static_cast<int>(EventPoll::Events::kCapacity);

/// Kernels before 5.11: ppoll has waited with nanoseconds for ever, epoll_wait then only looks.
RawResult wait_by_ppoll(int epoll, epoll_event* events,
                        const detail::KernelTime* timeout) noexcept {
  pollfd set{.fd = epoll, .events = POLLIN, .revents = 0};
  timespec time{};
  if (timeout != nullptr) {
    // A wait that is cut at the end of a 32-bit time_t returns early, which it may.
    time = detail::to_timespec(
        from_ns(timeout->seconds * kNanosecondsPerSecond + timeout->nanoseconds));
  }
  const RawResult polled = call_through(SystemCall::ppoll, [&]() -> long {
    return ::ppoll(&set, 1, timeout != nullptr ? &time : nullptr, nullptr);
  });
  if (polled.error != 0 || polled.value == 0) return polled;
  return call_through(SystemCall::epoll_wait,
                      [&]() -> long { return ::epoll_wait(epoll, events, kCapacity, 0); });
}

/// The number of events, or the errno. A null timeout is none.
RawResult wait_once(int epoll, epoll_event* events, const detail::KernelTime* timeout) noexcept {
#ifdef SYS_epoll_pwait2
  static std::atomic<std::uint32_t> pwait2_missing{0};
  // relaxed: the flag stands alone; a stale 0 only repeats the attempt.
  if (pwait2_missing.load(std::memory_order_relaxed) == 0) {
    int error = injected_fault(SystemCall::epoll_pwait2);
    if (error == 0) {
      const RawResult result = detail::raw_call(SYS_epoll_pwait2, epoll, events, kCapacity, timeout,
                                                static_cast<const void*>(nullptr), 0L);
      // EPERM: what containers' filters answer that are older than the call.
      if (result.error != ENOSYS && result.error != EPERM) return result;
      pwait2_missing.store(1, std::memory_order_relaxed);  // relaxed: see the load above
      error = ENOSYS;
    }
    if (error != ENOSYS) return {0, error};
  }
#endif
  return wait_by_ppoll(epoll, events, timeout);
}

void close_descriptor(int descriptor) noexcept {
  // Whatever close says, the descriptor is gone.
  static_cast<void>(call_through(SystemCall::close, [&]() -> long { return ::close(descriptor); }));
}

Status refusal(int error, int descriptor) noexcept {
  Text<Status::kTextBytes> text;
  text << "descriptor " << descriptor << ' ';
  switch (error) {
    case EBADF:
      text << "is not open";
      return {StatusCode::invalid_argument, text.view(), error};
    case EPERM:
      text << "cannot be watched: a file is always ready";
      return {StatusCode::unsupported, text.view(), error};
    case EEXIST:
      text << "is watched already";
      return {StatusCode::failed_precondition, text.view(), error};
    case ENOENT:
      text << "was closed while it was watched";
      return {StatusCode::not_found, text.view(), error};
    case ENOSPC:
      text << "cannot be watched: raise fs.epoll.max_user_watches";
      return Status::from_errno(error, text.view());
    case EINVAL:
    case ELOOP:
      text << "cannot be watched: an epoll instance around this one";
      return {StatusCode::invalid_argument, text.view(), error};
    default:
      text << "cannot be watched: epoll_ctl failed";
      return Status::from_errno(error, text.view());
  }
}

}  // namespace

Status EventPoll::open() noexcept {
  if (epoll_ != 0) close();  // the parent's
  const RawResult epoll = call_through(SystemCall::epoll_create1,
                                       []() -> long { return ::epoll_create1(EPOLL_CLOEXEC); });
  if (epoll.error != 0) return Status::from_errno(epoll.error, "epoll_create1 failed");
  epoll_ = static_cast<int>(epoll.value) + 1;
  const RawResult wake = call_through(
      SystemCall::eventfd, []() -> long { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); });
  int error = wake.error;
  if (error == 0) {
    wake_ = static_cast<int>(wake.value) + 1;
    // Each write is an edge: nobody needs to read it.
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kWakeToken}};
    error = call_through(SystemCall::epoll_ctl, [&]() -> long {
              return ::epoll_ctl(epoll_ - 1, EPOLL_CTL_ADD, wake_ - 1, &event);
            }).error;
  }
  if (error != 0) {
    close();
    return Status::from_errno(error, wake.error != 0 ? "eventfd failed" : "epoll_ctl failed");
  }
  mark_ = ForkMark::here();
  return {};
}

void EventPoll::close() noexcept {
  if (epoll_ != 0) close_descriptor(epoll_ - 1);
  if (wake_ != 0) close_descriptor(wake_ - 1);
  epoll_ = 0;
  wake_ = 0;
}

Status EventPoll::control(int operation, int descriptor, Readiness wanted,
                          std::uint64_t token) noexcept {
  epoll_event event{.events = static_cast<std::uint32_t>(wanted) | EPOLLONESHOT,
                    .data = {.u64 = token}};
  const int error = call_through(SystemCall::epoll_ctl, [&]() -> long {
                      return ::epoll_ctl(epoll_ - 1, operation, descriptor, &event);
                    }).error;
  return error == 0 ? Status() : refusal(error, descriptor);
}

Status EventPoll::add(int descriptor, Readiness wanted, std::uint64_t token) noexcept {
  return control(EPOLL_CTL_ADD, descriptor, wanted, token);
}

Status EventPoll::arm(int descriptor, Readiness wanted, std::uint64_t token) noexcept {
  return control(EPOLL_CTL_MOD, descriptor, wanted, token);
}

Status EventPoll::remove(int descriptor) noexcept {
  return control(EPOLL_CTL_DEL, descriptor, Readiness::none, 0);
}

void EventPoll::wake() const noexcept {
  const std::uint64_t one = 1;
  const int descriptor = wake_ - 1;
  int error = 0;
  do {
    error = call_through(SystemCall::write, [&]() -> long {
              return ::write(descriptor, &one, sizeof one);
            }).error;
  } while (error == EINTR);
  TAKT_CHECK(error == 0, "eventfd was refused: somebody closed a descriptor of the executor's");
}

void EventPoll::wait(Events& events, TimePoint deadline) const noexcept {
  epoll_event found[Events::kCapacity];
  detail::KernelTime timeout{};
  if (deadline != kNever) {
    const TimePoint start = now();
    if (deadline > start) timeout = detail::to_kernel_time(from_ns(to_ns(deadline) - to_ns(start)));
  }
  const RawResult result = wait_once(epoll_ - 1, found, deadline != kNever ? &timeout : nullptr);
  events.count = 0;
  TAKT_CHECK(result.error == 0 || result.error == EINTR, "epoll_pwait2 was refused");
  for (long number = 0; number < result.value; ++number) {
    if (found[number].data.u64 == kWakeToken) continue;
    events.items[events.count++] = {found[number].data.u64,
                                    static_cast<Readiness>(found[number].events)};
  }
}

}  // namespace takt::inline v0::platform
