// SPDX-License-Identifier: Apache-2.0
// sync/rw_lock_state.h: exclusion, no lost wake-up, time-outs against grants, withdrawal, phases,
// safe destruction, for each policy.
#include "takt/sync/rw_lock.h"

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

#if defined(__clang__)  // locks in ways that the analysis cannot follow
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace takt::model {
namespace {

constexpr auto kFair = Fairness::phase_fair;
constexpr auto kReaders = Fairness::reader_preferring;
constexpr auto kWriters = Fairness::writer_preferring;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

/// A lock and what it guards.
template <Fairness kFairness, int kSpins = 0>
struct Guarded {
  BasicRwLock<kFairness, ModelEnv, kSpins> lock;
  Variable<int> value{0};

  void raise() { value.set(value.get() + 1); }
  void write() {
    lock.lock();
    raise();
    lock.unlock();
  }
  int read() {
    lock.lock_shared();
    const int seen = value.get();
    lock.unlock_shared();
    return seen;
  }
  int write_in_time() {
    if (!lock.try_lock_until(kDeadline)) return 0;
    raise();
    lock.unlock();
    return 1;
  }
  void read_in_time() {
    if (!lock.try_lock_shared_until(kDeadline)) return;
    static_cast<void>(value.get());
    lock.unlock_shared();
  }
  /// At the end nobody has it or waits for it, whoever gave up.
  void require_free() {
    require(lock.waiting_readers() == 0, "nobody waits at the end");
    require(lock.try_lock_shared(), "readers may come in at the end");
    lock.unlock_shared();
    require(lock.try_lock(), "the lock is free at the end");
    require(!lock.try_lock_shared(), "a writer keeps readers out");
    lock.unlock();
  }
};

template <Fairness kFairness>
void writer_and_reader() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.read(); });
  guarded.require_free();
}

template <Fairness kFairness>
void writer_and_reader_twice() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(), guarded.write(); },
               [&] {
                 const int first = guarded.read();
                 require(guarded.read() >= first, "what was written stays");
               });
  guarded.require_free();
}

template <Fairness kFairness>
void two_writers() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.write(), guarded.write(); });
  require(guarded.read() == 3, "each has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void two_writers_and_reader() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.write(); }, [&] { guarded.read(); });
  require(guarded.read() == 2, "each has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void writer_and_two_readers() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.read(); }, [&] { guarded.read(); });
  guarded.require_free();
}

template <Fairness kFairness>
void spinning() {
  Guarded<kFairness, 1> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.write(); }, [&] { guarded.read(); });
  require(guarded.read() == 2, "each has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void tries() {
  Guarded<kFairness> guarded;
  Variable<int> written(0);
  concurrently(
      [&] {
        if (!guarded.lock.try_lock()) return;
        guarded.raise();
        written.set(1);
        guarded.lock.unlock();
      },
      [&] {
        if (!guarded.lock.try_lock_shared()) return;
        static_cast<void>(guarded.value.get());
        guarded.lock.unlock_shared();
      },
      [&] { guarded.write(); });
  require(guarded.read() == 1 + written.get(), "each that said so has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void reader_gives_up() {
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(), guarded.write(); }, [&] { guarded.read_in_time(); });
  guarded.require_free();
}

template <Fairness kFairness>
void reader_gives_up_beside_a_patient_one() {
  // It is admitted as its time is up, or it is not: the writer counts the right number.
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); }, [&] { guarded.read_in_time(); }, [&] { guarded.read(); });
  guarded.require_free();
}

template <Fairness kFairness>
void writer_gives_up() {
  // As the last reader leaves to it; the reader may come again.
  Guarded<kFairness> guarded;
  Variable<int> written(0);
  concurrently([&] { written.set(guarded.write_in_time()); },
               [&] { guarded.read(), guarded.read(); });
  require(guarded.read() == written.get(), "who said so has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void withdrawal_frees_readers() {
  // T1 reads for long: until T3 has read too, if the writer kept it out. A withdrawal that leaves
  // T3 behind is a deadlock: nobody comes after it.
  Guarded<kFairness> guarded;
  Variable<int> written(0);
  concurrently([&] { guarded.read(); }, [&] { written.set(guarded.write_in_time()); },
               [&] { guarded.read(); });
  require(guarded.read() == written.get(), "who said so has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void writer_gives_up_behind_a_writer() {
  // It waits for ownership; where writers are preferred the first may leave the reader to it.
  Guarded<kFairness> guarded;
  Variable<int> written(0);
  concurrently([&] { guarded.write(); }, [&] { written.set(guarded.write_in_time()); },
               [&] { guarded.read(); });
  require(guarded.read() == 1 + written.get(), "who said so has been inside");
  guarded.require_free();
}

template <Fairness kFairness>
void reader_waits_for_one_writer() {
  // The writer that sees the reader wait is the last one before it.
  Guarded<kFairness> guarded;
  Variable<int> seen_waiting(0);
  const auto write = [&] {
    guarded.lock.lock();
    guarded.raise();
    if (seen_waiting.get() == 0 && guarded.lock.waiting_readers() != 0) {
      seen_waiting.set(guarded.value.get());
    }
    guarded.lock.unlock();
  };
  concurrently([&] { write(), write(); }, write,
               [&] {
                 guarded.lock.lock_shared();
                 const int last = seen_waiting.get();
                 require(last == 0 || guarded.value.get() == last,
                         "a waiting reader waits for one writer");
                 guarded.lock.unlock_shared();
               });
}

template <Fairness kFairness>
void writer_waits_for_one_reader_phase() {
  // The reader that cannot come in a second time knows of a writer. It may be admitted once more,
  // by the writer as it closes the gate, not twice.
  Guarded<kFairness> guarded;
  concurrently([&] { guarded.write(); },
               [&] {
                 guarded.lock.lock_shared();
                 const bool kept_out = !guarded.lock.try_lock_shared();
                 if (!kept_out) guarded.lock.unlock_shared();
                 guarded.lock.unlock_shared();
                 guarded.read();
                 const int written = guarded.read();
                 require(!kept_out || written == 1, "a waiting writer waits for one reader phase");
               });
}

template <Fairness kFairness, int kWriterThreads>
void destroyed_by_the_last() {
  // Whoever finds the others gone destroys the lock, as a reference count does. One reader only: of
  // two, the one that is not the last still has to leave.
  Box<BasicRwLock<kFairness, ModelEnv>> lock;
  ModelEnv::Word users(kWriterThreads + 1);
  const auto last = [&] { return users.fetch_sub(1, std::memory_order_acq_rel) == 1; };
  const auto write = [&] {
    lock->lock();
    const bool over = last();
    lock->unlock();
    if (over) lock.destroy();
  };
  const auto read = [&] {
    lock->lock_shared();
    const bool over = last();
    lock->unlock_shared();
    if (over) lock.destroy();
  };
  if constexpr (kWriterThreads == 1) concurrently(write, read);
  if constexpr (kWriterThreads == 2) concurrently(write, write, read);
}

template <Fairness kFairness>
void destroyed_by_a_writer() {
  Box<BasicRwLock<kFairness, ModelEnv>> lock;
  ModelEnv::Word users(2);
  const auto write = [&] {
    lock->lock();
    const bool over = users.fetch_sub(1, std::memory_order_acq_rel) == 1;
    lock->unlock();
    if (over) lock.destroy();
  };
  concurrently(write, write);
}

// The bounds that are enough to reject the mutants: what a spurious return or a second stale read
// can do shows in the models of two threads.
constexpr Options kTwo{.preemptions = 2, .stale_rereads = 0};
constexpr Options kOne{.preemptions = 1, .spurious_wakes = 0, .stale_rereads = 0};
constexpr Options kThree{.preemptions = 2, .spurious_wakes = 0, .stale_rereads = 0};

const Model kModels[] = {
    {"phase-fair: a writer and a reader", writer_and_reader<kFair>, {.preemptions = 2}, 7'000},
    {"phase-fair: twice", writer_and_reader_twice<kFair>, kTwo, 62'000},
    {"phase-fair: two writers", two_writers<kFair>, {.preemptions = 3}, 120},
    {"writers first: a writer gives up behind a writer", writer_gives_up_behind_a_writer<kWriters>,
     kThree, 220'000},
    {"phase-fair: two writers, a reader", two_writers_and_reader<kFair>, kThree, 46'000},
    {"phase-fair: with a spin budget", spinning<kFair>, kThree, 81'000},
    {"phase-fair: try_lock, try_lock_shared", tries<kFair>, kThree, 5'300},
    {"phase-fair: a reader gives up", reader_gives_up<kFair>, kTwo, 15'000},
    {"phase-fair: a writer gives up", writer_gives_up<kFair>, kTwo, 10'000},
    {"phase-fair: a writer gives up behind a writer", writer_gives_up_behind_a_writer<kFair>,
     kThree, 87'000},
    {"phase-fair: a reader waits for one writer", reader_waits_for_one_writer<kFair>, kThree,
     230'000},
    {"phase-fair: a writer waits for one phase", writer_waits_for_one_reader_phase<kFair>, kTwo,
     18'000},
    {"phase-fair: destroyed by the last of two", destroyed_by_the_last<kFair, 1>, kTwo, 2'400},
    {"phase-fair: destroyed by the last of three", destroyed_by_the_last<kFair, 2>, kThree, 60'000},
    {"phase-fair: destroyed by the last writer", destroyed_by_a_writer<kFair>, {}, 19},

    {"readers first: twice", writer_and_reader_twice<kReaders>, kTwo, 67'000},
    {"readers first: two writers, a reader", two_writers_and_reader<kReaders>, kThree, 51'000},
    {"readers first: a writer, two readers", writer_and_two_readers<kReaders>, kThree, 300'000},
    {"readers first: a reader gives up", reader_gives_up<kReaders>, kTwo, 14'000},
    {"readers first: a writer gives up", writer_gives_up<kReaders>, kTwo, 15'000},
    {"readers first: a reader waits for one writer", reader_waits_for_one_writer<kReaders>, kThree,
     230'000},
    {"readers first: destroyed by the last of two", destroyed_by_the_last<kReaders, 1>, kTwo,
     2'200},

    {"writers first: twice", writer_and_reader_twice<kWriters>, kTwo, 84'000},
    {"writers first: two writers, a reader", two_writers_and_reader<kWriters>, kThree, 140'000},
    {"writers first: a reader gives up", reader_gives_up<kWriters>, kTwo, 22'000},
    {"writers first: a writer gives up", writer_gives_up<kWriters>, kTwo, 4'900},
    {"writers first: a writer waits for one phase", writer_waits_for_one_reader_phase<kWriters>,
     kTwo, 14'000},
    {"writers first: destroyed by the last of two", destroyed_by_the_last<kWriters, 1>, kTwo,
     2'700},

    // Large: last, for the sake of the mutants.
    {"phase-fair: a writer, two readers", writer_and_two_readers<kFair>, kThree, 300'000},
    {"writers first: a writer, two readers", writer_and_two_readers<kWriters>, kThree, 440'000},
    {"phase-fair: a reader gives up, another does not", reader_gives_up_beside_a_patient_one<kFair>,
     kOne, 15'000},
    {"phase-fair: a withdrawal frees readers", withdrawal_frees_readers<kFair>, kOne, 24'000},
    {"readers first: a reader gives up, another does not",
     reader_gives_up_beside_a_patient_one<kReaders>, kOne, 9'400},
    {"readers first: a withdrawal frees readers", withdrawal_frees_readers<kReaders>, kOne, 16'000},
};

const ModelSet kSet(kModels, {"sync/rw_lock_state.h", "sync/owner_word.h"});

}  // namespace
}  // namespace takt::model
