// SPDX-License-Identifier: Apache-2.0
// What posts do beyond the plain one. executor/room.h: a poster that waits for room is never
// forgotten. executor/inbox.h: a job for one worker reaches it, asleep or about to leave; one for
// each worker reaches all of them or none.
// executor/promises.h: no worker leaves before a job that its lane was promised. And a lane whose
// jobs are dropped: each is run or dropped, once.
#include <cstdint>

#include "takt/executor/lane.h"  // brings inbox.h and room.h: wrong variants are included once
#include "takt/executor/promises.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Lane = BasicLane<ModelEnv>;
constexpr std::uint32_t kNone = Lane::kNone;
constexpr std::uint32_t kCapacity = 2;
constexpr std::uint32_t kMostSlots = 3;
constexpr TimePoint kLater = from_ns(2'000'000'000);

/// Room for a condition of the model's own.
struct Condition {
  bool wait(TimePoint deadline = kNever) {
    return room.wait([this] { return holds.load(std::memory_order_seq_cst) == 1; }, deadline);
  }
  void fulfil() {
    holds.store(1, std::memory_order_seq_cst);
    room.tell();
  }

  Atomic<std::uint32_t> holds;
  BasicRoom<ModelEnv> room;
};

void told() {
  Condition condition;
  concurrently([&] { require(condition.wait(), "there is room"); }, [&] { condition.fulfil(); });
}

void told_past_a_frozen_waiter() {
  Condition condition;
  concurrently([&] { condition.wait(); }, [&] { require(condition.wait(), "there is room"); },
               [&] { condition.fulfil(); });
}

void told_past_a_frozen_teller() {
  Condition condition;
  concurrently([&] { condition.fulfil(); }, [&] { require(condition.wait(), "there is room"); },
               [&] { condition.fulfil(); });
}

void told_by_a_time_out() {
  // What was made before the time was over is seen, though nobody tells.
  Condition condition;
  concurrently(
      [&] {
        const bool found = condition.wait(kLater);
        require(found || ModelEnv::now() >= kLater, "it waited as long as it should");
      },
      [&] {
        condition.holds.store(1, std::memory_order_seq_cst);
        advance_clock(kLater);
      });
  require(condition.wait(kLater), "what is there needs no wait");
}

/// A lane of `slots` job slots and one worker.
struct Shop {
  explicit Shop(std::uint32_t slots, std::uint32_t workers = 1) {
    lane.attach(cells, kCapacity, words, slots);
    lane.open(parkers, workers);
    name(parkers[0].word, "parker 0");
    name(parkers[1].word, "parker 1");
  }

  void begin(std::uint32_t index) { item[index].set(1); }
  void end(std::uint32_t index) {
    require(item[index].get() == 1, "a job that was posted, and that nobody had before");
    item[index].set(2);
  }

  /// Publishes for the worker alone; the model's items chain themselves as JobSlot does.
  bool post_to(std::uint32_t worker, std::uint32_t index) {
    begin(index);
    const bool given =
        lane.publish_to(worker, index, [&](std::uint32_t older) { link[index].set(older); });
    if (given) promises.tell(lane);
    return given;
  }

  /// The worker's loop, as Executor::serve() has it, until `run(index)` says so or the lane closes.
  template <class Run>
  void serve(std::uint32_t worker, const Run& run) {
    lane.arrive(worker);
    std::uint32_t chain = 0;
    const auto next = [&] {
      if (chain == 0) chain = lane.inbox(worker).take_all();
      if (chain == 0) return lane.take();
      const std::uint32_t index = chain - 1;
      chain = link[index].get();
      return index;
    };
    for (;;) {
      std::uint32_t index = next();
      if (index == kNone && lane.closed()) {
        const std::uint32_t promised = promises.look();
        index = next();
        if (index == kNone) {
          if (BasicPromises<ModelEnv>::is_open(promised)) {
            if (lane.inbox(worker).empty()) promises.wait(promised);
          } else if (lane.inbox(worker).shut()) {
            return;
          }
          continue;
        }
      }
      if (index == kNone) {
        lane.park(worker);
        continue;
      }
      lane.pass_on();
      end(index);
      if (run(index)) return;
    }
  }

  Lane::Ring::Cell cells[kPriorityLevels * kCapacity];
  Lane::Slots::Word words[1];
  Lane::Parker parkers[2];
  Lane lane;
  BasicPromises<ModelEnv> promises;
  Variable<int> item[kMostSlots] = {0, 0, 0};
  Variable<std::uint32_t> link[kMostSlots] = {0U, 0U, 0U};
};

void slot_given_back() {
  Shop shop(1);
  require(shop.lane.acquire_slot() == 0, "it is full");
  concurrently(
      [&] {
        const std::uint32_t slot = shop.lane.wait_for_slot(kNever);
        require(slot == 0 && shop.item[slot].get() == 2, "its last user is done with it");
      },
      [&] { shop.begin(0), shop.end(0), shop.lane.release_slot(0); });
}

void two_wait_for_one_slot() {
  Shop shop(1);
  require(shop.lane.acquire_slot() == 0, "it is full");
  const auto use = [&] {
    const std::uint32_t slot = shop.lane.wait_for_slot(kNever);
    require(slot == 0, "there was one");
    shop.begin(slot), shop.end(slot), shop.lane.release_slot(slot);
  };
  concurrently(use, use, [&] { shop.lane.release_slot(0); });
}

void closing_ends_a_wait() {
  Shop shop(1);
  require(shop.lane.acquire_slot() == 0, "it is full");
  concurrently([&] { require(shop.lane.wait_for_slot(kNever) == kNone, "there never was one"); },
               [&] { shop.lane.close(); });
}

void opening_anew_ends_a_wait() {
  // Who waits is perhaps so slow that the lane is open again when it looks.
  Shop shop(1);
  ModelEnv::Word waits;
  require(shop.lane.acquire_slot() == 0, "it is full");
  const auto sleep = [&waits](auto& word, std::uint32_t seen, TimePoint until) {
    waits.store(1, std::memory_order_release);
    ModelEnv::wake(waits, 1);
    return ModelEnv::wait(word, seen, until);
  };
  concurrently(
      [&] { require(shop.lane.wait_for_slot(kNever, sleep) == kNone, "there never was one"); },
      [&] {
        while (waits.load(std::memory_order_acquire) == 0) ModelEnv::wait(waits, 0, kNever);
        shop.lane.close();
        shop.lane.open(shop.parkers, 1);
      });
}

void waiting_working_and_closing() {
  // The lane's one slot has a job. Who waits gets it after that job, or is told of the end.
  Shop shop(1);
  shop.begin(shop.lane.acquire_slot());
  shop.lane.publish(Priority::critical, 0);
  int ran = 0;
  bool accepted = false;
  concurrently(
      [&] {
        shop.serve(0, [&](std::uint32_t) { return shop.lane.release_slot(0), ++ran, false; });
      },
      [&] {
        const std::uint32_t slot = shop.lane.wait_for_slot(kNever);
        if (slot == kNone) return;
        shop.begin(slot);
        accepted = shop.lane.publish(Priority::critical, slot);
      },
      [&] { shop.lane.close(); });
  require(ran == (accepted ? 2 : 1), "what was accepted ran, once");
}

/// A full lane of two jobs, in order, that somebody drops from.
struct FullLane : Shop {
  explicit FullLane(Priority first = Priority::low, Priority second = Priority::low) : Shop(2) {
    for (std::uint32_t slot : {0U, 1U})
      begin(lane.acquire_slot()), levels[slot] = slot == 0 ? first : second;
    for (std::uint32_t slot : {0U, 1U}) lane.publish(levels[slot], slot);
  }
  /// As WhenFull::drop_oldest: takes a job's slot and posts in it. Returns what it dropped.
  std::uint32_t drop_and_post() {
    const std::uint32_t oldest = lane.take_oldest(Priority::critical, kCapacity);
    if (oldest == kNone) return kNone;
    end(oldest), begin(oldest);
    require(lane.publish(Priority::low, oldest), "the lane is open");
    return oldest;
  }
  std::uint32_t take() {
    const std::uint32_t index = lane.take();
    if (index != kNone) end(index);
    return index;
  }

  Priority levels[2];
};

void dropped_or_run() {
  FullLane shop;
  int drops = 0;
  int runs = 0;
  concurrently([&] { drops = shop.drop_and_post() != kNone ? 1 : 0; },
               [&] {
                 for (int i = 0; i < 2; ++i) runs += shop.take() != kNone ? 1 : 0;
               });
  while (shop.take() != kNone) ++runs;
  require(runs == 2, "one is dropped and one is posted, or neither");
  require(drops == 1 || shop.lane.take_oldest(Priority::critical, kCapacity) == kNone,
          "none is left");
}

void two_drop() {
  FullLane shop;
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  concurrently([&] { first = shop.drop_and_post(); }, [&] { second = shop.drop_and_post(); });
  require(first != kNone && second != kNone, "each drops one, at most the other's new one");
  require(shop.take() + shop.take() == 1 && shop.take() == kNone, "two are left");
}

void drops_the_lowest() {
  FullLane shop(Priority::high, Priority::normal);
  require(shop.lane.take_oldest(Priority::low, kCapacity) == kNone, "no higher one for a low one");
  require(shop.lane.take_oldest(Priority::normal, 1) == kNone, "none that is not below the limit");
  require(shop.drop_and_post() == 1, "the lowest priority first, whatever their age");
}

void directed_post() {
  Shop shop(2);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { require(shop.post_to(0, 0), "its worker is there"); });
  require(shop.item[0].get() == 2, "the job ran once");
}

void two_directed_posts() {
  Shop shop(2);
  int ran = 0;
  concurrently([&] { shop.serve(0, [&](std::uint32_t) { return ++ran == 2; }); },
               [&] { shop.post_to(0, 0); }, [&] { shop.post_to(0, 1); });
}

void directed_past_a_frozen_poster() {
  Shop shop(2);
  concurrently([&] { shop.post_to(0, 0); },
               [&] { shop.serve(0, [](std::uint32_t index) { return index == 1; }); },
               [&] { shop.post_to(0, 1); });
  require(shop.item[1].get() == 2, "the other poster's job ran");
}

void directed_and_closed() {
  Shop shop(2);
  bool accepted = false;
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] {
                 accepted = shop.post_to(0, 0);
                 if (!accepted) shop.item[0].set(7);
               },
               [&] { shop.lane.close(); });
  require(shop.item[0].get() == (accepted ? 2 : 7), "an accepted job ran once, no other");
}

void directed_beside_a_job_of_the_lane() {
  // Worker 0 is busy with its own job until the lane's one has begun, on whichever worker.
  Shop shop(2, 2);
  ModelEnv::Word begun;
  const auto run = [&](std::uint32_t index) {
    if (index == 1) {
      begun.store(1, std::memory_order_release);
      ModelEnv::wake(begun, 1);
      return false;
    }
    while (begun.load(std::memory_order_acquire) == 0) ModelEnv::wait(begun, 0, kNever);
    shop.lane.close();
    return true;
  };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] {
                 shop.post_to(0, 0);
                 shop.begin(1);
                 shop.lane.publish(Priority::low, 1);
               });
}

/// Three slots, two workers: two broadcasts do not fit at once, nor does one beside two posts.
struct Broadcasts : Shop {
  Broadcasts() : Shop(kMostSlots, kWorkers) {}

  /// As Executor::broadcast() has it: a slot for each worker or none, then a job for each. Returns
  /// whether all were claimed.
  bool broadcast() {
    std::uint32_t claimed[kWorkers];
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      claimed[worker] = lane.acquire_slot();
      if (claimed[worker] != kNone) continue;
      while (worker != 0) lane.release_slot(claimed[--worker]);
      return false;
    }
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      if (!post_to(worker, claimed[worker])) lane.release_slot(claimed[worker]);
    }
    return true;
  }
  /// The worker's one look: runs what there is, whose slots are free then.
  std::uint32_t run_all(std::uint32_t worker) {
    std::uint32_t ran = 0;
    for (std::uint32_t chain = lane.inbox(worker).take_all(); chain != 0; ++ran) {
      const std::uint32_t index = chain - 1;
      chain = link[index].get();
      end(index);
      lane.release_slot(index);
    }
    return ran;
  }
  std::uint32_t free_slots() {
    std::uint32_t count = 0;
    while (lane.acquire_slot() != kNone) ++count;
    return count;
  }

  static constexpr std::uint32_t kWorkers = 2;
};

void broadcasts_and_a_waiter() {
  // Nobody runs a job: the waiter lives on what a broadcast gives back that got one slot of two.
  Broadcasts shop;
  bool first = false;
  bool second = false;
  concurrently(
      [&] { first = shop.broadcast(); }, [&] { second = shop.broadcast(); },
      [&] { require(shop.lane.wait_for_slot(kNever) != kNone, "a slot was left for it"); });
  require(!first || !second, "there are slots for one of them");
  const std::uint32_t given = first || second ? 1 : 0;
  for (const std::uint32_t worker : {0U, 1U}) {
    require(shop.run_all(worker) == given, "each worker got it, or none did");
  }
  require(shop.free_slots() == kMostSlots - 1, "what was claimed in vain was given back");
}

void broadcast_past_a_frozen_broadcaster() {
  // One stops for ever with what it had claimed: the other is refused or complete, never in
  // between.
  Broadcasts shop;
  bool accepted = false;
  concurrently([&] { shop.broadcast(); }, [&] { accepted = shop.broadcast(); });
  if (!accepted) return;
  for (const std::uint32_t worker : {0U, 1U}) {
    require(shop.run_all(worker) >= 1, "each worker got it");
  }
}

void promised_and_closed() {
  // Somebody else's job ends, and the job that was promised comes, while the lane closes.
  Shop shop(2);
  shop.begin(0);
  shop.promises.make();
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] {
                 require(shop.lane.publish_promised(Priority::low, 0), "there is room");
                 shop.promises.keep(shop.lane);
               },
               [&] { shop.lane.close(); });
  require(shop.item[0].get() == 2, "what was promised ran");
}

void promised_to_two_workers() {
  // Both wait for it in the end; one runs it, and the other has to leave, too.
  Shop shop(2, 2);
  shop.begin(0);
  shop.promises.make();
  shop.lane.close();
  const auto run = [](std::uint32_t) { return false; };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] {
                 require(shop.lane.publish_promised(Priority::low, 0), "there is room");
                 shop.promises.keep(shop.lane);
               });
  require(shop.item[0].get() == 2, "what was promised ran");
}

void promised_while_closing() {
  Shop shop(2);
  bool promised = false;
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] {
                 shop.promises.make();
                 promised = !shop.lane.closed();
                 if (promised) {
                   shop.begin(0);
                   require(shop.lane.publish_promised(Priority::low, 0), "there is room");
                 }
                 shop.promises.keep(shop.lane);
               },
               [&] { shop.lane.close(); });
  require(shop.item[0].get() == (promised ? 2 : 0), "what was promised ran, nothing else");
}

void directed_to_one_who_waits_for_a_promise() {
  // What was promised comes only when the directed job has run.
  Shop shop(2);
  ModelEnv::Word ran;
  bool accepted = false;
  shop.begin(1);
  shop.promises.make();
  concurrently(
      [&] {
        shop.serve(0, [&](std::uint32_t index) {
          if (index == 0) ran.store(1, std::memory_order_release), ModelEnv::wake(ran, 1);
          return false;
        });
      },
      [&] {
        accepted = shop.post_to(0, 0);
        while (accepted && ran.load(std::memory_order_acquire) == 0) {
          ModelEnv::wait(ran, 0, kNever);
        }
        require(shop.lane.publish_promised(Priority::low, 1), "there is room");
        shop.promises.keep(shop.lane);
      },
      [&] { shop.lane.close(); });
  require(accepted && shop.item[0].get() == 2 && shop.item[1].get() == 2, "both ran");
}

void promised_again_while_one_is_kept() {
  // One that is too late takes the place of one that was kept, and stops there.
  Shop shop(2);
  shop.begin(0);
  shop.promises.make();
  shop.promises.make();
  shop.lane.close();
  concurrently([&] { shop.promises.make(); },
               [&] {
                 require(shop.lane.publish_promised(Priority::low, 0), "there is room");
                 shop.promises.keep(shop.lane);
               },
               [&] { shop.serve(0, [](std::uint32_t) { return true; }); });
  require(shop.item[0].get() == 2, "what was kept ran");
}

/// For models of three threads or long loops; what is at 0 is left to the small ones.
constexpr Options bounded(int preemptions) {
  return {.preemptions = preemptions,
          .spurious_wakes = 0,
          .weak_failures = 0,
          .reorderings = 0,
          .early_timeouts = 0};
}
constexpr Options frozen(int preemptions) {
  Options options = bounded(preemptions);
  options.freezes = 1;
  options.freezable = 1;
  return options;
}

const Model kModels[] = {
    {"room: who waits is told", told, {.preemptions = 3}, 400},
    {"room: a frozen waiter keeps nobody waiting", told_past_a_frozen_waiter, frozen(2), 10'000},
    {"room: a frozen teller keeps nobody waiting", told_past_a_frozen_teller, frozen(2), 3'400},
    {"room: a time-out looks again", told_by_a_time_out, {.preemptions = 3}, 190},
    {"room: a slot given back", slot_given_back, {.preemptions = 3}, 930},
    {"room: two wait for one slot", two_wait_for_one_slot, bounded(1), 5'700},
    {"room: closing ends a wait", closing_ends_a_wait, {.preemptions = 3}, 4'900},
    {"room: opening anew ends a wait", opening_anew_ends_a_wait, bounded(2), 640},
    {"room: waiting, working and closing", waiting_working_and_closing, bounded(1), 14'000},
    {"drop: dropped or run", dropped_or_run, {.preemptions = 3}, 1'100},
    {"drop: two drop", two_drop, {.preemptions = 3}, 560},
    {"drop: the lowest priority", drops_the_lowest, {}, 1},
    {"inbox: a job wakes its worker", directed_post, {.preemptions = 2}, 6'900},
    {"inbox: two posters", two_directed_posts, bounded(1), 11'000},
    {"inbox: a frozen poster hides nobody's job", directed_past_a_frozen_poster, frozen(1), 18'000},
    {"inbox: closing and posting", directed_and_closed, bounded(2), 54'000},
    {"inbox: beside a job of the lane", directed_beside_a_job_of_the_lane, bounded(1), 100'000},
    {"broadcast: two, and one who waits for a slot", broadcasts_and_a_waiter, bounded(1), 49'000},
    {"broadcast: past a frozen one", broadcast_past_a_frozen_broadcaster, frozen(2), 27'000},
    {"promises: kept while closing", promised_and_closed, bounded(1), 3'500},
    {"promises: to two workers", promised_to_two_workers, bounded(1), 7'200},
    {"promises: made while closing", promised_while_closing, bounded(1), 4'700},
    {"promises: a directed job meanwhile", directed_to_one_who_waits_for_a_promise, bounded(1),
     115'000},
    {"promises: one more for one less", promised_again_while_one_is_kept, bounded(2), 930},
};

const ModelSet kSet(kModels, {"executor/inbox.h", "executor/promises.h", "executor/room.h"});

}  // namespace
}  // namespace takt::model
