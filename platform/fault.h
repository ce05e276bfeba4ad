// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_FAULT_H_
#define TAKT_PLATFORM_FAULT_H_

#include <cstddef>
#include <cstdint>

namespace takt::inline v0::platform {

/// Each system call that platform/ makes, as tests name it when they let one fail.
enum class SystemCall : std::uint8_t {
  futex,                   // every futex operation, those below included
  futex_lock_pi2,          // FUTEX_LOCK_PI2: ENOSYS plays a kernel before 5.14
  futex_time64,            // 32-bit machines only: ENOSYS plays a kernel before 5.1
  clock_nanosleep,         // every absolute sleep, the one below included
  clock_nanosleep_time64,  // 32-bit machines only: ENOSYS plays a kernel before 5.1
  pthread_create,
  pthread_join,
  pthread_sigmask,
  sched_setscheduler,
  sched_setattr,
  sched_getattr,
  sched_setaffinity,
  sched_getaffinity,
  setpriority,
  prctl,
  uname,
  membarrier,
  mlock,
  munlock,
  mlockall,
  madvise,
  mprotect,
  mmap,
  munmap,
  mincore,
  open,
  read,
  write,
  fsync,
  rename,
  close,
  getdents64,
  readlinkat,
  getrlimit,
  getrusage,
  clock_gettime,  // of a thread's CPU clock; the vDSO clocks cannot fail
  sysconf,
  shm_open,
  shm_unlink,
  memfd_create,
  fallocate,
  fstat,
  fcntl,
  pthread_mutex_lock,
  pthread_mutex_clocklock,  // EINVAL plays a glibc that times PI mutexes by the wall clock only
  epoll_create1,
  epoll_ctl,
  epoll_pwait2,  // ENOSYS plays a kernel before 5.11
  epoll_wait,    // these two: on such a kernel only
  ppoll,
  eventfd,
  ioctl,  // every request to a watchdog device
  socket,
  sendto,
  count,  // how many there are, not a call
};

/// The system call's name as in its man page.
constexpr const char* to_string(SystemCall call) noexcept;

}  // namespace takt::inline v0::platform

/// The fault-injection seam. A test program defines it (tests/support/fault_injection.h): 0 lets
/// the call go on, another value is the errno with which the call fails without reaching the
/// kernel. A product does not define it: the weak reference is then null and costs one compare.
extern "C" [[gnu::weak]] int takt_inject_fault(takt::platform::SystemCall call) noexcept;

namespace takt::inline v0::platform {

/// The errno with which a test wants this call to fail; 0 outside such tests.
inline int injected_fault(SystemCall call) noexcept {
  return takt_inject_fault != nullptr ? takt_inject_fault(call) : 0;
}

constexpr const char* to_string(SystemCall call) noexcept {
  constexpr const char* kNames[] = {
      "futex",
      "futex_lock_pi2",
      "futex_time64",
      "clock_nanosleep",
      "clock_nanosleep_time64",
      "pthread_create",
      "pthread_join",
      "pthread_sigmask",
      "sched_setscheduler",
      "sched_setattr",
      "sched_getattr",
      "sched_setaffinity",
      "sched_getaffinity",
      "setpriority",
      "prctl",
      "uname",
      "membarrier",
      "mlock",
      "munlock",
      "mlockall",
      "madvise",
      "mprotect",
      "mmap",
      "munmap",
      "mincore",
      "open",
      "read",
      "write",
      "fsync",
      "rename",
      "close",
      "getdents64",
      "readlinkat",
      "getrlimit",
      "getrusage",
      "clock_gettime",
      "sysconf",
      "shm_open",
      "shm_unlink",
      "memfd_create",
      "fallocate",
      "fstat",
      "fcntl",
      "pthread_mutex_lock",
      "pthread_mutex_clocklock",
      "epoll_create1",
      "epoll_ctl",
      "epoll_pwait2",
      "epoll_wait",
      "ppoll",
      "eventfd",
      "ioctl",
      "socket",
      "sendto",
  };
  static_assert(sizeof kNames / sizeof kNames[0] == static_cast<std::size_t>(SystemCall::count));
  return call < SystemCall::count ? kNames[static_cast<std::size_t>(call)] : "unknown";
}

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_FAULT_H_
