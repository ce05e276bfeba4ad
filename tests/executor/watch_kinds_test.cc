// SPDX-License-Identifier: Apache-2.0
// watch() on the kinds of descriptors that boards have, and what becomes of one that hangs up, has
// an error, ends, or is closed under its feet.
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <termios.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::DescriptorContext;
using takt::DescriptorHandle;
using takt::DescriptorState;
using takt::LaneId;
using takt::Readiness;
using takt::Result;
using takt::StatusCode;
using takt::StopMode;
using takt::WorkerConfig;
using takt::test::DescriptorPair;
using takt::test::Gate;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Pipe;
using takt::test::Running;
using takt::test::SocketPair;
using takt::test::take_byte;
using takt::test::wait_until;

constexpr LaneId kLane{0};
takt::StaticExecutor<takt::ExecutorLimits{.workers = 2, .descriptors = 3}> executor;
constexpr WorkerConfig kWorker[] = {{.name = "worker"}};

/// Reads a counter: of an eventfd or a timerfd.
std::uint64_t take_count(int descriptor) {
  std::uint64_t count = 0;
  return ::read(descriptor, &count, sizeof count) == sizeof count ? count : 0;
}

/// Jobs have run since, so an event that was to come would have.
void let_jobs_pass() {
  for (int i = 0; i < 20; ++i) EXPECT_OK(executor.submit([] {})->wait());
}

/// Watches for `wanted`; each job notes what was ready.
class Observer {
 public:
  Observer(int descriptor, Readiness wanted) {
    const auto watched = executor.watch(kLane, descriptor, wanted, [this](const auto& job) {
      last.store(job.ready);
      ++runs;
    });
    EXPECT_OK(watched);
    if (watched.ok()) handle = *watched;
  }

  std::atomic<int> runs{0};
  std::atomic<Readiness> last{Readiness::none};
  DescriptorHandle handle;
};

TEST(WatchKinds, eventfd) {
  DescriptorPair pair;
  pair.here = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::atomic<std::uint64_t> sum{0};
  ASSERT_OK(
      executor.watch(kLane, pair.here, Readiness::readable, [&] { sum += take_count(pair.here); }));
  const Running running(executor, {{.name = "worker"}});
  for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_EQ(::write(pair.here, &i, sizeof i), 8);
  wait_until([&] { return sum.load() == 5050; });
}

TEST(WatchKinds, timerfd) {
  DescriptorPair pair;
  pair.here = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  std::atomic<std::uint64_t> sum{0};
  ASSERT_OK(
      executor.watch(kLane, pair.here, Readiness::readable, [&] { sum += take_count(pair.here); }));
  const Running running(executor, {{.name = "worker"}});
  const itimerspec each{.it_interval = {0, 1'000'000}, .it_value = {0, 1}};
  ASSERT_EQ(::timerfd_settime(pair.here, 0, &each, nullptr), 0);
  wait_until([&] { return sum.load() >= 10; });
}

TEST(WatchKinds, signalfd) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
  DescriptorPair pair;
  pair.here = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  std::atomic<std::uint32_t> seen{0};
  ASSERT_OK(executor.watch(kLane, pair.here, Readiness::readable, [&] {
    signalfd_siginfo info;
    if (::read(pair.here, &info, sizeof info) == sizeof info) seen.store(info.ssi_signo);
  }));
  const Running running(executor, {{.name = "worker"}});
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
  wait_until([&] { return seen.load() == SIGUSR1; });
}

TEST(WatchKinds, socket_pair_in_both_directions) {
  SocketPair pair;
  std::atomic<int> echoed{0};
  ASSERT_OK(executor.watch(kLane, pair.here, Readiness::readable, [&] {
    if (take_byte(pair.here)) EXPECT_EQ(::write(pair.here, "y", 1), 1);
  }));
  ASSERT_OK(executor.watch(kLane, pair.there, Readiness::readable, [&] {
    if (take_byte(pair.there)) ++echoed;
  }));
  const Running running(executor, {{.name = "worker"}});
  for (int i = 1; i <= 50; ++i) {
    pair.put();
    wait_until([&] { return echoed.load() == i; });
  }
}

// A serial line: raw bytes, a hang-up when the other end closes, and life after it.
TEST(WatchKinds, pty_as_serial_line) {
  DescriptorPair pair;
  pair.here = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  char name[64] = {};
  if (pair.here < 0 || ::unlockpt(pair.here) != 0 || ::ptsname_r(pair.here, name, 64) != 0) {
    SKIP("no pty here");
  }
  pair.there = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(pair.there >= 0);
  termios settings{};
  ASSERT_EQ(::tcgetattr(pair.there, &settings), 0);
  ::cfmakeraw(&settings);
  ASSERT_EQ(::tcsetattr(pair.there, TCSANOW, &settings), 0);
  std::atomic<int> bytes{0};
  std::atomic<int> hang_ups{0};
  auto handle =
      executor.watch(kLane, pair.here, Readiness::readable, [&](const DescriptorContext& job) {
        while (take_byte(job.descriptor)) ++bytes;
        if (has(job.ready, Readiness::hang_up)) ++hang_ups;
      });
  ASSERT_OK(handle);
  const Running running(executor, {{.name = "worker"}});
  ASSERT_EQ(::write(pair.there, "hello", 5), 5);
  wait_until([&] { return bytes.load() == 5; });
  pair.close_there();
  wait_until([&] { return handle->state() == DescriptorState::suspended && hang_ups.load() >= 1; });
  pair.there = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(pair.there >= 0);
  EXPECT_OK(handle->resume());
  ASSERT_EQ(::write(pair.there, "again", 5), 5);
  wait_until([&] { return bytes.load() == 10; });
}

// A hang-up would be reported for ever: once, and the watch rests.
TEST(WatchKinds, a_hang_up_is_told_once) {
  Pipe pipe;
  Observer observer(pipe.here, Readiness::readable);
  const Running running(executor, {{.name = "worker"}});
  pipe.close_there();
  wait_until([&] { return observer.runs.load() == 1; });
  EXPECT_TRUE(observer.handle.state() == DescriptorState::suspended);
  EXPECT_TRUE(observer.last.load() == Readiness::hang_up);
  let_jobs_pass();
  EXPECT_EQ(observer.runs.load(), 1);
  EXPECT_OK(observer.handle.resume());  // it is still so
  wait_until([&] { return observer.runs.load() == 2; });
  EXPECT_TRUE(observer.handle.state() == DescriptorState::suspended);
}

// Who is told of it by the job may resume the watch at once, before that job has ended.
TEST(WatchKinds, a_resume_during_the_job_of_a_hang_up_counts) {
  Pipe pipe;
  Gate gate;
  std::atomic<int> runs{0};
  const auto handle = executor.watch(kLane, pipe.here, Readiness::readable, [&] {
    if (runs.fetch_add(1) == 0) gate.pass();
  });
  ASSERT_OK(handle);
  DescriptorHandle line = *handle;
  const Running running(executor, {{.name = "worker"}});
  pipe.close_there();
  gate.wait_for_entries();
  EXPECT_TRUE(line.state() == DescriptorState::suspended);
  EXPECT_OK(line.resume());
  EXPECT_TRUE(line.state() == DescriptorState::active);
  gate.open();
  wait_until([&] { return runs.load() == 2; });  // nobody came back: it is told again
}

// What was written before is read first.
TEST(WatchKinds, a_hang_up_with_bytes_left_goes_on) {
  Pipe pipe;
  for (int i = 0; i < 3; ++i) pipe.put();
  pipe.close_there();
  std::atomic<int> bytes{0};
  auto handle = executor.watch(kLane, pipe.here, Readiness::readable, [&] {
    if (take_byte(pipe.here)) ++bytes;
  });
  ASSERT_OK(handle);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return handle->stats().completed.get() == 4; });
  EXPECT_EQ(bytes.load(), 3);
  EXPECT_TRUE(handle->state() == DescriptorState::suspended);
}

TEST(WatchKinds, an_error_is_told_once) {
  Pipe pipe;
  while (::write(pipe.there, "0123456789", 10) == 10) {
  }
  Observer observer(pipe.there, Readiness::none);  // full; only errors
  const Running running(executor, {{.name = "worker"}});
  let_jobs_pass();
  EXPECT_EQ(observer.runs.load(), 0);
  pipe.close_here();  // nobody will ever read
  wait_until([&] { return observer.runs.load() == 1; });
  EXPECT_TRUE(observer.handle.state() == DescriptorState::suspended);
  EXPECT_TRUE(observer.last.load() == Readiness::error);
}

TEST(WatchKinds, the_end_of_a_stream_is_readable) {
  SocketPair pair;
  std::atomic<bool> ended{false};
  DescriptorHandle handle;
  const auto watched =
      executor.watch(kLane, pair.here, Readiness::readable | Readiness::peer_closed,
                     [&](const DescriptorContext& job) {
                       char byte = 0;
                       if (::read(job.descriptor, &byte, 1) != 0) return;
                       EXPECT_TRUE(has(job.ready, Readiness::peer_closed));
                       EXPECT_OK(handle.request_remove());
                       ended.store(true);
                     });
  ASSERT_OK(watched);
  handle = *watched;
  pair.put();
  ASSERT_EQ(::shutdown(pair.there, SHUT_WR), 0);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return handle.state() == DescriptorState::removed; });
  EXPECT_TRUE(ended.load());
}

// Closed by its own job: the kernel refuses to arm it.
TEST(WatchKinds, closed_by_its_job_it_is_lost) {
  Pipe pipe;
  pipe.put();
  auto handle = executor.watch(kLane, pipe.here, Readiness::readable, [&] { pipe.close_here(); });
  ASSERT_OK(handle);
  const Running running(executor, {{.name = "worker"}});
  wait_until([&] { return handle->state() == DescriptorState::lost; });
  EXPECT_EQ(handle->stats().refused.get(), EBADF);
  EXPECT_EQ(std::string_view(handle->resume().text()),
            "resume: the descriptor was closed while it was watched");
  EXPECT_EQ(handle->suspend().code(), StatusCode::failed_precondition);
  EXPECT_OK(handle->remove());
}

TEST(WatchKinds, closed_while_suspended_it_is_lost_when_resumed) {
  Pipe pipe;
  Observer observer(pipe.here, Readiness::readable);
  const Running running(executor, {{.name = "worker"}});
  EXPECT_OK(observer.handle.suspend());
  pipe.close_here();
  EXPECT_EQ(observer.handle.resume().error_number(), EBADF);
  EXPECT_TRUE(observer.handle.state() == DescriptorState::lost);
  EXPECT_OK(observer.handle.remove());
}

TEST(WatchKinds, closed_between_two_runs_it_is_lost) {
  Pipe pipe;
  Observer observer(pipe.here, Readiness::readable);
  pipe.close_here();
  const Running running(executor, {{.name = "worker"}});
  EXPECT_TRUE(observer.handle.state() == DescriptorState::lost);
  EXPECT_EQ(observer.handle.stats().refused.get(), EBADF);
}

// Whoever gets the number next is not touched by what the old watch's handle does.
TEST(WatchKinds, a_number_that_is_used_again_belongs_to_the_new_watch) {
  Pipe first;
  Observer old(first.here, Readiness::readable);
  const Running running(executor, {{.name = "worker"}});
  const int number = first.here;
  first.close_here();
  Pipe second;
  if (second.here != number) {
    ASSERT_EQ(::dup2(second.here, number), number);
    ::close(second.here);
    second.here = number;
  }
  std::atomic<int> bytes{0};
  auto young = executor.watch(kLane, number, Readiness::readable, [&, number] {
    if (take_byte(number)) ++bytes;
  });
  ASSERT_OK(young);
  EXPECT_TRUE(old.handle.state() == DescriptorState::lost);
  EXPECT_EQ(old.handle.stats().refused.get(), EBADF);
  EXPECT_OK(old.handle.remove());
  second.put();
  wait_until([&] { return bytes.load() == 1; });
  EXPECT_EQ(old.runs.load(), 0);
  EXPECT_OK(young->remove());
}

// A copy of the descriptor keeps the kernel's watch alive: it is told once, then it is lost.
TEST(WatchKinds, closed_with_a_copy_open_it_is_told_once) {
  Pipe pipe;
  Observer observer(pipe.here, Readiness::readable);
  DescriptorPair copy;
  copy.here = ::dup(pipe.here);
  const Running running(executor, {{.name = "worker"}});
  pipe.close_here();
  pipe.put();
  wait_until([&] { return observer.handle.state() == DescriptorState::lost; });
  EXPECT_EQ(observer.runs.load(), 1);
}

// A fork child has copies of the executor's descriptors, which close when it execs; what it does
// with those of its own does not reach the parent's.
TEST(WatchKinds, a_fork_child_may_start_what_was_never_started) {
  Pipe pipe;
  std::atomic<int> bytes{0};
  ASSERT_OK(executor.watch(kLane, pipe.here, Readiness::readable, [&] {
    if (take_byte(pipe.here)) ++bytes;
  }));
  EXPECT_TRUE(takt::test::run_in_child([&] {
                ASSERT_OK(executor.start(kWorker, kAnyMemory));
                pipe.put();
                wait_until([&] { return bytes.load() == 1; });
                EXPECT_OK(executor.stop(StopMode::drain, kPatience));
              }).exited_with(0));
  EXPECT_EQ(bytes.load(), 0);
  const Running running(executor, {{.name = "worker"}});
  pipe.put();
  wait_until([&] { return bytes.load() == 1; });
}

TEST(WatchKinds, a_running_executors_fork_child_may_exit) {
  Pipe pipe;
  Observer observer(pipe.here, Readiness::readable);
  const Running running(executor, {{.name = "worker"}});
  EXPECT_TRUE(takt::test::run_in_child([] {}).exited_with(0));
  pipe.put();
  wait_until([&] { return observer.runs.load() >= 1; });
}

}  // namespace
