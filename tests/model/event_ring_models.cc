// SPDX-License-Identifier: Apache-2.0
// executor/event_ring.h: every event whole and in order, or counted as lost.
#include "takt/executor/event_ring.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Ring = BasicEventRing<ModelEnv>;
using Reader = BasicEventReader<ModelEnv>;

/// A ring of two or four events whose two words are always equal: the event's number.
template <std::uint32_t kCapacity>
struct Log {
  Log() { ring.attach(cells, kCapacity); }

  void record(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t number = from; number < to; ++number) {
      ring.record({EventKind::start, static_cast<std::int64_t>(number),
                   WorkerEvent::job_of(0, false, 0, number)});
    }
  }

  Ring::Cell cells[kCapacity];
  Ring ring;
};

/// Reads once; requires that what is returned or lost is exactly what comes next. `next` is the
/// number that the reader has not accounted for.
bool read(Reader& reader, std::uint64_t& next) {
  const std::uint64_t lost = reader.lost();
  const auto event = reader.next();
  next += reader.lost() - lost;
  if (!event.has_value()) return false;
  require(to_ns(event->time()) == std::int64_t{event->index()}, "no event is torn");
  require(event->index() == next, "each event is seen or counted as lost");
  ++next;
  return true;
}

void require_all(Reader& reader, std::uint64_t next, std::uint64_t all) {
  while (read(reader, next)) {
  }
  require(next == all, "all are accounted for in the end");
}

void overtakes_a_reader() {
  Log<2> log;
  Reader reader(log.ring);
  std::uint64_t next = 0;
  concurrently(
      [&] { log.record(0, 3); },
      [&] { static_cast<void>(read(reader, next)), static_cast<void>(read(reader, next)); });
  require_all(reader, next, 3);
}

void read_while_it_is_overwritten() {
  Log<2> log;
  Reader reader(log.ring);
  log.record(0, 1);
  std::uint64_t next = 0;
  concurrently([&] { log.record(1, 4); }, [&] { static_cast<void>(read(reader, next)); });
  require_all(reader, next, 4);
}

void four_cells() {
  Log<4> log;
  Reader reader(log.ring);
  log.record(0, 3);
  std::uint64_t next = 0;
  concurrently(
      [&] { log.record(3, 6); },
      [&] { static_cast<void>(read(reader, next)), static_cast<void>(read(reader, next)); });
  require_all(reader, next, 6);
}

void what_was_told_is_there() {
  Log<2> log;
  Variable<int> data(0);
  ModelEnv::Word told(0);
  concurrently(
      [&] {
        data.set(1);
        log.record(0, 1);
        told.store(1, std::memory_order_release);
      },
      [&] {
        const bool over = told.load(std::memory_order_acquire) == 1;
        Reader reader(log.ring);
        const bool begun = log.ring.written() == 1;
        require(begun || !over, "a record that is over is seen");
        if (begun) require(data.get() == 1, "what came before the record is seen");
      });
}

void two_readers() {
  Log<2> log;
  Reader first(log.ring);
  Reader second(log.ring);
  log.record(0, 1);
  std::uint64_t next[2] = {0, 0};
  concurrently([&] { log.record(1, 3); }, [&] { static_cast<void>(read(first, next[0])); },
               [&] { static_cast<void>(read(second, next[1])); });
  require_all(first, next[0], 3);
  require_all(second, next[1], 3);
}

void a_writer_that_stopped_inside() {
  Log<2> log;
  Reader reader(log.ring);
  log.record(0, 1);
  std::uint64_t next = 0;
  concurrently(
      [&] { log.record(1, 3); },
      [&] { static_cast<void>(read(reader, next)), static_cast<void>(read(reader, next)); });
}

const Model kModels[] = {
    {"event ring: overtakes a reader", overtakes_a_reader, {.preemptions = 3}, 1'600},
    {"event ring: read while it is overwritten",
     read_while_it_is_overwritten,
     {.preemptions = 3},
     7'200},
    {"event ring: four cells", four_cells, {.preemptions = 2}, 2'600},
    {"event ring: what was told is there", what_was_told_is_there, {}, 80},
    {"event ring: two readers", two_readers, {.preemptions = 2}, 58'000},
    {"event ring: a writer that stopped inside",
     a_writer_that_stopped_inside,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     760},
};

const ModelSet kSet(kModels, {"executor/event_ring.h"});

}  // namespace
}  // namespace takt::model
