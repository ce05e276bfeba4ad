// SPDX-License-Identifier: Apache-2.0
// monitor/history.h: a column that is read is the sample's that was asked for, or nothing; what is
// counted as complete is there.
#include "takt/monitor/history.h"

#include <cstdint>
#include <optional>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Ring = detail::BasicHistory<ModelEnv>;
constexpr std::uint32_t kColumns = 2;

/// A history of `kRows` rows, whose samples have their number in the column and as their time.
template <std::uint32_t kRows>
struct Samples {
  void take(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t number = from; number < to; ++number) {
      ring.write(1, static_cast<std::int64_t>(number));
      ring.finish(from_ns(static_cast<std::int64_t>(number)));
    }
  }

  /// Reads a column; requires that it is that sample's. Whether it was still there.
  bool look(std::uint64_t number) const {
    const std::optional<std::int64_t> value = ring.read(number, 1);
    if (value.has_value()) {
      require(*value == static_cast<std::int64_t>(number), "the column is that sample's");
    }
    return value.has_value();
  }
  bool look_at_time(std::uint64_t number) const {
    const std::optional<TimePoint> time = ring.time(number);
    if (time.has_value()) {
      require(to_ns(*time) == static_cast<std::int64_t>(number), "the time is that sample's");
    }
    return time.has_value();
  }

  Ring::Cell cells[kRows * kColumns];
  Ring ring{cells, kColumns};
};

// The newest sample, which Sampler::value() and a rate of two of them are made of.
void the_newest() {
  Samples<2> samples;
  samples.take(0, 1);
  concurrently([&] { samples.take(1, 3); },
               [&] {
                 const std::uint64_t written = samples.ring.written();
                 static_cast<void>(samples.look(written - 1) && samples.look_at_time(written - 1));
               });
  require(samples.look(2) && samples.look_at_time(2), "the last one is there in the end");
}

void two_one_after_the_other() {
  Samples<3> samples;
  samples.take(0, 2);
  concurrently([&] { samples.take(2, 5); },
               [&] {
                 const std::uint64_t written = samples.ring.written();
                 static_cast<void>(samples.look(written - 1) && samples.look(written - 2));
               });
  require(samples.look(4) && samples.look(3), "the last two are there in the end");
  require(!samples.look(2), "the row of one more is under the pen");
}

// One that nobody overwrites meanwhile is there: readers lose nothing but to the writer.
void what_is_kept_is_there() {
  Samples<3> samples;
  samples.take(0, 2);
  concurrently([&] { samples.take(2, 3); },
               [&] { require(samples.look(1), "two more may come before it is overwritten"); });
}

void what_is_counted_is_complete() {
  Samples<2> samples;
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        samples.take(0, 1);
      },
      [&] {
        if (samples.ring.written() == 0) return;
        require(samples.look(0) && samples.look_at_time(0), "all of its columns");
        require(data.get() == 1, "and what came before");
      });
}

void two_readers() {
  Samples<2> samples;
  samples.take(0, 1);
  const auto read = [&] { static_cast<void>(samples.look(samples.ring.written() - 1)); };
  concurrently([&] { samples.take(1, 3); }, read, read);
}

void a_writer_that_stopped_inside() {
  Samples<2> samples;
  samples.take(0, 2);
  concurrently([&] { samples.take(2, 4); },
               [&] {
                 const std::uint64_t written = samples.ring.written();
                 static_cast<void>(samples.look(written - 1) && samples.look_at_time(written - 1));
               });
}

const Model kModels[] = {
    {"history: the newest", the_newest, {}, 3'000},
    {"history: two one after the other", two_one_after_the_other, {}, 44'000},
    {"history: what is kept is there", what_is_kept_is_there, {}, 6},
    {"history: what is counted is complete", what_is_counted_is_complete, {}, 6},
    {"history: two readers", two_readers, {.preemptions = 2}, 5'900},
    {"history: a writer that stopped inside",
     a_writer_that_stopped_inside,
     {.preemptions = 2, .freezes = 1, .freezable = 1},
     590},
};

const ModelSet kSet(kModels, {"monitor/history.h"});

}  // namespace
}  // namespace takt::model
