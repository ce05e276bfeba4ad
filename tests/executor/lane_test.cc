// SPDX-License-Identifier: Apache-2.0
// The parking of a lane, step by step: its Env is a script on one thread, where a sleeping worker
// is a function that runs meanwhile. What many threads do to it is the model checker's to prove.
#include "takt/executor/lane.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "takt/tests/support/test.h"

namespace {

using takt::Priority;
using takt::TimePoint;

/// What happens while a worker sleeps; called by the one that falls asleep.
using Meanwhile = void (*)();

struct Script {
  Meanwhile meanwhile = nullptr;  // of the next sleep; none after that
  TimePoint deadline{};           // of the last sleep
  int sleeps = 0;
  const void* woken = nullptr;  // by the last wake
  int wakes = 0;
};
Script script;

struct ScriptedEnv {
  template <class T>
  using Atomic = std::atomic<T>;
  using Word = std::atomic<std::uint32_t>;

  static int wait(const Word& word, std::uint32_t expected, TimePoint deadline) noexcept {
    ++script.sleeps;
    script.deadline = deadline;
    const Meanwhile meanwhile = std::exchange(script.meanwhile, nullptr);
    if (meanwhile != nullptr) meanwhile();
    return word.load() == expected ? ETIMEDOUT : 0;
  }
  static int wake(const Word& word, int /*count*/) noexcept {
    ++script.wakes;
    script.woken = &word;
    return 1;
  }
};

using Lane = takt::BasicLane<ScriptedEnv>;
constexpr std::uint32_t kSlots = 4;
constexpr std::uint32_t kWorkers = 3;

struct Fixture;
Fixture* fixture = nullptr;  // the one that there is: what the script works on

/// A lane that is open for kWorkers workers.
struct Fixture {
  Fixture() {
    fixture = this;
    script = {};
    lane.attach(cells.data(), kSlots, words.data(), kSlots);
    lane.open(parkers.data(), kWorkers);
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) lane.arrive(worker);
  }
  ~Fixture() { fixture = nullptr; }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  [[nodiscard]] bool was_woken(std::uint32_t worker) const {
    return script.woken == &parkers[worker].word;
  }

  std::array<Lane::Ring::Cell, takt::kPriorityLevels * kSlots> cells{};
  std::array<Lane::Slots::Word, Lane::Slots::words_for(kSlots)> words{};
  std::array<Lane::Parker, kWorkers> parkers{};
  Lane lane{};
};

const TimePoint kRelease = takt::from_ns(1000);
constexpr std::int64_t kReleaseNs = 1000;

TEST(Lane, a_post_wakes_nobody_when_all_are_awake) {
  Fixture only;
  EXPECT_TRUE(only.lane.publish(Priority::normal, 0));
  EXPECT_EQ(script.wakes, 0);
  EXPECT_EQ(only.lane.take(), 0);
  EXPECT_EQ(only.lane.take(), Lane::kNone);
}

TEST(Lane, a_worker_does_not_sleep_beside_a_job) {
  Fixture only;
  EXPECT_TRUE(only.lane.publish(Priority::low, 3));
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 0);
}

TEST(Lane, a_post_wakes_a_sleeper_once) {
  Fixture only;
  script.meanwhile = [] {
    EXPECT_TRUE(fixture->lane.publish(Priority::normal, 0));
    EXPECT_EQ(script.wakes, 1);
    EXPECT_TRUE(fixture->lane.publish(Priority::normal, 1));
    EXPECT_EQ(script.wakes, 1);  // its wake is sent, and it will look
  };
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 1);
  EXPECT_TRUE(only.was_woken(0));
  EXPECT_TRUE(only.lane.publish(Priority::normal, 2));
  EXPECT_EQ(script.wakes, 1);
}

TEST(Lane, the_first_sleeper_leads_and_the_others_sleep_without_limit) {
  Fixture only;
  only.lane.set_next_release(kReleaseNs, false);
  script.meanwhile = [] {
    EXPECT_EQ(script.deadline, kRelease);
    fixture->lane.park(1);
    EXPECT_EQ(script.deadline, takt::kNever);
  };
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 2);
}

TEST(Lane, a_post_spares_the_leader) {
  Fixture only;
  script.meanwhile = [] {
    script.meanwhile = [] {
      EXPECT_TRUE(fixture->lane.publish(Priority::normal, 0));
      EXPECT_TRUE(fixture->was_woken(1));
      EXPECT_TRUE(fixture->lane.publish(Priority::normal, 1));
      EXPECT_TRUE(fixture->was_woken(0));  // all others have been
    };
    fixture->lane.park(1);
  };
  only.lane.park(0);
}

TEST(Lane, an_earlier_release_wakes_the_leader) {
  Fixture only;
  script.meanwhile = [] {
    script.meanwhile = [] {
      fixture->lane.set_next_release(kReleaseNs, true);
      EXPECT_TRUE(fixture->was_woken(0));
    };
    fixture->lane.park(1);
  };
  only.lane.park(0);
}

TEST(Lane, a_leader_that_runs_a_job_hands_over) {
  Fixture only;
  only.lane.set_next_release(kReleaseNs, false);
  only.lane.park(0);  // times out: the release is due
  script.meanwhile = [] {
    fixture->lane.step_down(0);
    EXPECT_TRUE(fixture->was_woken(1));
  };
  only.lane.park(1);
  only.lane.park(1);
  EXPECT_EQ(script.deadline, kRelease);
}

// Worker 0 leads and is awake; worker 1 sleeps, not leading. There are no timers when worker 0
// begins a job, so it wakes nobody. The first timer must not wait for the end of that job.
TEST(Lane, the_first_release_finds_a_leader_among_the_sleepers) {
  Fixture only;
  only.lane.park(0);
  script.meanwhile = [] {
    fixture->lane.step_down(0);
    EXPECT_EQ(script.wakes, 0);
    fixture->lane.set_next_release(kReleaseNs, true);
    EXPECT_TRUE(fixture->was_woken(1));
  };
  only.lane.park(1);
  only.lane.park(1);
  EXPECT_EQ(script.deadline, kRelease);
}

TEST(Lane, who_takes_one_of_several_jobs_wakes_the_next) {
  Fixture only;
  only.lane.publish_quietly(Priority::normal, 0);
  only.lane.publish_quietly(Priority::normal, 1);
  EXPECT_EQ(only.lane.take(), 0);
  EXPECT_EQ(only.lane.take(), 1);
  script.meanwhile = [] {
    fixture->lane.pass_on();
    EXPECT_EQ(script.wakes, 0);
    fixture->lane.publish_quietly(Priority::normal, 2);
    fixture->lane.publish_quietly(Priority::normal, 3);
    EXPECT_EQ(script.wakes, 0);
    EXPECT_EQ(fixture->lane.take(), 2);
    fixture->lane.pass_on();
    EXPECT_TRUE(fixture->was_woken(1));
  };
  only.lane.park(1);
  EXPECT_EQ(script.wakes, 1);
}

TEST(Lane, closing_wakes_all_that_sleep_and_keeps_them_awake) {
  Fixture only;
  script.meanwhile = [] {
    script.meanwhile = [] {
      fixture->lane.close();
      EXPECT_TRUE(fixture->was_woken(1));
      EXPECT_EQ(script.wakes, 2);  // worker 2 is awake
    };
    fixture->lane.park(1);
  };
  only.lane.park(0);
  EXPECT_TRUE(only.lane.closed());
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 2);
}

TEST(Lane, a_post_after_the_end_takes_its_job_back) {
  Fixture only;
  only.lane.close();
  EXPECT_FALSE(only.lane.publish(Priority::normal, 0));
  EXPECT_EQ(only.lane.take(), Lane::kNone);
  // The lane works again, also in the place that was left empty.
  only.lane.open(only.parkers.data(), kWorkers);
  for (std::uint32_t round = 0; round < 3 * kSlots; ++round) {
    EXPECT_TRUE(only.lane.publish(Priority::normal, round % kSlots));
    EXPECT_EQ(only.lane.take(), round % kSlots);
  }
}

TEST(Lane, a_post_at_the_end_whose_job_was_taken_is_accepted) {
  Fixture only;
  EXPECT_TRUE(only.lane.publish_quietly(Priority::normal, 0));
  only.lane.close();
  EXPECT_EQ(only.lane.take(), 0);
}

// Posts that race with the end each leave an empty position behind. When these fill the ring
// behind a job that nobody takes, the next one is refused, where it once span for ever.
TEST(Lane, posts_at_the_end_are_refused_when_what_they_withdrew_fills_the_ring) {
  Fixture only;
  EXPECT_TRUE(only.lane.publish_quietly(Priority::normal, 0));
  only.lane.close();
  for (std::uint32_t post = 0; post < 3 * kSlots; ++post) {
    EXPECT_FALSE(only.lane.publish(Priority::normal, 1));
  }
  EXPECT_FALSE(only.lane.publish_quietly(Priority::normal, 1));
  only.lane.open(only.parkers.data(), kWorkers);
  EXPECT_EQ(only.lane.take(), 0);
  EXPECT_EQ(only.lane.take(), Lane::kNone);
  EXPECT_TRUE(only.lane.publish(Priority::normal, 1));
  EXPECT_EQ(only.lane.take(), 1);
}

TEST(Lane, hands_out_each_slot_once) {
  Fixture only;
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    const std::uint32_t slot = only.lane.acquire_slot();
    ASSERT_LT(slot, kSlots);
    taken |= 1U << slot;
  }
  EXPECT_EQ(taken, (1U << kSlots) - 1);
  EXPECT_EQ(only.lane.acquire_slot(), Lane::kNone);
  only.lane.release_slot(2);
  EXPECT_EQ(only.lane.acquire_slot(), 2);
}

bool post_to(std::uint32_t worker, std::uint32_t item) {
  return fixture->lane.publish_to(worker, item, [](std::uint32_t) {});
}

TEST(Lane, a_job_for_a_worker_that_is_awake_wakes_nobody) {
  Fixture only;
  EXPECT_TRUE(post_to(1, 5));  // it has never slept
  only.lane.park(1);
  EXPECT_EQ(script.sleeps, 0);
  EXPECT_EQ(only.lane.inbox(1).take_all(), 6);
  EXPECT_EQ(only.lane.inbox(1).take_all(), 0);
  only.lane.park(1);
  EXPECT_EQ(script.sleeps, 1);
  EXPECT_TRUE(post_to(1, 5));
  EXPECT_EQ(script.wakes, 0);
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 2);  // it is none of worker 0's
}

TEST(Lane, a_job_for_one_worker_wakes_that_one_once) {
  Fixture only;
  script.meanwhile = [] {
    script.meanwhile = [] {
      EXPECT_TRUE(post_to(0, 1));
      EXPECT_TRUE(fixture->was_woken(0));
      EXPECT_TRUE(post_to(0, 2));
      EXPECT_EQ(script.wakes, 1);
      EXPECT_TRUE(fixture->lane.publish(Priority::normal, 0));
      EXPECT_TRUE(fixture->was_woken(1));  // worker 0 may be busy with its own
    };
    fixture->lane.park(1);
  };
  only.lane.park(0);
  EXPECT_EQ(script.sleeps, 2);
}

TEST(Lane, a_worker_that_left_takes_no_more) {
  Fixture only;
  EXPECT_TRUE(post_to(0, 1));
  only.lane.close();
  EXPECT_FALSE(only.lane.inbox(0).shut());
  EXPECT_EQ(only.lane.inbox(0).take_all(), 2);
  EXPECT_TRUE(only.lane.inbox(0).shut());
  EXPECT_FALSE(post_to(0, 1));
  only.lane.open(only.parkers.data(), kWorkers);
  EXPECT_TRUE(post_to(0, 1));
}

// A monitor may look while start() gives a worker another lane.
TEST(Lane, one_that_was_never_open_calls_nobody) {
  static Lane lane;  // all bits zero, as in an executor's memory
  EXPECT_FALSE(lane.is_called(1, 0));
}

TEST(Lane, a_slot_given_back_makes_no_system_call_unless_somebody_waits) {
  Fixture only;
  for (std::uint32_t i = 0; i < kSlots; ++i) only.lane.acquire_slot();
  only.lane.release_slot(3);
  EXPECT_EQ(script.wakes, 0);
  EXPECT_EQ(only.lane.wait_for_slot(kRelease), 3);
  EXPECT_EQ(script.sleeps, 0);
  script.meanwhile = [] {
    EXPECT_EQ(script.deadline, kRelease);
    fixture->lane.release_slot(1);
    EXPECT_EQ(script.wakes, 1);
  };
  EXPECT_EQ(only.lane.wait_for_slot(kRelease), 1);
  EXPECT_EQ(only.lane.wait_for_slot(kRelease), Lane::kNone);  // nobody comes
  EXPECT_EQ(script.sleeps, 2);
  only.lane.release_slot(2);
  EXPECT_EQ(script.wakes, 1);
}

TEST(Lane, closing_ends_the_wait_for_a_slot) {
  Fixture only;
  for (std::uint32_t i = 0; i < kSlots; ++i) only.lane.acquire_slot();
  script.meanwhile = [] { fixture->lane.close(); };
  EXPECT_EQ(only.lane.wait_for_slot(takt::kNever), Lane::kNone);
  EXPECT_EQ(script.wakes, 1);
  EXPECT_EQ(only.lane.wait_for_slot(takt::kNever), Lane::kNone);
  EXPECT_EQ(script.sleeps, 1);
}

TEST(Lane, gives_up_its_oldest_of_the_lowest_level) {
  Fixture only;
  only.lane.publish_quietly(Priority::low, 3);  // not below the limit: a task's
  only.lane.publish_quietly(Priority::low, 0);
  only.lane.publish_quietly(Priority::normal, 1);
  only.lane.publish_quietly(Priority::high, 2);
  EXPECT_EQ(only.lane.take_oldest(Priority::low, 3), Lane::kNone);
  EXPECT_EQ(only.lane.take_oldest(Priority::normal, 3), 1);
  EXPECT_EQ(only.lane.take_oldest(Priority::normal, 3), Lane::kNone);
  EXPECT_EQ(only.lane.take_oldest(Priority::critical, 3), 2);
  EXPECT_EQ(only.lane.take(), 3);
  EXPECT_EQ(only.lane.take_oldest(Priority::critical, 3), 0);
  EXPECT_EQ(only.lane.take_oldest(Priority::critical, 3), Lane::kNone);
}

}  // namespace
