// SPDX-License-Identifier: Apache-2.0
// The checker's self-test, part three: right programs pass, and each kind of wrong one is told.
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

#include "takt/tests/model/model.h"
#include "takt/tests/model/prove.h"

namespace takt::model {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kSeqCst = std::memory_order_seq_cst;

using Word = ModelEnv::Word;

template <class Body>
Report run(const char* name, const Options& options, const Body& body) {
  Report report = explore(options, body);
  std::printf("%s\n%s", report.line(name, options).c_str(), report.explanation(name).c_str());
  return report;
}

bool says(const Report& report, const char* text) {
  return report.failed && report.failure.find(text) != std::string::npos;
}

/// Two threads add to a plain variable under a spin lock.
Report spin_lock(std::memory_order lock, std::memory_order unlock) {
  return run("spin lock", {.preemptions = 3}, [=] {
    Word held;
    Variable<int> sum(0);
    const auto work = [&] {
      while (held.exchange(1, lock) != 0) ModelEnv::pause();
      sum.set(sum.get() + 1);
      held.store(0, unlock);
    };
    concurrently(work, work);
    require(sum.get() == 2, "both additions count");
  });
}

TEST(Detection, spin_lock) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_FALSE(spin_lock(kAcquire, kRelease).failed);
  EXPECT_TRUE(says(spin_lock(kRelaxed, kRelease), "data race"));
  EXPECT_TRUE(says(spin_lock(kAcquire, kRelaxed), "data race"));
}

/// Mutual exclusion by flags, without a turn: both may give up, both may not enter.
Report dekker(std::memory_order order) {
  return run("Dekker", {}, [=] {
    Word wants[2];
    Variable<int> inside(0);
    const auto work = [&](int self) {
      wants[self].store(1, order == kSeqCst ? kSeqCst : kRelease);
      if (wants[1 - self].load(order) == 0) inside.set(self);
    };
    concurrently([&] { work(0); }, [&] { work(1); });
  });
}

TEST(Detection, dekker_needs_seq_cst) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_FALSE(dekker(kSeqCst).failed);
  EXPECT_TRUE(says(dekker(kAcquire), "data race"));
}

/// One thread sleeps until the other has set the flag.
Report sleeper(bool rechecks, bool wakes) {
  return run("sleeper", {}, [=] {
    Word flag;
    concurrently(
        [&] {
          while (flag.load(kAcquire) == 0) {
            // Without the comparison's value the flag may be set before the sleep begins.
            ModelEnv::wait(flag, rechecks ? 0 : flag.load(kRelaxed), kNever);
          }
        },
        [&] {
          flag.store(1, kRelease);
          if (wakes) ModelEnv::wake(flag, 1);
        });
  });
}

TEST(Detection, lost_wake_up) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_FALSE(sleeper(true, true).failed);
  EXPECT_TRUE(says(sleeper(true, false), "deadlock: T1 sleeps"));
  EXPECT_TRUE(says(sleeper(false, true), "deadlock: T1 sleeps"));
}

TEST(Detection, wake_of_one_where_two_sleep) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto model = [](int count) {
    return run("two sleepers", {}, [=] {
      Word flag;
      const auto sleep = [&] {
        while (flag.load(kAcquire) == 0) ModelEnv::wait(flag, 0, kNever);
      };
      concurrently(sleep, sleep, [&] {
        flag.store(1, kRelease);
        ModelEnv::wake(flag, count);
      });
    });
  };
  EXPECT_FALSE(model(INT_MAX).failed);
  EXPECT_TRUE(says(model(1), "deadlock"));
}

TEST(Detection, waits_may_be_spurious_time_out_and_be_interrupted) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  bool seen[200] = {};
  const Report report = run("results of a wait", {}, [&] {
    Word word;
    concurrently([&] { seen[ModelEnv::wait(word, 0, from_ns(5'000'000'000))] = true; },
                 [&] { word.store(1, kRelaxed), ModelEnv::wake(word, 1); });
  });
  EXPECT_FALSE(report.failed);
  EXPECT_TRUE(seen[0]);
  EXPECT_TRUE(seen[EINTR]);
  EXPECT_TRUE(seen[ETIMEDOUT]);
  EXPECT_TRUE(seen[EAGAIN]);
  EXPECT_GT(report.timeouts, 0U);
  EXPECT_GT(report.spurious_wakes, 0U);
}

TEST(Detection, a_wait_without_a_loop_is_told_by_a_spurious_return) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto model = [](int spurious_wakes) {
    return run("no loop", {.spurious_wakes = spurious_wakes}, [] {
      Word flag;
      concurrently(
          [&] {
            ModelEnv::wait(flag, 0, kNever);
            require(flag.load(kAcquire) == 1, "woken means set");
          },
          [&] { flag.store(1, kRelease), ModelEnv::wake(flag, 1); });
    });
  };
  EXPECT_TRUE(says(model(1), "woken means set"));
}

TEST(Detection, time_moves_with_time_outs) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Report report = run("clock", {}, [] {
    Word word;
    concurrently([&] {
      const TimePoint deadline = ModelEnv::now() + std::chrono::seconds(1);
      while (ModelEnv::wait(word, 0, deadline) != ETIMEDOUT) {
      }
      require(ModelEnv::now() >= deadline, "a time-out comes at the deadline");
      require(ModelEnv::wait(word, 0, deadline) == ETIMEDOUT, "a passed deadline ends a wait");
    });
  });
  EXPECT_FALSE(report.failed);
}

TEST(Detection, weak_compare_exchange_fails) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto model = [](bool weak) {
    return run("weak", {}, [=] {
      Word word;
      concurrently([&] {
        std::uint32_t zero = 0;
        require(weak ? word.compare_exchange_weak(zero, 1) : word.compare_exchange_strong(zero, 1),
                "nobody else writes it");
      });
    });
  };
  EXPECT_FALSE(model(false).failed);
  EXPECT_TRUE(model(true).failed);
}

TEST(Detection, use_after_destruction) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // The waker touches the word after the store that lets the waiter destroy it.
  const auto model = [](bool touches) {
    return run("destruction", {}, [=] {
      alignas(Word) unsigned char memory[sizeof(Word)];
      auto* word = new (memory) Word(0);
      concurrently(
          [&] {
            while (word->load(kAcquire) == 0) ModelEnv::wait(*word, 0, kNever);
            word->~Word();
          },
          [&] {
            word->store(1, kRelease);
            if (touches && word->load(kRelaxed) != 1) return;
            ModelEnv::wake(*word, 1);  // the address only: allowed
          });
    });
  };
  EXPECT_FALSE(model(false).failed);
  EXPECT_TRUE(says(model(true), "destroyed"));
}

TEST(Detection, data_race) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto model = [](std::memory_order store, std::memory_order load) {
    return run("publication", {}, [=] {
      Word ready;
      Variable<int> data(0);
      concurrently([&] { data.set(1), ready.store(1, store); },
                   [&] {
                     if (ready.load(load) == 1) require(data.get() == 1, "published");
                   });
    });
  };
  EXPECT_FALSE(model(kRelease, kAcquire).failed);
  EXPECT_TRUE(says(model(kRelaxed, kAcquire), "data race"));
  EXPECT_TRUE(says(model(kRelease, kRelaxed), "data race"));
}

TEST(Detection, livelock) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // Each waits politely for the other to go first.
  const Report report = run("politeness", {.preemptions = 2}, [] {
    Word gone[2];
    const auto work = [&](int self) {
      while (gone[1 - self].load(kAcquire) == 0) ModelEnv::pause();
      gone[self].store(1, kRelease);
    };
    concurrently([&] { work(0); }, [&] { work(1); });
  });
  EXPECT_TRUE(says(report, "does not end"));
  EXPECT_EQ(report.truncated, 1U);
}

TEST(Detection, a_frozen_thread_that_holds_up_the_others) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Options options{.preemptions = 2, .freezes = 1};
  const auto locked = [] {
    Word held;
    const auto work = [&] {
      while (held.exchange(1, kAcquire) != 0) ModelEnv::wait(held, 1, kNever);
      held.store(0, kRelease);
      ModelEnv::wake(held, 1);
    };
    concurrently(work, work);
  };
  const auto lock_free = [] {
    Word sum;
    const auto work = [&] {
      std::uint32_t seen = sum.load(kRelaxed);
      while (!sum.compare_exchange_weak(seen, seen + 1, kRelaxed)) {
      }
    };
    concurrently(work, work);
    require(sum.load() >= 1, "one of them gets through");
  };
  EXPECT_TRUE(says(run("lock", options, locked), "is frozen"));
  const Report report = run("lock-free", options, lock_free);
  EXPECT_FALSE(report.failed);
  EXPECT_GT(report.freezes, 0U);
}

TEST(Detection, pi_locks_are_handed_over) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto model = [](bool releases) {
    return run("PI", {.preemptions = 2}, [=] {
      Word word;
      Variable<int> sum(0);
      const auto work = [&] {
        std::uint32_t free = 0;
        if (!word.compare_exchange_strong(free, ModelEnv::thread_id(), kAcquire, kRelaxed)) {
          require(ModelEnv::lock_pi(word, kNever) == 0, "lock_pi");
          word.load(kAcquire);
        }
        sum.set(sum.get() + 1);
        std::uint32_t owned = ModelEnv::thread_id();
        if (!word.compare_exchange_strong(owned, 0, kRelease, kRelaxed)) {
          if (releases) word.fetch_or(0, kRelease);
          require(ModelEnv::unlock_pi(word) == 0, "unlock_pi");
        }
      };
      concurrently(work, work, work);
      require(sum.get() == 3, "each gets it once");
      require(ModelEnv::try_lock_pi(word) == 0, "free at the end");
      require(ModelEnv::lock_pi(word, kNever) == EDEADLK, "its owner would wait for itself");
    });
  };
  EXPECT_FALSE(model(true).failed);
  EXPECT_TRUE(says(model(false), "data race"));
}

TEST(Detection, requeue_to_a_pi_lock) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // A condition variable's heart: the signal moves the waiter to the lock, whose owner hands it on.
  const auto model = [](bool signals) {
    return run("requeue", {.preemptions = 2, .spurious_wakes = 0}, [=] {
      Word lock, sequence;
      Variable<bool> set(false);
      const auto acquire = [&] {
        std::uint32_t free = 0;
        if (!lock.compare_exchange_strong(free, ModelEnv::thread_id(), kAcquire, kRelaxed)) {
          require(ModelEnv::lock_pi(lock, kNever) == 0, "lock_pi");
          lock.load(kAcquire);
        }
      };
      const auto release = [&] {
        std::uint32_t owned = ModelEnv::thread_id();
        if (!lock.compare_exchange_strong(owned, 0, kRelease, kRelaxed)) {
          lock.fetch_or(0, kRelease);
          require(ModelEnv::unlock_pi(lock) == 0, "unlock_pi");
        }
      };
      concurrently(
          [&] {
            acquire();
            while (!set.get()) {
              const std::uint32_t seen = sequence.load(kRelaxed);
              release();
              if (ModelEnv::wait_requeue_pi(sequence, seen, kNever, lock) != 0) {
                acquire();
              } else {
                lock.load(kAcquire);
              }
            }
            release();
          },
          [&] {
            acquire();
            set.set(true);
            const std::uint32_t next = sequence.fetch_add(1, kRelaxed) + 1;
            if (signals) {
              require(ModelEnv::requeue_pi(sequence, next, 0, lock) == 0, "requeue_pi");
            }
            release();
          });
    });
  };
  EXPECT_FALSE(model(true).failed);
  EXPECT_TRUE(says(model(false), "deadlock"));
}

TEST(Detection, a_failing_schedule_replays_with_its_trace) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto body = [] {
    Word x, y;
    name(x, "x");
    name(y, "y");
    std::uint32_t r[2];
    concurrently([&] { x.store(1, kRelaxed), r[0] = y.load(kRelaxed); },
                 [&] { y.store(1, kRelaxed), r[1] = x.load(kRelaxed); });
    require(r[0] + r[1] > 0, "somebody is first");
  };
  const Report report = run("store buffering", {}, body);
  ASSERT_TRUE(report.failed);
  const Report again = replay({}, body, report.replay);
  EXPECT_TRUE(again.failed);
  EXPECT_EQ(again.trace, report.trace);
  EXPECT_NE(again.trace.find("tests/model/detection_test.cc:"), std::string::npos);
  EXPECT_NE(again.trace.find("load relaxed x: 0, its first value (stale)"), std::string::npos);
}

}  // namespace
}  // namespace takt::model
