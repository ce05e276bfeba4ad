// SPDX-License-Identifier: Apache-2.0
// executor/lane.h, parker.h, timer_lead.h: no wake-up is lost, the lead is handed on, and no
// thread that stops inside a post hides another one's job or keeps a worker asleep beside it.
#include "takt/executor/lane.h"

#include <cstdint>

#include "takt/sync/mutex.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Word = ModelEnv::Word;
using Lane = BasicLane<ModelEnv>;
constexpr std::uint32_t kNone = Lane::kNone;
constexpr std::uint32_t kCapacity = 2;
constexpr std::uint32_t kMaxWorkers = 3;
constexpr TimePoint kFirstRelease = from_ns(2'000'000'000);
constexpr TimePoint kSecondRelease = from_ns(3'000'000'000);

/// A lane with two job slots and its workers' loop, as Executor::serve() has it.
struct Workshop {
  /// With `workers` 0 the lane is not open yet.
  explicit Workshop(std::uint32_t workers) {
    lane.attach(cells, kCapacity, words, kCapacity);
    if (workers != 0) lane.open(parkers, workers);
    name(parkers[0].word, "parker 0");
    name(parkers[1].word, "parker 1");
    name(parkers[2].word, "parker 2");
    name(jobs, "jobs");
  }

  /// Serves until `done(index)` says so after a job, or the lane closes.
  template <class Run>
  void serve(std::uint32_t worker, const Run& run) {
    for (;;) {
      if (!lane.is_active(worker)) {
        lane.bench(worker);
        continue;
      }
      std::uint32_t index = lane.take();
      if (index == kNone && lane.closed()) {
        index = lane.take();
        if (index == kNone) return;
      }
      if (index == kNone) {
        lane.park(worker);
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

  /// Begins a job that ends only once `count` jobs have begun: it takes so many workers.
  void begin_together(std::uint32_t count) {
    if (jobs.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
      ModelEnv::wake(jobs, static_cast<int>(count));
      return;
    }
    for (std::uint32_t seen; (seen = jobs.load(std::memory_order_acquire)) < count;) {
      ModelEnv::wait(jobs, seen, kNever);
    }
  }

  Lane::Ring::Cell cells[kPriorityLevels * kCapacity];
  Lane::Slots::Word words[1];
  Lane::Parker parkers[kMaxWorkers];
  Lane lane;
  Word jobs;
  Variable<int> item[kCapacity] = {0, 0};
};

void one_job() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t index) { return index == 0; }); },
               [&] { require(shop.post(0), "the lane is open"); });
  require(shop.item[0].get() == 2, "the job ran once");
}

void two_posters_one_worker() {
  Workshop shop(1);
  int ran = 0;
  concurrently([&] { shop.serve(0, [&](std::uint32_t) { return ++ran == 2; }); },
               [&] { shop.post(0); }, [&] { shop.post(1); });
  require(shop.item[0].get() == 2 && shop.item[1].get() == 2, "each job ran once");
}

void two_jobs_two_workers() {
  Workshop shop(2);
  const auto work = [&](std::uint32_t worker) {
    shop.serve(worker, [&](std::uint32_t) { return shop.begin_together(2), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); }, [&] { shop.post(0), shop.post(1); });
  require(shop.item[0].get() == 2 && shop.item[1].get() == 2, "each job ran once");
}

void frozen_poster() {
  Workshop shop(1);
  concurrently([&] { shop.post(0); }, [&] { shop.post(1); },
               [&] { shop.serve(0, [](std::uint32_t index) { return index == 1; }); });
  require(shop.item[1].get() == 2, "the other poster's job ran");
}

void frozen_poster_two_workers() {
  // Job 1 needs a worker of its own while another one is kept busy.
  Workshop shop(2);
  const auto work = [&](std::uint32_t worker) {
    shop.serve(worker, [&](std::uint32_t index) {
      if (index == 0) return shop.begin_together(2), true;
      return shop.jobs.fetch_add(1), ModelEnv::wake(shop.jobs, 2), true;
    });
  };
  shop.post(0);
  concurrently([&] { shop.lane.wake_one(); }, [&] { work(0); }, [&] { shop.post(1), work(1); });
}

void closed() {
  Workshop shop(1);
  bool accepted = false;
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] {
                 accepted = shop.post(0);
                 if (!accepted) shop.item[0].set(7);
               },
               [&] { shop.lane.close(); });
  require(shop.item[0].get() == (accepted ? 2 : 7), "an accepted job ran once, no other");
}

void all_closed() {
  Workshop shop(2);
  const auto run = [](std::uint32_t) { return false; };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] { shop.lane.close(); });
}

void opened() {
  // A poster that finds the lane open finds its parkers.
  Workshop shop(0);
  concurrently(
      [&] {
        shop.lane.open(shop.parkers, 1);
        shop.serve(0, [](std::uint32_t) { return true; });
      },
      [&] {
        while (shop.lane.closed()) ModelEnv::pause();
        require(shop.post(0), "the lane is open");
      });
  require(shop.item[0].get() == 2, "the job ran once");
}

void closed_past_a_frozen_waker() {
  Workshop shop(1);
  concurrently([&] { shop.lane.wake_one(); },
               [&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] { shop.lane.close(); });
}

/// The workers' loop with a timer: two releases, of the jobs 0 and 1.
struct Timed : Workshop {
  explicit Timed(std::uint32_t workers) : Workshop(workers) {}

  template <class Run>
  void serve_timer(std::uint32_t worker, const Run& run) {
    for (;;) {
      if (!lane.is_active(worker)) {
        lane.bench(worker);
        continue;
      }
      const std::int64_t next = lane.next_release();
      if (next != to_ns(kNever) && to_ns(ModelEnv::now()) >= next) release();
      const std::uint32_t index = lane.take();
      if (index == kNone) {
        if (ends && lane.closed()) return;
        lane.park(worker);
        continue;
      }
      lane.step_down(worker);
      lane.pass_on();
      item[index].set(item[index].get() + 1);
      if (run(index)) return;
    }
  }

  void release() {
    timer.lock();
    const std::int64_t now = to_ns(ModelEnv::now());
    std::uint32_t due = released.get();
    while (due < 2 && to_ns(at[due].get()) <= now) {
      item[due].set(1);
      lane.publish_quietly(Priority::critical, due++);
    }
    released.set(due);
    lane.set_next_release(to_ns(due < 2 ? at[due].get() : kNever), false);
    timer.unlock();
  }

  /// Sets the next release of job `index`, as add_task() does.
  void arm(std::uint32_t index, TimePoint when) {
    timer.lock();
    at[index].set(when);
    lane.set_next_release(to_ns(when), true);
    timer.unlock();
  }

  bool ends = false;  // with the lane
  BasicMutex<ModelEnv> timer;
  Variable<std::uint32_t> released = 0;
  Variable<TimePoint> at[2] = {kFirstRelease, kSecondRelease};
};

void leader() {
  Timed shop(1);
  shop.lane.set_next_release(to_ns(kFirstRelease), false);
  concurrently([&] { shop.serve_timer(0, [](std::uint32_t index) { return index == 1; }); });
  require(shop.item[0].get() == 2 && shop.item[1].get() == 2, "each release ran once");
}

void called() {
  // A monitor sees a worker called only once its release is due or the lane closes.
  Timed shop(1);
  shop.lane.set_next_release(to_ns(kFirstRelease), false);
  concurrently([&] { shop.serve_timer(0, [](std::uint32_t index) { return index == 1; }); },
               [&] {
                 require(!shop.lane.is_called(1, to_ns(kFirstRelease)),
                         "a worker that never slept");
                 if (shop.lane.is_called(0, to_ns(kFirstRelease) - 1))
                   require(false, "not yet due");
               });
}

void lead_is_handed_on() {
  // The first job lasts until the second release has run: the other worker has to lead by then.
  Timed shop(2);
  shop.lane.set_next_release(to_ns(kFirstRelease), false);
  const auto work = [&](std::uint32_t worker) {
    shop.serve_timer(worker, [&](std::uint32_t) { return shop.begin_together(2), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); });
}

void earlier_release() {
  // A release is set while the worker may lead with nothing to wait for.
  Timed shop(1);
  concurrently([&] { shop.serve_timer(0, [](std::uint32_t index) { return index == 0; }); },
               [&] { shop.arm(0, kFirstRelease); });
  require(shop.item[0].get() == 2, "the release ran once");
}

void release_moved_forward() {
  // The leader sleeps, perhaps for the second time, until the second release; the first one is set
  // meanwhile. Time passes only when nobody else can go on.
  Timed shop(1);
  shop.at[0].set(kSecondRelease);
  shop.lane.set_next_release(to_ns(kSecondRelease), false);
  concurrently(
      [&] {
        shop.serve_timer(0, [](std::uint32_t index) {
          require(index != 0 || ModelEnv::now() < kSecondRelease, "the first release is in time");
          return index == 1;
        });
      },
      [&] { shop.lane.wake_one(), shop.arm(0, kFirstRelease); });
}

void lead_while_a_job_runs() {
  // The posted job 0 lasts until the release of job 1, set while it begins: somebody has to lead.
  Timed shop(2);
  shop.released.set(1);
  shop.at[1].set(kFirstRelease);
  const auto work = [&](std::uint32_t worker) {
    shop.serve_timer(worker, [&](std::uint32_t) { return shop.begin_together(2), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); },
               [&] { shop.post(0), shop.arm(1, kFirstRelease); });
}

void lead_past_a_stopped_poster() {
  // Three workers and a poster. Worker 0 gives up the lead for a long job, and wakes worker 1 to
  // take it, who instead finds a job whose poster has stopped before it woke anybody: then worker 2
  // has to be woken. Both jobs last until somebody has led to the release.
  Workshop shop(3);
  shop.lane.set_next_release(to_ns(kFirstRelease), false);
  shop.lane.publish_quietly(Priority::critical, 1);
  shop.lane.park(0);  // returns at once, as there is a job: worker 0 leads
  require(shop.lane.take() == 1, "it has a job");
  const auto run = [&](std::uint32_t worker) {
    shop.lane.step_down(worker);
    shop.lane.pass_on();
    while (shop.jobs.load(std::memory_order_acquire) == 0) ModelEnv::wait(shop.jobs, 0, kNever);
  };
  const auto work = [&](std::uint32_t worker) {
    while (ModelEnv::now() < kFirstRelease) {
      if (shop.lane.take() != kNone) return run(worker);
      if (shop.lane.closed()) return;
      shop.lane.park(worker);
    }
    shop.jobs.store(1, std::memory_order_release), ModelEnv::wake(shop.jobs, 2);
    shop.lane.close();
  };
  concurrently([&] { run(0); }, [&] { work(1); }, [&] { work(2); },
               [&] { shop.lane.publish_quietly(Priority::critical, 0); });
}

void paused_and_resumed() {
  // Whatever the worker was doing at the pause: what was posted during it runs after it.
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t index) { return index == 0; }); },
               [&] {
                 shop.lane.set_active(0);
                 require(shop.post(0), "a paused lane takes posts");
                 require(shop.lane.backlog() <= 1, "at most the one");
                 require(shop.lane.active() == 0, "it is paused");
                 shop.lane.set_active(1);
               });
  require(shop.item[0].get() == 2 && shop.lane.backlog() == 0, "the job ran once");
}

void resumed_after_a_change() {
  // What came before the resume, the jobs after it see.
  Workshop shop(1);
  shop.lane.set_active(0);
  Variable<int> data(0);
  concurrently(
      [&] {
        while (!shop.lane.is_active(0)) shop.lane.bench(0);
        require(data.get() == 1, "it came before");
      },
      [&] {
        data.set(1);
        shop.lane.set_active(1);
      });
}

void paused_while_it_parks() {
  // The worker learns of it, though nothing else ever wakes it: wait_paused() counts on that.
  Workshop shop(1);
  concurrently(
      [&] {
        while (shop.lane.is_active(0)) shop.lane.park(0);
      },
      [&] { shop.lane.set_active(0); });
}

void paused_and_closed() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] { shop.lane.set_active(0), shop.lane.close(); });
}

void paused_lane_drains() {
  Workshop shop(1);
  concurrently([&] { shop.serve(0, [](std::uint32_t) { return false; }); },
               [&] { shop.lane.set_active(0), shop.post(0), shop.lane.close(); });
  require(shop.item[0].get() == 2, "what was accepted ran");
}

void benched_with_a_wake() {
  // The poster may wake worker 1, who may not take the job any more: then worker 0 has to.
  Workshop shop(2);
  const auto run = [&](std::uint32_t) { return shop.lane.close(), true; };
  concurrently([&] { shop.serve(0, run); }, [&] { shop.serve(1, run); },
               [&] { shop.post(0), shop.lane.set_active(1); });
  require(shop.item[0].get() == 2, "the job ran once");
}

void benched_with_the_lead() {
  // Worker 1 may lead when it has to go: then worker 0 sleeps until the release.
  Timed shop(2);
  shop.ends = true;
  shop.lane.set_next_release(to_ns(kFirstRelease), false);
  const auto run = [&](std::uint32_t) { return shop.lane.close(), true; };
  concurrently([&] { shop.serve_timer(0, run); }, [&] { shop.serve_timer(1, run); },
               [&] { shop.lane.set_active(1); });
  require(shop.item[0].get() == 2, "the release ran once");
}

void another_worker_begins() {
  // Two jobs that take two workers, the second of which becomes active meanwhile.
  Workshop shop(2);
  shop.lane.set_active(1);
  const auto work = [&](std::uint32_t worker) {
    shop.serve(worker, [&](std::uint32_t) { return shop.begin_together(2), true; });
  };
  concurrently([&] { work(0); }, [&] { work(1); },
               [&] { shop.post(0), shop.post(1), shop.lane.set_active(2); });
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
    {"lane: a job wakes the worker", one_job, {.preemptions = 3}, 6'200},
    {"lane: two posters, one worker", two_posters_one_worker, bounded(2), 130'000},
    {"lane: two jobs wake two workers", two_jobs_two_workers, bounded(1), 49'000},
    {"lane: a frozen poster hides nobody's job", frozen_poster, frozen(2), 220'000},
    {"lane: a frozen waker keeps nobody asleep", frozen_poster_two_workers, frozen(2), 400},
    {"lane: closing and posting", closed, bounded(2), 17'000},
    {"lane: closing wakes all", all_closed, bounded(2), 12'000},
    {"lane: opened while a poster tries", opened, bounded(2), 1'200},
    {"lane: closing past a frozen waker", closed_past_a_frozen_waker, frozen(2), 8'600},
    {"lane: the leader sees two releases", leader, {}, 4},
    {"lane: a worker is called when a release is due", called, bounded(2), 4},
    {"lane: the lead is handed on", lead_is_handed_on, bounded(2), 9'400},
    {"lane: an earlier release", earlier_release, bounded(3), 4'000},
    {"lane: a release moved forward", release_moved_forward, bounded(2), 2'500},
    {"lane: a lead while a job runs", lead_while_a_job_runs, bounded(1), 64'000},
    {"lane: paused and resumed", paused_and_resumed, bounded(2), 8'400},
    {"lane: resumed after a change", resumed_after_a_change, bounded(2), 50},
    {"lane: paused while it parks", paused_while_it_parks, bounded(3), 450},
    {"lane: paused and closed", paused_and_closed, bounded(2), 1'200},
    {"lane: a paused lane drains", paused_lane_drains, bounded(2), 6'500},
    {"lane: benched with a wake on its way", benched_with_a_wake, bounded(0), 1'960},
    {"lane: benched with the lead", benched_with_the_lead, bounded(0), 860},
    {"lane: another worker begins", another_worker_begins, bounded(0), 1'200},
    {"lane: a lead past a stopped poster", lead_past_a_stopped_poster, bounded(0), 12'000},
};

const ModelSet kSet(kModels, {"executor/lane.h", "executor/parker.h", "executor/timer_lead.h"});

}  // namespace
}  // namespace takt::model
