// SPDX-License-Identifier: Apache-2.0
// The event ring and its readers: order, overwriting, loss. What a reader sees of a writer that is
// at it is the model checker's to prove; here tsan looks on.
#include "takt/executor/event_ring.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>

#include "takt/tests/support/test.h"

namespace {

using takt::EventKind;
using takt::EventReader;
using takt::EventRing;
using takt::WorkerEvent;

constexpr std::uint32_t kCapacity = 8;

struct Fixture {
  Fixture() { ring.attach(cells.data(), kCapacity); }
  void record(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t number = from; number < to; ++number) {
      ring.record({EventKind::start, static_cast<std::int64_t>(number),
                   WorkerEvent::job_of(0, false, 0, number)});
    }
  }
  std::array<EventRing::Cell, kCapacity> cells{};
  EventRing ring;
};

TEST(WorkerEvent, says_what_it_was_made_of) {
  constexpr WorkerEvent kEvent(EventKind::resume, 1'234'567'890'123,
                               WorkerEvent::job_of(1023, true, 65'534, 7));
  EXPECT_TRUE(kEvent.kind() == EventKind::resume);
  EXPECT_EQ(takt::to_ns(kEvent.time()), 1'234'567'890'123);
  EXPECT_EQ(kEvent.lane(), 1023);
  EXPECT_TRUE(kEvent.is_task());
  EXPECT_EQ(kEvent.number(), 65'534);
  EXPECT_EQ(kEvent.index(), 7);
  constexpr WorkerEvent kJob(EventKind::release, -1,
                             WorkerEvent::job_of(0, false, 3, 0x1'FFFF'FFFF));
  EXPECT_TRUE(kJob.kind() == EventKind::release);
  EXPECT_EQ(takt::to_ns(kJob.time()), -1);
  EXPECT_FALSE(kJob.is_task());
  EXPECT_EQ(kJob.number(), 3);
  EXPECT_EQ(kJob.index(), 0xFFFF'FFFF);  // modulo 2^32
  constexpr WorkerEvent kWorker(EventKind::park, 0, WorkerEvent::worker_of(1023));
  EXPECT_EQ(kWorker.lane(), 1023);
  EXPECT_FALSE(kWorker.is_task());
  EXPECT_EQ(kWorker.number(), 0);
}

TEST(EventRing, without_memory_there_is_nothing_to_read) {
  const EventRing ring;
  EXPECT_FALSE(ring.enabled());
  EXPECT_EQ(ring.capacity(), 0);
  EventReader reader(ring);
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_EQ(reader.lost(), 0);
}

TEST(EventRing, gives_each_event_once_in_order) {
  Fixture only;
  EventReader reader(only.ring);
  EXPECT_FALSE(reader.next().has_value());
  for (std::uint64_t number = 0; number < 100; number += 5) {
    only.record(number, number + 5);
    for (std::uint64_t i = number; i < number + 5; ++i) {
      const auto event = reader.next();
      ASSERT_TRUE(event.has_value());
      EXPECT_EQ(event->index(), i);
    }
    EXPECT_FALSE(reader.next().has_value());
  }
  EXPECT_EQ(reader.lost(), 0);
  EXPECT_EQ(only.ring.written(), 100);
}

TEST(EventRing, counts_what_was_overwritten) {
  Fixture only;
  EventReader reader(only.ring);
  only.record(0, 3 * kCapacity + 2);
  // All but the cell that may be under the pen are there.
  for (std::uint64_t i = 2 * kCapacity + 3; i < 3 * kCapacity + 2; ++i) {
    const auto event = reader.next();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->index(), i);
    EXPECT_EQ(reader.lost(), 2 * kCapacity + 3);
  }
  EXPECT_FALSE(reader.next().has_value());
}

TEST(EventRing, a_full_ring_keeps_all_but_one) {
  Fixture only;
  EventReader reader(only.ring);
  only.record(0, kCapacity - 1);
  EXPECT_EQ(reader.next()->index(), 0);
  EXPECT_EQ(reader.lost(), 0);
  EventReader other(only.ring);
  only.record(kCapacity - 1, kCapacity);
  EXPECT_EQ(other.next()->index(), 1);
  EXPECT_EQ(other.lost(), 1);
}

TEST(EventRing, a_late_reader_begins_with_the_oldest_and_has_lost_nothing) {
  Fixture only;
  only.record(0, 5 * kCapacity);
  EventReader reader(only.ring);
  EXPECT_EQ(reader.next()->index(), 4 * kCapacity + 1);
  EXPECT_EQ(reader.lost(), 0);
}

TEST(EventRing, readers_do_not_care_for_each_other) {
  Fixture only;
  EventReader first(only.ring);
  EventReader second(only.ring);
  only.record(0, 3);
  EXPECT_EQ(first.next()->index(), 0);
  EXPECT_EQ(first.next()->index(), 1);
  EXPECT_EQ(second.next()->index(), 0);
}

TEST(EventRing, what_is_overwritten_during_the_copy_is_not_returned) {
  // As if the reader had been preempted between its look and its copy.
  Fixture only;
  only.record(0, 1);
  EXPECT_TRUE(only.ring.read(0).has_value());
  only.record(1, kCapacity);
  EXPECT_FALSE(only.ring.read(0).has_value());
  EXPECT_EQ(only.ring.read(1)->index(), 1);
}

// A writer that never pauses and two readers: whole events, in order, each seen or counted.
TEST(EventRing, survives_readers_while_it_is_written) {
  constexpr std::uint64_t kEvents = 200'000;
  Fixture only;
  std::atomic<bool> over{false};
  const auto read = [&] {
    EventReader reader(only.ring);
    std::uint64_t next = 0;
    const auto drain = [&] {
      while (const auto event = reader.next()) {
        const auto number = static_cast<std::uint64_t>(takt::to_ns(event->time()));
        EXPECT_EQ(event->index(), number);  // both words are of one event
        if (next == 0) next = number - reader.lost();
        EXPECT_LE(next, number);
        next = number + 1;
      }
    };
    while (!over.load()) drain();
    drain();
    EXPECT_EQ(next, kEvents);
  };
  std::thread first(read);
  std::thread second(read);
  only.record(0, kEvents);
  over.store(true);
  first.join();
  second.join();
}

// Each number is seen or counted as lost: exactly, at the end.
TEST(EventRing, accounts_for_every_event) {
  constexpr std::uint64_t kEvents = 100'000;
  Fixture only;
  EventReader reader(only.ring);  // from the first event on
  std::thread writer([&] { only.record(0, kEvents); });
  std::uint64_t seen = 0;
  std::uint64_t last = 0;
  while (last != kEvents) {
    const auto event = reader.next();
    if (!event.has_value()) continue;
    ++seen;
    last = static_cast<std::uint64_t>(takt::to_ns(event->time())) + 1;
    EXPECT_EQ(seen + reader.lost(), last);
  }
  writer.join();
}

}  // namespace
