// SPDX-License-Identifier: Apache-2.0
// sync/seq_lock.h, sync/versioned_cell.h: no torn value, none older than one that was seen.
#include "takt/sync/seq_lock.h"

#include <cstdint>
#include <optional>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

/// Two words that are always equal.
struct Pair {
  std::uint64_t first;
  std::uint64_t second;
};
constexpr Pair pair(std::uint64_t value) { return {value, value}; }
using SeqLock = BasicSeqLock<Pair, ModelEnv>;

/// The value of a load; 0 when there was none.
std::uint64_t load_whole(const SeqLock& lock, unsigned attempts = 1) {
  const std::optional<Pair> value = lock.try_load(attempts);
  if (!value.has_value()) return 0;
  require(value->first == value->second, "no value is torn");
  require(value->first != 0, "nothing is read before the first store");
  return value->first;
}

void never_torn() {
  SeqLock lock;
  concurrently([&] { lock.store(pair(1)), lock.store(pair(2)); },
               [&] {
                 const std::uint64_t first = load_whole(lock);
                 const std::uint64_t second = load_whole(lock);
                 require(second == 0 || second >= first, "no value is older than one before");
               });
  require(load_whole(lock) == 2 && lock.version() == 2, "the last one stays");
}

void two_readers() {
  SeqLock lock;
  lock.store(pair(1));
  const auto read = [&] { static_cast<void>(load_whole(lock)); };
  concurrently([&] { lock.store(pair(2)); }, read, read);
}

void what_a_reader_saw_is_there_for_the_next() {
  SeqLock lock;
  ModelEnv::Word told(0);
  concurrently([&] { lock.store(pair(1)); },
               [&] {
                 if (load_whole(lock) == 1) told.store(1, std::memory_order_release);
               },
               [&] {
                 if (told.load(std::memory_order_acquire) == 0) return;
                 require(load_whole(lock) == 1, "seen by one, there for the next");
               });
}

void orders_what_was_before_the_store() {
  SeqLock lock;
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        lock.store(pair(1));
      },
      [&] {
        if (load_whole(lock) != 0) require(data.get() == 1, "what came before is seen");
      });
}

void attempts_are_bounded_by_the_writers_steps() {
  // With one store under way a second attempt may fail as well, never one after the store.
  SeqLock lock;
  lock.store(pair(1));
  ModelEnv::Word over(0);
  concurrently(
      [&] {
        lock.store(pair(2));
        over.store(1, std::memory_order_release);
      },
      [&] {
        static_cast<void>(load_whole(lock, 2));
        if (over.load(std::memory_order_acquire) == 1) {
          require(load_whole(lock) == 2, "nothing is in the way");
        }
      });
}

void version_is_a_promise() {
  SeqLock lock;
  concurrently([&] { lock.store(pair(1)), lock.store(pair(2)); },
               [&] {
                 const std::uint64_t version = lock.version();
                 const std::uint64_t value = load_whole(lock);
                 require(value == 0 || value >= version, "that version or a newer one");
               });
}

void a_writer_that_ended_inside() {
  // Frozen anywhere in a store; another writer, told to, takes over.
  SeqLock lock;
  lock.store(pair(1));
  concurrently([&] { lock.store(pair(2)); },
               [&] { static_cast<void>(load_whole(lock)), static_cast<void>(load_whole(lock)); });
  lock.store(pair(3));
  require(load_whole(lock) == 3, "the next store mends it");
}

const Model kModels[] = {
    {"seq lock: never torn, never older", never_torn, {.preemptions = 3}, 500},
    {"seq lock: two readers", two_readers, {.preemptions = 3}, 500},
    {"seq lock: what one saw is there for the next",
     what_a_reader_saw_is_there_for_the_next,
     {.preemptions = 3},
     50},
    {"seq lock: what came before a store is seen", orders_what_was_before_the_store, {}, 8},
    {"seq lock: attempts", attempts_are_bounded_by_the_writers_steps, {.preemptions = 3}, 50},
    {"seq lock: the version is a promise", version_is_a_promise, {.preemptions = 3}, 100},
    {"seq lock: a writer that ended inside",
     a_writer_that_ended_inside,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     100},
};

const ModelSet kSet(kModels, {"sync/seq_lock.h", "sync/versioned_cell.h"});

}  // namespace
}  // namespace takt::model
