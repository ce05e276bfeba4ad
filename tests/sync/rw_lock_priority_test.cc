// SPDX-License-Identifier: Apache-2.0
// Who inherits what, by what it does: three SCHED_FIFO threads on one CPU. Low writes; high wants
// the lock; medium could run for ever.
#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/sync/env.h"
#include "takt/sync/read_lock.h"
#include "takt/sync/rw_lock.h"
#include "takt/sync/write_lock.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using takt::CpuSet;
using takt::ReadLock;
using takt::RwLock;
using takt::Status;
using takt::WriteLock;
using takt::platform::set_affinity;
using takt::platform::set_scheduling;
using takt::platform::thread_id;
using takt::test::wait_until_asleep;

enum class Event : std::uint32_t { none, high_has_the_lock, medium_has_run };

/// A SCHED_FIFO thread on one CPU that runs `body` when told to.
class Gated {
 public:
  template <class Body>
  Gated(int priority, const CpuSet& cpu, const Body& body)
      : thread_([this, priority, cpu, body] {
          EXPECT_OK(set_affinity(cpu));
          EXPECT_OK(set_scheduling(takt::Fifo{.priority = priority}));
          id_.store(thread_id());
          while (gate_.load() == 0) takt::ThreadEnv::wait(gate_, 0, takt::kNever);
          body();
        }) {
    wait_until_asleep(id_);
  }
  Gated(const Gated&) = delete;
  Gated& operator=(const Gated&) = delete;
  ~Gated() { thread_.join(); }
  void go() {
    gate_.store(1);
    takt::ThreadEnv::wake(gate_, 1);
  }

 private:
  std::atomic<std::int32_t> id_{0};
  takt::ThreadEnv::Word gate_{0};
  std::thread thread_;
};

/// Which came first, when low lets high and medium go while it writes.
template <template <class> class HighLock>
Event first_event(const CpuSet& cpu) {
  RwLock<> lock;
  std::atomic<Event> first{Event::none};
  const auto note = [&first](Event event) {
    Event none = Event::none;
    first.compare_exchange_strong(none, event);
  };
  {
    Gated medium(20, cpu, [&] { note(Event::medium_has_run); });
    Gated high(30, cpu, [&] {
      const HighLock<RwLock<>> held(lock);
      note(Event::high_has_the_lock);
    });
    Gated low(10, cpu, [&] {
      const WriteLock writing(lock);
      high.go();    // high preempts here, and blocks on the lock
      medium.go();  // medium preempts here, unless this thread has inherited
    });
    low.go();
  }
  return first.load();
}

TEST(RwLockPriority, a_writer_inherits_from_a_writer_and_not_from_a_reader) {
  if (const Status status = set_scheduling(takt::Fifo{.priority = 40}); !status.ok()) {
    SKIP("%s", status.text());
  }
  ASSERT_OK(set_scheduling(takt::Other{}));
  const CpuSet cpu = CpuSet::of(takt::platform::affinity()->first());
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(first_event<WriteLock>(cpu), Event::high_has_the_lock, "round %d", round);
  }
  // What the documentation warns of, and the control of the above.
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(first_event<ReadLock>(cpu), Event::medium_has_run, "round %d", round);
  }
}

}  // namespace
