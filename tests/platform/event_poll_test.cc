// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/event_poll.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>
#include <thread>

#include "takt/platform/thread_id.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::kNever;
using takt::Readiness;
using takt::Status;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::EventPoll;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using Times = FaultInjection::Times;

const TimePoint kNow = takt::from_ns(0);

/// An open poll and a pipe.
struct Fixture {
  Fixture() {
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_OK(poll.open());
  }
  ~Fixture() {
    poll.close();
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void put() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }

  EventPoll poll;
  int ends[2] = {-1, -1};
  EventPoll::Events events;
};

// A 5.11 kernel and one before it.
struct Kernel {
  const char* name;
  bool old;
};
#define ON_EACH_KERNEL \
  Kernel{"new", false}, Kernel { "old", true }

/// Plays the old kernel where asked.
class PlayKernel {
 public:
  explicit PlayKernel(const Kernel& kernel)
      : fault_(SystemCall::epoll_pwait2, ENOSYS, kernel.old ? 1 : ~0U, Times::onward) {}

 private:
  FaultInjection fault_;
};

TEST_EACH(EventPoll, reports_a_descriptor_once_until_it_is_armed, ON_EACH_KERNEL) {
  const PlayKernel kernel(param);
  Fixture it;
  ASSERT_OK(it.poll.add(it.ends[0], Readiness::readable, 7));
  it.poll.wait(it.events, kNow);
  EXPECT_EQ(it.events.count, 0U);
  it.put();
  it.poll.wait(it.events, kNever);
  ASSERT_EQ(it.events.count, 1U);
  EXPECT_EQ(it.events.items[0].token, 7U);
  EXPECT_TRUE(it.events.items[0].ready == Readiness::readable);
  it.put();
  it.poll.wait(it.events, kNow);
  EXPECT_EQ(it.events.count, 0U);
  EXPECT_OK(it.poll.arm(it.ends[0], Readiness::readable, 8));
  it.poll.wait(it.events, kNever);
  ASSERT_EQ(it.events.count, 1U);
  EXPECT_EQ(it.events.items[0].token, 8U);
  EXPECT_OK(it.poll.remove(it.ends[0]));
  EXPECT_EQ(it.poll.remove(it.ends[0]).error_number(), ENOENT);
}

TEST_EACH(EventPoll, a_wake_stays_until_a_wait_takes_it, ON_EACH_KERNEL) {
  const PlayKernel kernel(param);
  Fixture it;
  it.poll.wait(it.events, kNow);  // the eventfd's own first report, if any
  it.poll.wake();
  it.poll.wake();
  it.poll.wait(it.events, kNever);  // would not return otherwise
  EXPECT_EQ(it.events.count, 0U);
  const TimePoint deadline = takt::deadline_after(2ms);
  it.poll.wait(it.events, deadline);
  EXPECT_GE(takt::now(), deadline);  // one wait has taken both
}

TEST_EACH(EventPoll, is_woken_while_it_sleeps, ON_EACH_KERNEL) {
  const PlayKernel kernel(param);
  Fixture it;
  std::atomic<std::int32_t> id{0};
  std::thread sleeper([&] {
    id = takt::platform::thread_id();
    it.poll.wait(it.events, kNever);
  });
  takt::test::wait_until_asleep(id);
  it.poll.wake();
  sleeper.join();
}

TEST_EACH(EventPoll, ends_no_earlier_than_its_deadline, ON_EACH_KERNEL) {
  const PlayKernel kernel(param);
  Fixture it;
  it.poll.wait(it.events, kNow);
  for (const takt::Duration time : {1ns, 50'000ns, 999'999ns, 3'000'001ns}) {
    const TimePoint deadline = takt::deadline_after(time);
    it.poll.wait(it.events, deadline);
    EXPECT_GE(takt::now(), deadline);
    EXPECT_EQ(it.events.count, 0U);
  }
  it.poll.wait(it.events, TimePoint::min());
  it.poll.wake();
  it.poll.wait(it.events, kNever - 1ns);  // 292 years
}

TEST(EventPoll, reports_hang_up_and_error_unasked) {
  Fixture it;
  ASSERT_OK(it.poll.add(it.ends[0], Readiness::none, 1));
  ASSERT_OK(it.poll.add(it.ends[1], Readiness::none, 2));
  ::close(it.ends[1]);
  it.ends[1] = -1;
  it.poll.wait(it.events, kNever);
  ASSERT_EQ(it.events.count, 1U);
  EXPECT_EQ(it.events.items[0].token, 1U);
  EXPECT_TRUE(it.events.items[0].ready == Readiness::hang_up);
}

TEST(EventPoll, says_what_is_wrong_with_a_descriptor) {
  Fixture it;
  ASSERT_OK(it.poll.add(it.ends[0], Readiness::readable, 1));
  const auto expect = [](const Status& status, StatusCode code, int error, std::string_view text) {
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.error_number(), error);
    EXPECT_TRUE(std::string_view(status.text()).ends_with(text), "%s", status.text());
  };
  expect(it.poll.add(it.ends[0], Readiness::readable, 1), StatusCode::failed_precondition, EEXIST,
         " is watched already");
  expect(it.poll.add(-1, Readiness::readable, 1), StatusCode::invalid_argument, EBADF,
         "descriptor -1 is not open");
  expect(it.poll.arm(it.ends[1], Readiness::readable, 1), StatusCode::not_found, ENOENT,
         " was closed while it was watched");
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  expect(it.poll.add(file, Readiness::readable, 1), StatusCode::unsupported, EPERM,
         " cannot be watched: a file is always ready");
  ::close(file);
  const FaultInjection full(SystemCall::epoll_ctl, ENOSPC);
  expect(it.poll.add(it.ends[1], Readiness::writable, 1), StatusCode::resource_exhausted, ENOSPC,
         " cannot be watched: raise fs.epoll.max_user_watches");
  const FaultInjection loop(SystemCall::epoll_ctl, ELOOP);
  expect(it.poll.add(it.ends[1], Readiness::writable, 1), StatusCode::invalid_argument, ELOOP,
         " cannot be watched: an epoll instance around this one");
}

struct Refusal {
  const char* name;
  SystemCall call;
  int error;
  StatusCode code;
  std::string_view text;
};
TEST_EACH(EventPoll, opens_completely_or_not_at_all,
          Refusal{"epoll", SystemCall::epoll_create1, EMFILE, StatusCode::resource_exhausted,
                  "epoll_create1 failed"},
          Refusal{"eventfd", SystemCall::eventfd, ENFILE, StatusCode::resource_exhausted,
                  "eventfd failed"},
          Refusal{"epoll_ctl", SystemCall::epoll_ctl, ENOMEM, StatusCode::resource_exhausted,
                  "epoll_ctl failed"}) {
  const int lowest = ::dup(STDERR_FILENO);
  ::close(lowest);
  EventPoll poll;
  {
    const FaultInjection fault(param.call, param.error);
    const Status status = poll.open();
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error);
    EXPECT_EQ(std::string_view(status.text()), param.text);
  }
  EXPECT_FALSE(poll.is_open());
  const int next = ::dup(STDERR_FILENO);
  EXPECT_EQ(next, lowest);  // nothing was left open
  ::close(next);
  EXPECT_OK(poll.open());
  EXPECT_TRUE(poll.is_open());
  poll.close();
  EXPECT_FALSE(poll.is_open());
}

TEST(EventPoll, a_signal_ends_a_wait_with_nothing) {
  Fixture it;
  const FaultInjection fault(SystemCall::epoll_pwait2, EINTR);
  it.poll.wait(it.events, kNever);
  EXPECT_EQ(it.events.count, 0U);
  EXPECT_EQ(fault.failures(), 1U);
}

TEST(EventPoll, a_signal_ends_a_wait_of_an_old_kernel_with_nothing) {
  Fixture it;
  const FaultInjection old_kernel(SystemCall::epoll_pwait2, ENOSYS, 1, Times::onward);
  const FaultInjection fault(SystemCall::ppoll, EINTR);
  it.poll.wait(it.events, kNever);
  EXPECT_EQ(fault.failures(), 1U);
}

// Else a worker of high priority would spin instead of sleep, or sleep through a wake.
TEST(EventPoll, a_refused_wait_or_wake_aborts) {
  EXPECT_ABORT(
      [] {
        Fixture it;
        const FaultInjection fault(SystemCall::epoll_pwait2, EACCES);
        it.poll.wait(it.events, kNever);
      },
      "epoll_pwait2 was refused");
  EXPECT_ABORT(
      [] {
        Fixture it;
        const FaultInjection fault(SystemCall::write, EBADF);
        it.poll.wake();
      },
      "somebody closed a descriptor of the executor's");
}

TEST(EventPoll, leaves_errno_alone) {
  Fixture it;
  errno = 77;
  EXPECT_FALSE(it.poll.add(-1, Readiness::readable, 1).ok());
  it.poll.wake();
  it.poll.wait(it.events, kNever);
  EXPECT_EQ(errno, 77);
}

TEST(EventPoll, a_fork_child_has_none) {
  Fixture it;
  ASSERT_OK(it.poll.add(it.ends[0], Readiness::readable, 1));
  EXPECT_TRUE(takt::test::run_in_child([&] {
                EXPECT_FALSE(it.poll.is_open());
                EXPECT_OK(it.poll.open());
                EXPECT_TRUE(it.poll.is_open());
                // Of its own: the parent's descriptor is not in it.
                EXPECT_OK(it.poll.add(it.ends[0], Readiness::readable, 2));
              }).exited_with(0));
  it.put();
  it.poll.wait(it.events, kNow);
  ASSERT_EQ(it.events.count, 1U);
  EXPECT_EQ(it.events.items[0].token, 1U);
}

}  // namespace
