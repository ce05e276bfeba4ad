// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/monitor_thread.h"

#include <atomic>
#include <cerrno>
#include <string_view>

#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/executor/gate.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

using namespace std::chrono_literals;
using platform::SystemCall;
using test::FaultInjection;
using test::Gate;

MonitorStack<> stack;
MonitorThread thread;
constexpr Duration kPatience = 30s;

struct Steps {
  Gate gate;
  Duration distance = 1ms;
  std::atomic<std::uint32_t> count{0};
  std::atomic<std::int64_t> last_ns{0};
  std::atomic<std::uint32_t> early{0};

  static TimePoint step(void* argument, TimePoint now) noexcept {
    auto& steps = *static_cast<Steps*>(argument);
    if (to_ns(now) < steps.last_ns.load() + steps.distance.count()) steps.early.fetch_add(1);
    steps.last_ns = to_ns(now);
    steps.count.fetch_add(1);
    steps.gate.enter();
    return now + steps.distance;
  }
};

TEST(MonitorThread, steps_at_once_and_never_too_early) {
  Steps steps;
  steps.last_ns = to_ns(now()) - steps.distance.count();
  ASSERT_OK(thread.start({.name = "stepper"}, stack.memory(), &Steps::step, &steps));
  EXPECT_TRUE(thread.running());
  steps.gate.wait_for_entries(5);
  EXPECT_OK(thread.stop(kPatience));
  EXPECT_FALSE(thread.running());
  EXPECT_EQ(steps.early.load(), 0U);
}

TEST(MonitorThread, ends_in_the_middle_of_a_sleep_and_starts_again) {
  Steps steps;
  steps.distance = 1h;
  for (std::uint32_t round = 1; round <= 3; ++round) {
    ASSERT_OK(thread.start({}, stack.memory(), &Steps::step, &steps));
    steps.gate.wait_for_entries(round);
    EXPECT_OK(thread.stop(kPatience));
    EXPECT_EQ(steps.count.load(), round);
  }
  EXPECT_OK(thread.stop(kPatience));  // it does not run
}

TEST(MonitorThread, a_step_that_stops_its_own_thread_is_refused_and_it_goes_on) {
  struct Stopping {
    Gate gate;
    std::atomic<int> refused{0};
    static TimePoint step(void* argument, TimePoint now) noexcept {
      auto& self = *static_cast<Stopping*>(argument);
      if (thread.stop(1s).code() == StatusCode::failed_precondition) self.refused.fetch_add(1);
      self.gate.enter();
      return now + 1ms;
    }
  } stopping;
  ASSERT_OK(thread.start({}, stack.memory(), &Stopping::step, &stopping));
  stopping.gate.wait_for_entries(5);
  EXPECT_TRUE(thread.running());
  EXPECT_OK(thread.stop(kPatience));
  EXPECT_GE(stopping.refused.load(), 5);
}

TEST(MonitorThread, a_step_that_lasts_is_a_time_out) {
  struct Lasting {
    Gate gate;
    static TimePoint step(void* argument, TimePoint now) noexcept {
      static_cast<Lasting*>(argument)->gate.pass();
      return now + 1h;
    }
  } lasting;
  ASSERT_OK(thread.start({}, stack.memory(), &Lasting::step, &lasting));
  lasting.gate.wait_for_entries();
  EXPECT_EQ(thread.stop(1ms).code(), StatusCode::timed_out);
  EXPECT_EQ(thread.stop(1ms).code(), StatusCode::timed_out);
  EXPECT_EQ(thread.start({}, stack.memory(), &Lasting::step, &lasting).code(),
            StatusCode::failed_precondition);
  lasting.gate.open();
  EXPECT_OK(thread.stop(kPatience));
  // The stop that timed out is not taken for one of the next run.
  Steps steps;
  steps.last_ns = to_ns(now()) - 1h / 1ns;
  ASSERT_OK(thread.start({}, stack.memory(), &Steps::step, &steps));
  steps.gate.wait_for_entries(3);
  EXPECT_OK(thread.stop(kPatience));
}

TEST(MonitorThread, says_what_was_refused) {
  Steps steps;
  {
    const FaultInjection fault(SystemCall::sched_setscheduler, EPERM);
    const FaultInjection other(SystemCall::sched_setattr, EPERM);
    const Status status = thread.start({.name = "high", .scheduling = Fifo{.priority = 50}},
                                       stack.memory(), &Steps::step, &steps);
    EXPECT_EQ(status.code(), StatusCode::permission_denied);
    EXPECT_TRUE(std::string_view(status.text()).starts_with("thread 'high': "));
  }
  {
    const FaultInjection fault(SystemCall::sched_setaffinity, EINVAL);
    EXPECT_EQ(thread.start({.cpus = CpuSet::of(0)}, stack.memory(), &Steps::step, &steps).code(),
              StatusCode::invalid_argument);
  }
  {
    const FaultInjection fault(SystemCall::pthread_create, EAGAIN);
    EXPECT_EQ(thread.start({}, stack.memory(), &Steps::step, &steps).code(),
              StatusCode::resource_exhausted);
  }
  EXPECT_EQ(thread.start({.name = ""}, stack.memory(), &Steps::step, &steps).code(),
            StatusCode::invalid_argument);
  EXPECT_EQ(thread.start({.name = nullptr}, stack.memory(), &Steps::step, &steps).code(),
            StatusCode::invalid_argument);
  EXPECT_FALSE(thread.running());
  EXPECT_EQ(steps.count.load(), 0U);
  // Nothing is left behind.
  steps.last_ns = to_ns(now()) - 1h / 1ns;
  ASSERT_OK(thread.start({}, stack.memory(), &Steps::step, &steps));
  EXPECT_OK(thread.stop(kPatience));
}

}  // namespace
}  // namespace takt
