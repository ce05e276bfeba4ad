// SPDX-License-Identifier: Apache-2.0
// A thread that is preempted between what it changed and its wake holds up nobody whom another
// thread's complete call concerns.
#include <sched.h>

#include <atomic>
#include <thread>

#include "takt/sync/bounded_queue.h"
#include "takt/sync/env.h"
#include "takt/sync/event.h"
#include "takt/tests/support/test.h"
#include "takt/tests/sync/sleeper.h"

namespace {

using takt::Reset;
using takt::test::Sleeper;

std::atomic<bool> stops{false};    // whoever wakes next stops before it
std::atomic<bool> stopped{false};  // it has
std::atomic<bool> goes_on{false};

struct StoppingEnv : takt::ThreadEnv {
  static int wake(const Word& word, int count) noexcept {
    if (stops.exchange(false)) {
      stopped.store(true);
      while (!goes_on.load()) ::sched_yield();
    }
    return takt::ThreadEnv::wake(word, count);
  }
};

struct Automatic : takt::BasicEvent<Reset::automatic, StoppingEnv> {
  void tell() { set(); }
  void tell_again() { set(); }
};
struct Manual : takt::BasicEvent<Reset::manual, StoppingEnv> {
  void tell() { set(); }
  void tell_again() { set(); }
};
struct Pulsed : Manual {
  void tell_again() { reset(); }  // takes away what the next set() would see the waiter by
};
struct Queue : takt::BasicBoundedQueue<int, 2, StoppingEnv> {
  void tell() { EXPECT_OK(push(1)); }
  void tell_again() { EXPECT_OK(push(2)); }
  void wait() { EXPECT_OK(pop()); }
};

TEST_TYPES(StoppedWaker, holds_up_nobody, Automatic, Manual, Pulsed, Queue) {
  Type object;
  stopped.store(false);
  goes_on.store(false);
  Sleeper waiter([&] { object.wait(); });
  stops.store(true);
  std::thread teller([&] { object.tell(); });
  while (!stopped.load()) ::sched_yield();
  object.tell_again();
  waiter.join();  // for ever, if it has to wait for the teller
  goes_on.store(true);
  teller.join();
}

}  // namespace
