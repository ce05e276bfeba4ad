// SPDX-License-Identifier: Apache-2.0
#include "takt/sync/event.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <type_traits>

#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/report.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using namespace std::chrono_literals;
using takt::Reset;
using takt::StatusCode;
using takt::TimePoint;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::Sleeper;
using takt::test::SteppedClock;
using Automatic = takt::Event<Reset::automatic>;
using Manual = takt::Event<Reset::manual>;

static_assert(!std::is_copy_constructible_v<Automatic> && !std::is_copy_constructible_v<Manual>);
constinit Automatic constant_initialised_automatic;
constinit Manual constant_initialised_manual;

TEST(Event, manual_stays_set_until_reset) {
  Manual event;
  EXPECT_FALSE(event.is_set());
  EXPECT_FALSE(event.try_wait());
  event.reset();
  event.set();
  event.set();
  event.wait();
  EXPECT_OK(event.wait_for(0ns));
  EXPECT_TRUE(event.try_wait());
  EXPECT_TRUE(event.is_set());
  event.reset();
  EXPECT_FALSE(event.is_set());
  event.set();
  EXPECT_TRUE(event.is_set());
}

TEST(Event, automatic_is_taken_by_who_waits) {
  Automatic event;
  EXPECT_FALSE(event.is_set());
  EXPECT_FALSE(event.try_wait());
  event.reset();
  event.set();
  event.set();  // one is kept
  EXPECT_TRUE(event.is_set());
  event.wait();
  EXPECT_FALSE(event.is_set());
  event.set();
  EXPECT_OK(event.wait_for(0ns));
  event.set();
  EXPECT_TRUE(event.try_wait());
  EXPECT_FALSE(event.try_wait());
  event.set();
  event.reset();
  EXPECT_FALSE(event.try_wait());
}

TEST(Event, is_constant_initialised) {
  constant_initialised_automatic.set();
  constant_initialised_manual.set();
  EXPECT_TRUE(constant_initialised_automatic.is_set());
  EXPECT_TRUE(constant_initialised_manual.is_set());
}

TEST_TYPES(Event, makes_no_system_call_while_nobody_waits, Automatic, Manual) {
  Type event;
  Sleeper waiter([&] { event.wait(); });
  event.set();
  waiter.join();
  event.reset();
  EXPECT_EQ(event.wait_for(1ms).code(), StatusCode::timed_out);
  event.set();
  event.reset();
  const FaultInjection futex(SystemCall::futex, ENOSYS, 1'000'000);
  for (int i = 0; i < 100; ++i) {
    event.set();
    EXPECT_TRUE(event.is_set());
    event.wait();
    event.set();
    event.reset();
  }
  EXPECT_EQ(futex.calls(), 0);
}

TEST_TYPES(Event, times_out, Automatic, Manual) {
  Type event;
  const TimePoint start = takt::now();
  EXPECT_EQ(event.wait_for(2ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 2ms);
  EXPECT_EQ(event.wait_until(start + 5ms).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 5ms);
  const auto wall = std::chrono::system_clock::now() + 2ms;
  EXPECT_EQ(event.wait_until(wall).code(), StatusCode::timed_out);
  EXPECT_GE(std::chrono::system_clock::now(), wall);
}

TEST_TYPES(Event, a_deadline_that_has_passed_times_out_at_once, Automatic, Manual) {
  Type event;
  EXPECT_EQ(event.wait_for(0ns).code(), StatusCode::timed_out);
  EXPECT_EQ(event.wait_for(std::chrono::hours::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(event.wait_until(TimePoint::min()).code(), StatusCode::timed_out);
  EXPECT_EQ(event.wait_until(TimePoint{}).code(), StatusCode::timed_out);
  EXPECT_EQ(event.wait_until(std::chrono::system_clock::time_point::min()).code(),
            StatusCode::timed_out);
  event.set();
  EXPECT_OK(event.wait_until(TimePoint::min()));
  event.set();
  EXPECT_OK(event.wait_for(-1s));
}

// Set back by 5 ms during the wait, the wall clock prolongs a wait until one of its times.
TEST_TYPES(Event, a_wait_until_a_wall_time_notices_that_it_was_set, Automatic, Manual) {
  Type event;
  const TimePoint start = takt::now();
  SteppedClock::will_step_by(-5ms);
  const SteppedClock::time_point soon(start.time_since_epoch() + 1ms);
  EXPECT_EQ(event.wait_until(soon).code(), StatusCode::timed_out);
  EXPECT_GE(takt::now(), start + 6ms);
}

/// A clock that shows the deadline on its third reading; on the second one the event is pulsed.
struct PulsingClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<PulsingClock>;
  static constexpr bool is_steady = false;
  static time_point now() noexcept {
    ++readings;
    if (readings == 2) event->set(), event->reset();
    return time_point(duration{readings < 3 ? 0 : 1'000'000});
  }
  static inline int readings = 0;
  static inline Manual* event = nullptr;
};

TEST(Event, a_pulse_between_two_looks_at_a_wall_clock_counts) {
  Manual event;
  PulsingClock::event = &event;
  PulsingClock::readings = 0;
  EXPECT_OK(event.wait_until(PulsingClock::time_point(1ms)));
}

/// Each form of waiting without end.
enum class Form { wait, for_max, until_never, until_wall_max };
constexpr const char* to_string(Form form) noexcept {
  constexpr const char* kNames[] = {"wait", "for_max", "until_never", "until_wall_max"};
  return kNames[static_cast<int>(form)];
}
template <class AnyEvent>
void wait_for_ever(AnyEvent& event, Form form) {
  switch (form) {
    case Form::wait:
      return event.wait();
    case Form::for_max:
      return static_cast<void>(EXPECT_OK(event.wait_for(std::chrono::hours::max())));
    case Form::until_never:
      return static_cast<void>(EXPECT_OK(event.wait_until(takt::kNever)));
    case Form::until_wall_max:
      return static_cast<void>(
          EXPECT_OK(event.wait_until(std::chrono::system_clock::time_point::max())));
  }
}
TEST_EACH(Event, wakes_who_sleeps, Form::wait, Form::for_max, Form::until_never,
          Form::until_wall_max) {
  Automatic automatic;
  Manual manual;
  Sleeper one([&] { wait_for_ever(automatic, param); });
  Sleeper other([&] { wait_for_ever(manual, param); });
  automatic.set();
  manual.set();
  one.join();
  other.join();
  EXPECT_FALSE(automatic.is_set());
}

TEST(Event, manual_wakes_all_who_sleep) {
  Manual event;
  std::array<std::optional<Sleeper>, 8> waiters;
  for (auto& waiter : waiters) waiter.emplace([&] { event.wait(); });
  event.set();
  for (auto& waiter : waiters) waiter->join();
}

std::atomic<int> held{0};
std::atomic<bool> go_on{false};

// The pulse that other libraries lose: the event is reset before those who were released run. A
// signal holds them between their sleep and their next look.
TEST(Event, manual_releases_who_slept_even_when_it_is_reset_at_once) {
  Manual event;
  struct sigaction action {};
  action.sa_handler = [](int /*signal*/) {
    held.fetch_add(1);
    while (!go_on.load()) ::sched_yield();
  };
  ASSERT_EQ(::sigaction(SIGUSR1, &action, nullptr), 0);
  constexpr int kWaiters = 4;
  std::array<std::optional<Sleeper>, kWaiters> waiters;
  for (auto& waiter : waiters) {
    waiter.emplace([&] { event.wait(); });
    ASSERT_EQ(::syscall(SYS_tgkill, ::getpid(), waiter->id(), SIGUSR1), 0);
  }
  while (held.load() < kWaiters) ::sched_yield();
  event.set();
  event.reset();
  go_on.store(true);
  for (auto& waiter : waiters) waiter->join();
  EXPECT_FALSE(event.is_set());
}

TEST(Event, automatic_wakes_exactly_one) {
  Automatic event;
  std::array<std::optional<Sleeper>, 4> waiters;
  for (auto& waiter : waiters) waiter.emplace([&] { event.wait(); });
  for (std::size_t sets = 1; sets <= waiters.size(); ++sets) {
    event.set();
    std::size_t over = 0;
    while (over < sets) {
      over = 0;
      for (auto& waiter : waiters) over += waiter->over() ? 1U : 0U;
      ::sched_yield();
    }
    std::size_t undisturbed = 0;
    for (auto& waiter : waiters) undisturbed += waiter->undisturbed() ? 1U : 0U;
    EXPECT_EQ(undisturbed, waiters.size() - sets);
  }
}

TEST(Event, automatic_releases_as_many_sleepers_as_there_are_sets) {
  Automatic event;
  std::array<std::optional<Sleeper>, 4> waiters;
  for (auto& waiter : waiters) waiter.emplace([&] { event.wait(); });
  for (std::size_t i = 0; i < waiters.size(); ++i) event.set();  // faster than anybody runs
  for (auto& waiter : waiters) waiter->join();
  EXPECT_FALSE(event.is_set());
}

TEST_TYPES(Event, orders_what_was_before_the_set, Automatic, Manual) {
  const auto rounds = static_cast<int>(20'000 / takt::test::time_scale());
  Type full;
  Type empty;
  int value = 0;  // plain: the thread sanitizer judges
  std::thread writer([&] {
    for (int round = 1; round <= rounds; ++round) {
      value = round;
      full.set();
      empty.wait();
      empty.reset();
    }
  });
  for (int round = 1; round <= rounds; ++round) {
    full.wait();
    full.reset();
    EXPECT_EQ(value, round);
    empty.set();
  }
  writer.join();
}

// Whoever returns from wait() may destroy the event at once, while set() is still on its way out of
// the other thread. The memory is scribbled over and used for the next event.
TEST_TYPES(Event, may_be_destroyed_by_who_waited, Automatic, Manual) {
  const auto rounds = static_cast<std::uint32_t>(50'000 / takt::test::time_scale());
  std::optional<Type> event;
  std::atomic<Type*> offered{nullptr};
  std::thread setter([&offered, rounds] {
    for (std::uint32_t round = 0; round < rounds; ++round) {
      Type* taken = nullptr;
      while ((taken = offered.exchange(nullptr)) == nullptr) ::sched_yield();
      taken->set();
    }
  });
  for (std::uint32_t round = 0; round < rounds; ++round) {
    event.emplace();
    offered.store(&*event);
    event->wait();
    event.reset();
  }
  setter.join();
}

}  // namespace
