// SPDX-License-Identifier: Apache-2.0
// executor/lane.h where descriptors are watched: a leader that sleeps in its poll is woken like one
// that sleeps on its word, by posts, releases and the end of the lane; no descriptor goes unseen
// while a job runs beside a sleeper; no thread that stops in a post keeps it asleep.
#include <cerrno>
#include <cstdint>

#include "takt/executor/lane.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Word = ModelEnv::Word;
constexpr auto kRelaxed = std::memory_order_relaxed;

/// The kernel's epoll with an eventfd, as one word of what is pending: bit 0 a wake, the others a
/// descriptor each. Relaxed, so that no proof rests on what the kernel may order.
class ModelPoll {
 public:
  struct Events {
    std::uint32_t ready = 0;
  };
  void wake() { add(1); }
  /// Descriptor `number` becomes ready.
  void arrive(std::uint32_t number) { add(2U << number); }
  void wait(Events& events, TimePoint deadline) {
    for (;;) {
      const std::uint32_t taken = pending_.exchange(0, kRelaxed);
      events.ready = taken >> 1;
      if (taken != 0 || deadline == from_ns(0)) return;
      if (ModelEnv::wait(pending_, 0, deadline) == ETIMEDOUT) return;
    }
  }

 private:
  void add(std::uint32_t bit) {
    pending_.fetch_or(bit, kRelaxed);
    ModelEnv::wake(pending_, 1);
  }

  Word pending_;
};

using Lane = BasicLane<ModelEnv, ModelPoll>;
constexpr std::uint32_t kNone = Lane::kNone;
constexpr std::uint32_t kCapacity = 2;
constexpr TimePoint kRelease = from_ns(2'000'000'000);

/// A lane whose descriptors 0 and 1 release the jobs 0 and 1, and its workers' loop, as
/// Executor::serve() has it.
struct Workshop {
  /// With `workers` 0 the lane is not open yet.
  explicit Workshop(std::uint32_t workers, bool watched = true) {
    lane.attach(cells, kCapacity, words, kCapacity);
    if (workers != 0) lane.open(parkers, workers);
    name(parkers[0].word, "parker 0");
    name(parkers[1].word, "parker 1");
    if (watched) lane.set_watched(true);
  }

  void release(const ModelPoll::Events& events) {
    for (std::uint32_t index = 0; index < kCapacity; ++index) {
      if ((events.ready & (1U << index)) != 0) {
        item[index].set(1);
        lane.publish_quietly(Priority::critical, index);
      }
    }
  }

  /// Serves until `run(index)` says so after a job, or the lane closes. With `looks` it looks at
  /// the descriptors before each job.
  template <class Run>
  void serve(std::uint32_t worker, const Run& run, bool looks = false) {
    for (;;) {
      if (!lane.is_active(worker)) {
        lane.bench(worker);
        continue;
      }
      const std::int64_t next = lane.next_release();
      if (next != to_ns(kNever) && to_ns(ModelEnv::now()) >= next) {
        lane.set_next_release(to_ns(kNever), false);
        item[0].set(1);
        lane.publish_quietly(Priority::critical, 0);
      }
      if (looks && lane.watched() && lane.lead(worker)) {
        ModelPoll::Events events;
        lane.poll().wait(events, from_ns(0));
        release(events);
      }
      const std::uint32_t directed = lane.inbox(worker).take_all();
      std::uint32_t index = directed != 0 ? directed - 1 : lane.take();
      if (index == kNone && lane.closed()) {
        index = lane.take();
        if (index == kNone) return;
      }
      if (index == kNone) {
        ModelPoll::Events events;
        lane.park(worker, &events);
        release(events);
        continue;
      }
      lane.step_down(worker);
      lane.pass_on();
      item[index].set(item[index].get() + 1);
      if (run(index)) return;
    }
  }

  bool post(std::uint32_t index) {
    item[index].set(1);
    return lane.publish(Priority::critical, index);
  }

  bool post_to(std::uint32_t worker, std::uint32_t index) {
    item[index].set(1);
    return lane.publish_to(worker, index, [](std::uint32_t) {});
  }

  /// Begins a job that ends only once both have begun: it takes two workers.
  void begin_together() {
    if (jobs.fetch_add(1, std::memory_order_acq_rel) + 1 == 2) {
      ModelEnv::wake(jobs, 2);
      return;
    }
    for (std::uint32_t seen; (seen = jobs.load(std::memory_order_acquire)) < 2;) {
      ModelEnv::wait(jobs, seen, kNever);
    }
  }

  Lane::Ring::Cell cells[kPriorityLevels * kCapacity];
  Lane::Slots::Word words[1];
  Lane::Parker parkers[2];
  Lane lane;
  Word jobs;
  Variable<int> item[kCapacity] = {0, 0};
};

void one_job() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { require(shop.post(0), "the lane is open"); });
  require(shop.item[0].get() == 2, "the job ran once");
}

void one_job_for_it_alone() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { require(shop.post_to(0, 0), "its inbox is open"); });
  require(shop.item[0].get() == 2, "the job ran once");
}

void one_event() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { shop.lane.poll().arrive(0); });
  require(shop.item[0].get() == 2, "its job ran once");
}

void a_job_and_an_event() {
  Workshop shop(1);
  int ran = 0;
  concurrently([&] { shop.serve(0, [&](std::uint32_t) { return ++ran == 2; }); },
               [&] { shop.post(0); }, [&] { shop.lane.poll().arrive(1); });
  require(shop.item[0].get() == 2 && shop.item[1].get() == 2, "each ran once");
}

void begins_to_watch() {
  // Nothing but the descriptor would wake the worker, which may sleep on its word already.
  Workshop shop(1, false);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { shop.lane.set_watched(true), shop.lane.poll().arrive(0); });
  require(shop.item[0].get() == 2, "its job ran once");
}

void begins_to_watch_beside_a_job() {
  // The posted job 0 lasts until that of descriptor 1 has begun, so somebody has to lead.
  Workshop shop(2, false);
  const auto work = [&](std::uint32_t worker) {
    shop.serve(worker, [&](std::uint32_t) { return shop.begin_together(), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); },
               [&] { shop.post(0), shop.lane.set_watched(true), shop.lane.poll().arrive(1); });
}

void the_lead_is_handed_on() {
  // Each event's job lasts until the other one has begun.
  Workshop shop(2);
  const auto work = [&](std::uint32_t worker) {
    shop.serve(worker, [&](std::uint32_t) { return shop.begin_together(), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); },
               [&] { shop.lane.poll().arrive(0), shop.lane.poll().arrive(1); });
}

void the_lead_leaves_the_bench() {
  // Worker 1 may lead when it ceases to work; then worker 0 has to.
  Workshop shop(2);
  const auto run = [&](std::uint32_t) { return shop.lane.close(), true; };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] { shop.lane.set_active(1), shop.lane.poll().arrive(0); });
  require(shop.item[0].get() == 2, "the event's job ran once");
}

void paused_and_resumed() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { shop.lane.set_active(0), shop.lane.set_active(1); },
               [&] { shop.lane.poll().arrive(0); });
  require(shop.item[0].get() == 2, "the event's job ran once");
}

void a_waker_of_an_earlier_run() {
  // It found the worker asleep in one lane, and wakes it in another one, which it serves by then.
  Workshop first(1);
  Workshop second(0);
  Word opened;
  first.lane.set_next_release(to_ns(kRelease), false);
  concurrently(
      [&] {
        ModelPoll::Events none;
        first.lane.park(0, &none);
        second.lane.open(first.parkers, 1);
        opened.store(1, std::memory_order_release);
        ModelEnv::wake(opened, 1);
        second.serve(0, [](std::uint32_t) { return true; });
      },
      [&] {
        first.lane.wake_one();
        while (opened.load(std::memory_order_acquire) == 0) ModelEnv::wait(opened, 0, kNever);
        second.post(0);
      });
  require(second.item[0].get() == 2, "the job of the second run ran once");
}

void looks_between_jobs() {
  // Worker 1 looks at the descriptors while worker 0 may sleep in the poll, claimed by a poster.
  Workshop shop(2);
  const auto work = [&](std::uint32_t worker, bool looks) {
    shop.serve(
        worker, [&](std::uint32_t) { return shop.begin_together(), true; }, looks);
  };
  concurrently([&] { work(0, false); }, [&] { work(1, true); },
               [&] { shop.post(0), shop.post(1); });
}

void a_release() {
  Workshop shop(1);
  shop.lane.set_next_release(to_ns(kRelease), false);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); });
  require(shop.item[0].get() == 2 && ModelEnv::now() == kRelease, "it ran when it was due");
}

void an_earlier_release() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return true; }); },
               [&] { shop.lane.set_next_release(to_ns(kRelease), true); });
  require(shop.item[0].get() == 2, "the release ran once");
}

void all_closed() {
  Workshop shop(2);
  const auto run = [](std::uint32_t) { return false; };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] { shop.lane.close(); });
}

void frozen_poster() {
  Workshop shop(1);
  concurrently([&] { shop.post(0); }, [&] { shop.post(1); },
               [&] { shop.serve(0, [](std::uint32_t index) { return index == 1; }); });
  require(shop.item[1].get() == 2, "the other poster's job ran");
}

constexpr Options bounded(int preemptions) {
  return {.preemptions = preemptions,
          .spurious_wakes = 0,
          .weak_failures = 0,
          .reorderings = 0,
          .early_timeouts = 0};
}
constexpr Options timed(int preemptions) {
  Options options = bounded(preemptions);
  options.early_timeouts = 1;
  return options;
}
constexpr Options frozen(int preemptions) {
  Options options = bounded(preemptions);
  options.freezes = 1;
  options.freezable = 1;
  return options;
}

const Model kModels[] = {
    {"lane poll: a job wakes the worker", one_job, {.preemptions = 3}, 13'700},
    {"lane poll: a job for it alone wakes the worker",
     one_job_for_it_alone,
     {.preemptions = 3},
     35'000},
    {"lane poll: an event wakes the worker", one_event, {.preemptions = 3}, 130},
    {"lane poll: a job and an event", a_job_and_an_event, bounded(2), 19'700},
    {"lane poll: begins to watch", begins_to_watch, {.preemptions = 2}, 8'100},
    {"lane poll: begins to watch beside a job", begins_to_watch_beside_a_job, bounded(1), 46'000},
    {"lane poll: the lead is handed on", the_lead_is_handed_on, bounded(1), 3'100},
    {"lane poll: the lead leaves the bench", the_lead_leaves_the_bench, bounded(1), 86'000},
    {"lane poll: paused and resumed", paused_and_resumed, bounded(2), 60'000},
    {"lane poll: a waker of an earlier run", a_waker_of_an_earlier_run, timed(1), 3'300},
    {"lane poll: looks between jobs", looks_between_jobs, bounded(1), 34'000},
    {"lane poll: a release", a_release, {}, 2},
    {"lane poll: an earlier release", an_earlier_release, bounded(3), 4'100},
    {"lane poll: closing wakes all", all_closed, bounded(2), 22'000},
    {"lane poll: a frozen poster keeps nobody asleep", frozen_poster, frozen(1), 51'000},
};

const ModelSet kSet(kModels, {"executor/lane.h", "executor/parker.h", "executor/timer_lead.h"});

}  // namespace
}  // namespace takt::model
