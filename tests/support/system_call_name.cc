// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/system_call_name.h"

#include <sys/syscall.h>

namespace takt::test {

namespace {

struct Named {
  long number;
  const char* name;
};

// Which of them exist, and their numbers, depends on the architecture.
#define TAKT_NAMED(call) \
  { __NR_##call, #call }
constexpr Named kNames[] = {
#ifdef __NR_read
    TAKT_NAMED(read),
#endif
#ifdef __NR_write
    TAKT_NAMED(write),
#endif
#ifdef __NR_open
    TAKT_NAMED(open),
#endif
#ifdef __NR_openat
    TAKT_NAMED(openat),
#endif
#ifdef __NR_close
    TAKT_NAMED(close),
#endif
#ifdef __NR_stat
    TAKT_NAMED(stat),
#endif
#ifdef __NR_fstat
    TAKT_NAMED(fstat),
#endif
#ifdef __NR_newfstatat
    TAKT_NAMED(newfstatat),
#endif
#ifdef __NR_statx
    TAKT_NAMED(statx),
#endif
#ifdef __NR_ppoll
    TAKT_NAMED(ppoll),
#endif
#ifdef __NR_ppoll_time64
    TAKT_NAMED(ppoll_time64),
#endif
#ifdef __NR_mmap
    TAKT_NAMED(mmap),
#endif
#ifdef __NR_mmap2
    TAKT_NAMED(mmap2),
#endif
#ifdef __NR_mprotect
    TAKT_NAMED(mprotect),
#endif
#ifdef __NR_munmap
    TAKT_NAMED(munmap),
#endif
#ifdef __NR_brk
    TAKT_NAMED(brk),
#endif
#ifdef __NR_mremap
    TAKT_NAMED(mremap),
#endif
#ifdef __NR_madvise
    TAKT_NAMED(madvise),
#endif
#ifdef __NR_mlock
    TAKT_NAMED(mlock),
#endif
#ifdef __NR_mlock2
    TAKT_NAMED(mlock2),
#endif
#ifdef __NR_munlock
    TAKT_NAMED(munlock),
#endif
#ifdef __NR_mlockall
    TAKT_NAMED(mlockall),
#endif
#ifdef __NR_munlockall
    TAKT_NAMED(munlockall),
#endif
#ifdef __NR_rt_sigaction
    TAKT_NAMED(rt_sigaction),
#endif
#ifdef __NR_rt_sigprocmask
    TAKT_NAMED(rt_sigprocmask),
#endif
#ifdef __NR_rt_sigreturn
    TAKT_NAMED(rt_sigreturn),
#endif
#ifdef __NR_rt_sigtimedwait
    TAKT_NAMED(rt_sigtimedwait),
#endif
#ifdef __NR_rt_sigsuspend
    TAKT_NAMED(rt_sigsuspend),
#endif
#ifdef __NR_sigaltstack
    TAKT_NAMED(sigaltstack),
#endif
#ifdef __NR_ioctl
    TAKT_NAMED(ioctl),
#endif
#ifdef __NR_fcntl
    TAKT_NAMED(fcntl),
#endif
#ifdef __NR_fcntl64
    TAKT_NAMED(fcntl64),
#endif
#ifdef __NR_writev
    TAKT_NAMED(writev),
#endif
#ifdef __NR_pipe2
    TAKT_NAMED(pipe2),
#endif
#ifdef __NR_sched_yield
    TAKT_NAMED(sched_yield),
#endif
#ifdef __NR_nanosleep
    TAKT_NAMED(nanosleep),
#endif
#ifdef __NR_clock_nanosleep
    TAKT_NAMED(clock_nanosleep),
#endif
#ifdef __NR_clock_nanosleep_time64
    TAKT_NAMED(clock_nanosleep_time64),
#endif
#ifdef __NR_clock_gettime
    TAKT_NAMED(clock_gettime),
#endif
#ifdef __NR_clock_gettime64
    TAKT_NAMED(clock_gettime64),
#endif
#ifdef __NR_getpid
    TAKT_NAMED(getpid),
#endif
#ifdef __NR_gettid
    TAKT_NAMED(gettid),
#endif
#ifdef __NR_getppid
    TAKT_NAMED(getppid),
#endif
#ifdef __NR_socket
    TAKT_NAMED(socket),
#endif
#ifdef __NR_connect
    TAKT_NAMED(connect),
#endif
#ifdef __NR_sendto
    TAKT_NAMED(sendto),
#endif
#ifdef __NR_recvfrom
    TAKT_NAMED(recvfrom),
#endif
#ifdef __NR_sendmsg
    TAKT_NAMED(sendmsg),
#endif
#ifdef __NR_recvmsg
    TAKT_NAMED(recvmsg),
#endif
#ifdef __NR_socketpair
    TAKT_NAMED(socketpair),
#endif
#ifdef __NR_clone
    TAKT_NAMED(clone),
#endif
#ifdef __NR_clone3
    TAKT_NAMED(clone3),
#endif
#ifdef __NR_fork
    TAKT_NAMED(fork),
#endif
#ifdef __NR_vfork
    TAKT_NAMED(vfork),
#endif
#ifdef __NR_execve
    TAKT_NAMED(execve),
#endif
#ifdef __NR_exit
    TAKT_NAMED(exit),
#endif
#ifdef __NR_exit_group
    TAKT_NAMED(exit_group),
#endif
#ifdef __NR_wait4
    TAKT_NAMED(wait4),
#endif
#ifdef __NR_waitid
    TAKT_NAMED(waitid),
#endif
#ifdef __NR_kill
    TAKT_NAMED(kill),
#endif
#ifdef __NR_tkill
    TAKT_NAMED(tkill),
#endif
#ifdef __NR_tgkill
    TAKT_NAMED(tgkill),
#endif
#ifdef __NR_ftruncate
    TAKT_NAMED(ftruncate),
#endif
#ifdef __NR_getdents64
    TAKT_NAMED(getdents64),
#endif
#ifdef __NR_readlinkat
    TAKT_NAMED(readlinkat),
#endif
#ifdef __NR_getrlimit
    TAKT_NAMED(getrlimit),
#endif
#ifdef __NR_prlimit64
    TAKT_NAMED(prlimit64),
#endif
#ifdef __NR_getrusage
    TAKT_NAMED(getrusage),
#endif
#ifdef __NR_prctl
    TAKT_NAMED(prctl),
#endif
#ifdef __NR_seccomp
    TAKT_NAMED(seccomp),
#endif
#ifdef __NR_sched_setparam
    TAKT_NAMED(sched_setparam),
#endif
#ifdef __NR_sched_setscheduler
    TAKT_NAMED(sched_setscheduler),
#endif
#ifdef __NR_sched_getscheduler
    TAKT_NAMED(sched_getscheduler),
#endif
#ifdef __NR_sched_setaffinity
    TAKT_NAMED(sched_setaffinity),
#endif
#ifdef __NR_sched_getaffinity
    TAKT_NAMED(sched_getaffinity),
#endif
#ifdef __NR_sched_setattr
    TAKT_NAMED(sched_setattr),
#endif
#ifdef __NR_sched_getattr
    TAKT_NAMED(sched_getattr),
#endif
#ifdef __NR_setpriority
    TAKT_NAMED(setpriority),
#endif
#ifdef __NR_getpriority
    TAKT_NAMED(getpriority),
#endif
#ifdef __NR_futex
    TAKT_NAMED(futex),
#endif
#ifdef __NR_futex_time64
    TAKT_NAMED(futex_time64),
#endif
#ifdef __NR_futex_waitv
    TAKT_NAMED(futex_waitv),
#endif
#ifdef __NR_set_robust_list
    TAKT_NAMED(set_robust_list),
#endif
#ifdef __NR_set_tid_address
    TAKT_NAMED(set_tid_address),
#endif
#ifdef __NR_restart_syscall
    TAKT_NAMED(restart_syscall),
#endif
#ifdef __NR_epoll_create1
    TAKT_NAMED(epoll_create1),
#endif
#ifdef __NR_epoll_ctl
    TAKT_NAMED(epoll_ctl),
#endif
#ifdef __NR_epoll_wait
    TAKT_NAMED(epoll_wait),
#endif
#ifdef __NR_epoll_pwait
    TAKT_NAMED(epoll_pwait),
#endif
#ifdef __NR_epoll_pwait2
    TAKT_NAMED(epoll_pwait2),
#endif
#ifdef __NR_eventfd2
    TAKT_NAMED(eventfd2),
#endif
#ifdef __NR_signalfd4
    TAKT_NAMED(signalfd4),
#endif
#ifdef __NR_timer_create
    TAKT_NAMED(timer_create),
#endif
#ifdef __NR_timer_settime
    TAKT_NAMED(timer_settime),
#endif
#ifdef __NR_timer_delete
    TAKT_NAMED(timer_delete),
#endif
#ifdef __NR_timerfd_create
    TAKT_NAMED(timerfd_create),
#endif
#ifdef __NR_timerfd_settime
    TAKT_NAMED(timerfd_settime),
#endif
#ifdef __NR_timerfd_settime64
    TAKT_NAMED(timerfd_settime64),
#endif
#ifdef __NR_getrandom
    TAKT_NAMED(getrandom),
#endif
#ifdef __NR_memfd_create
    TAKT_NAMED(memfd_create),
#endif
#ifdef __NR_membarrier
    TAKT_NAMED(membarrier),
#endif
#ifdef __NR_rseq
    TAKT_NAMED(rseq),
#endif
#ifdef __NR_pidfd_open
    TAKT_NAMED(pidfd_open),
#endif
#ifdef __NR_pidfd_send_signal
    TAKT_NAMED(pidfd_send_signal),
#endif
#ifdef __NR_close_range
    TAKT_NAMED(close_range),
#endif
};
#undef TAKT_NAMED

}  // namespace

void append_system_call(Message& message, long number) noexcept {
  for (const Named& named : kNames) {
    if (named.number == number) {
      message.append(named.name);
      return;
    }
  }
  message.append("system call ").append_number(number);
}

}  // namespace takt::test
