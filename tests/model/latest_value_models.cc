// SPDX-License-Identifier: Apache-2.0
// sync/latest_value.h: nobody touches a buffer of somebody else's; values come in order, fresh
// once; none is lost but those that were replaced.
#include "takt/sync/latest_value.h"

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

/// A plain variable, so that a shared buffer is a data race.
class Value {
 public:
  Value() noexcept = default;
  explicit Value(int value) noexcept : value_(value) {}
  Value(const Value&) noexcept = default;
  Value& operator=(const Value& other) noexcept {
    value_.set(other.get());
    return *this;
  }
  ~Value() = default;
  int get() const noexcept { return value_.get(); }
  void set(int value) noexcept { value_.set(value); }

 private:
  Variable<int> value_;
};
using LatestValue = BasicLatestValue<Value, ModelEnv>;

/// Loads once; requires what load() promises, `last` being what it returned before.
void load_newer(LatestValue& latest, int& last) {
  const LatestValue::Reading reading = latest.load();
  const int value = reading.value.get();
  require(reading.fresh ? value > last : value == last, "a fresh value is newer, no other");
  last = value;
}

void newer_and_newer() {
  LatestValue latest;
  concurrently(
      [&] {
        for (int value = 1; value <= 3; ++value) latest.store(Value(value));
      },
      [&] {
        int last = 0;
        for (int i = 0; i < 3; ++i) load_newer(latest, last);
      });
  require(latest.load().value.get() == 3, "the last one stays");
  require(!latest.load().fresh, "and is fresh once");
}

void counts_what_was_never_read() {
  LatestValue latest;
  Variable<int> unread(0);
  Variable<int> read(0);
  concurrently(
      [&] {
        for (int value = 1; value <= 3; ++value) {
          latest.draft().set(value);
          if (!latest.publish()) unread.set(unread.get() + 1);
        }
      },
      [&] {
        for (int i = 0; i < 2; ++i) read.set(read.get() + (latest.load().fresh ? 1 : 0));
      });
  const int last = latest.load().fresh ? 1 : 0;
  require(unread.get() + read.get() + last == 3, "each value is read or counted as unread");
}

void what_was_told_is_there() {
  LatestValue latest;
  ModelEnv::Word told(0);
  concurrently(
      [&] {
        latest.store(Value(1));
        told.store(1, std::memory_order_release);
      },
      [&] {
        if (told.load(std::memory_order_acquire) == 0) return;
        const LatestValue::Reading reading = latest.load();
        require(reading.fresh && reading.value.get() == 1, "a store that is over is seen");
      });
}

void the_reader_may_change_its_buffer() {
  LatestValue latest;
  concurrently(
      [&] {
        latest.store(Value(1));
        latest.store(Value(2));
      },
      [&] {
        for (int i = 0; i < 2; ++i) {
          latest.load().value.set(-1);
          const LatestValue::Reading reading = latest.load();
          require(reading.fresh ? reading.value.get() > 0 : reading.value.get() == -1, "its own");
        }
      });
}

void handed_over_to_a_third() {
  // The role of the reader goes to another thread by an acquire and release of its own.
  LatestValue latest;
  ModelEnv::Word handed(0);
  concurrently([&] { latest.store(Value(1)), latest.store(Value(2)); },
               [&] {
                 int last = 0;
                 load_newer(latest, last);
                 handed.store(static_cast<std::uint32_t>(last) + 1, std::memory_order_release);
               },
               [&] {
                 const std::uint32_t from = handed.load(std::memory_order_acquire);
                 if (from == 0) return;
                 int last = static_cast<int>(from) - 1;
                 load_newer(latest, last);
               });
}

const Model kModels[] = {
    {"latest value: values come in order, fresh once", newer_and_newer, {}, 100},
    {"latest value: each value is read or counted", counts_what_was_never_read, {}, 50},
    {"latest value: what was told is there", what_was_told_is_there, {}, 3},
    {"latest value: the reader may change its buffer", the_reader_may_change_its_buffer, {}, 50},
    {"latest value: the reader's role handed over", handed_over_to_a_third, {.preemptions = 3}, 20},
};

const ModelSet kSet(kModels, {"sync/latest_value.h"});

}  // namespace
}  // namespace takt::model
