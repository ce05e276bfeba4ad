// SPDX-License-Identifier: Apache-2.0
// sync/barrier.h: all meet, the completion once in between; no lost wake-up; each phase ends the
// same way for all who wait for it; time-outs, abort, reset, drop; safe destruction.
#include "takt/sync/barrier.h"

#include <utility>

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Barrier = BasicBarrier<NoCompletion, 0, ModelEnv>;
constexpr TimePoint kDeadline = from_ns(2'000'000'000);

/// A completion that counts its calls in a plain variable.
struct Count {
  void operator()() const noexcept { calls->set(calls->get() + 1); }
  Variable<int>* calls;
};
using CountingBarrier = BasicBarrier<Count, 0, ModelEnv>;

using Index = Result<std::ptrdiff_t>;

template <class AnyBarrier>
void meet(AnyBarrier& barrier) {
  require(barrier.arrive_and_wait().ok(), "nobody breaks it");
}

void two_meet_twice() {
  Barrier barrier(2);
  Variable<int> data[2] = {0, 0};
  const auto work = [&](int self) {
    data[self].set(1);
    meet(barrier);
    require(data[1 - self].get() == 1, "the other one has arrived");
    meet(barrier);
    data[1 - self].set(2);
  };
  concurrently([&] { work(0); }, [&] { work(1); });
  require(data[0].get() == 2 && data[1].get() == 2 && barrier.waiting() == 0, "both are done");
}

void two_meet_spinning() {
  BasicBarrier<NoCompletion, 1, ModelEnv> barrier(2);
  Variable<int> data[2] = {0, 0};
  const auto work = [&](int self) {
    data[self].set(1);
    meet(barrier);
    require(data[1 - self].get() == 1, "the other one has arrived");
  };
  concurrently([&] { work(0); }, [&] { work(1); });
}

void three_meet() {
  Barrier barrier(3);
  Variable<int> taken[3] = {0, 0, 0};
  const auto work = [&] {
    const Index index = barrier.arrive_and_wait();
    require(index.ok() && *index >= 0 && *index < 3, "an index of the phase");
    if (index.ok()) taken[*index].set(taken[*index].get() + 1);
  };
  concurrently(work, work, work);
  for (const Variable<int>& index : taken) require(index.get() == 1, "each index once");
}

void completion_runs_once_before_anyone_leaves() {
  Variable<int> calls(0);
  CountingBarrier barrier(2, Count{&calls});
  const auto work = [&] {
    meet(barrier);
    require(calls.get() == 1, "once, before anyone leaves");
    meet(barrier);
    require(calls.get() == 2, "once a phase");
  };
  concurrently(work, work);
}

void tokens() {
  Variable<int> calls(0);
  CountingBarrier barrier(2, Count{&calls});
  Variable<int> data(0);
  concurrently(
      [&] {
        data.set(1);
        static_cast<void>(barrier.arrive());
      },
      [&] {
        auto token = barrier.arrive();
        require(barrier.wait(std::move(token)).ok(), "nobody breaks it");
        require(data.get() == 1 && calls.get() == 1, "all that came before is seen");
      });
}

void a_token_for_many() {
  Barrier barrier(3);
  concurrently([&] { require(barrier.wait(barrier.arrive(2)).ok(), "nobody breaks it"); },
               [&] { meet(barrier); });
}

void drops() {
  Variable<int> calls(0);
  CountingBarrier barrier(2, Count{&calls});
  concurrently([&] { barrier.arrive_and_drop(); },
               [&] {
                 meet(barrier);
                 require(calls.get() == 1, "the one who drops still counts");
                 meet(barrier);
                 require(calls.get() == 2, "alone from now on");
               });
}

void drops_without_a_completion() {
  Barrier barrier(3);
  concurrently([&] { barrier.arrive_and_drop(); }, [&] { meet(barrier), meet(barrier); },
               [&] { meet(barrier), meet(barrier); });
}

/// Whether a wait ended well, and that it ended in one of the ways that it may.
bool ended_well(const Index& index, bool timed) {
  require(index.ok() || index.code() == StatusCode::broken ||
              (timed && index.code() == StatusCode::timed_out),
          "met, broken or, of a timed wait, timed out");
  return index.ok();
}

void time_out_against_the_last_arrival() {
  Barrier barrier(2);
  Variable<int> met[2] = {0, 0};
  concurrently(
      [&] {
        const Index index = barrier.arrive_and_wait_until(kDeadline);
        met[0].set(ended_well(index, true));
        if (!index.ok()) require(index.code() == StatusCode::timed_out, "nobody else breaks it");
      },
      [&] { met[1].set(ended_well(barrier.arrive_and_wait(), false)); });
  require(met[0].get() == met[1].get(), "both or none");
  require(barrier.broken() == (met[0].get() == 0), "broken if none");
}

void two_time_outs() {
  Barrier barrier(3);
  Variable<int> met[3] = {0, 0, 0};
  Variable<int> timed_out[2] = {0, 0};
  const auto timed = [&](int self) {
    const Index index = barrier.arrive_and_wait_until(kDeadline);
    met[self].set(ended_well(index, true));
    timed_out[self].set(index.code() == StatusCode::timed_out);
  };
  concurrently([&] { timed(0); }, [&] { timed(1); },
               [&] { met[2].set(ended_well(barrier.arrive_and_wait(), false)); });
  require(met[0].get() == met[1].get() && met[1].get() == met[2].get(), "all or none");
  require(timed_out[0].get() + timed_out[1].get() == 1 - met[0].get(), "one breaks it, if any");
}

void time_out_while_the_completion_runs() {
  Variable<int> calls(0);
  CountingBarrier barrier(2, Count{&calls});
  Variable<int> met[2] = {0, 0};
  concurrently([&] { met[0].set(ended_well(barrier.arrive_and_wait_until(kDeadline), true)); },
               [&] { met[1].set(ended_well(barrier.arrive_and_wait(), false)); });
  require(met[0].get() == met[1].get() && calls.get() == met[0].get(), "both or none");
}

void abort_against_the_last_arrival() {
  Barrier barrier(2);
  Variable<int> met[2] = {0, 0};
  const auto work = [&](int self) { met[self].set(ended_well(barrier.arrive_and_wait(), false)); };
  concurrently([&] { work(0); }, [&] { work(1); }, [&] { barrier.abort(); });
  require(met[0].get() == met[1].get(), "both or none");
  require(barrier.broken(), "broken, in this phase or the next");
  require(barrier.arrive_and_wait().code() == StatusCode::broken, "whoever comes later is told");
}

void abort_tells_what_came_before() {
  Barrier barrier(2);
  Variable<int> data(0);
  concurrently(
      [&] {
        require(barrier.arrive_and_wait().code() == StatusCode::broken, "nobody else comes");
        require(data.get() == 1, "what came before the abort is seen");
      },
      [&] {
        data.set(1);
        barrier.abort();
      });
}

void abort_while_the_completion_runs() {
  Variable<int> calls(0);
  CountingBarrier barrier(2, Count{&calls});
  Variable<int> met[2] = {0, 0};
  concurrently([&] { met[0].set(ended_well(barrier.arrive_and_wait(), false)); },
               [&] { met[1].set(ended_well(barrier.arrive_and_wait(), false)); },
               [&] { barrier.abort(); });
  require(met[0].get() == met[1].get() && calls.get() == met[0].get(), "both or none");
  require(barrier.arrive_and_wait().code() == StatusCode::broken, "whoever comes later is told");
}

void reset_waits_for_those_who_leave() {
  // Broken, reset, and a phase that ends well: who waited for the broken one is told so.
  Barrier barrier(2);
  concurrently(
      [&] { require(barrier.arrive_and_wait().code() == StatusCode::broken, "of a broken phase"); },
      [&] {
        while (barrier.waiting() == 0) ModelEnv::pause();
        barrier.reset();
        static_cast<void>(barrier.arrive());
        meet(barrier);
      });
  require(!barrier.broken(), "as new");
}

void reset_twice() {
  Barrier barrier(1);
  const auto again = [&] {
    barrier.reset();
    meet(barrier);
    barrier.reset();
    meet(barrier);
  };
  concurrently(again);
}

void reset_while_the_completion_runs() {
  Variable<int> calls(0);
  CountingBarrier barrier(1, Count{&calls});
  concurrently([&] { static_cast<void>(ended_well(barrier.arrive_and_wait(), false)); },
               [&] { barrier.reset(); });
  const int before = calls.get();
  meet(barrier);
  require(calls.get() == before + 1 && !barrier.broken(), "as new");
}

void reset_against_a_time_out() {
  Barrier barrier(2);
  concurrently(
      [&] { require(!ended_well(barrier.arrive_and_wait_until(kDeadline), true), "alone"); },
      [&] {
        while (barrier.waiting() == 0 && !barrier.broken()) ModelEnv::pause();
        barrier.reset();
      });
  require(!barrier.broken() && barrier.waiting() == 0, "as new");
}

void drop_against_reset() {
  // Counted before or after, never lost, never twice.
  Barrier barrier(3);
  barrier.arrive_and_drop();
  barrier.abort();
  concurrently([&] { barrier.arrive_and_drop(); }, [&] { barrier.reset(); });
  barrier.reset();  // forgets an arrival, keeps the drop
  meet(barrier);
  meet(barrier);
}

void arrival_against_reset() {
  // What an arrival reads of the parties may belong to another phase than the state it saw.
  Barrier barrier(3);
  barrier.arrive_and_drop();
  static_cast<void>(barrier.arrive());
  concurrently([&] { static_cast<void>(barrier.arrive()); }, [&] { barrier.reset(); });
  barrier.reset();
  concurrently([&] { meet(barrier); }, [&] { meet(barrier); });
}

void arrival_right_after_reset() {
  // The last one that is left must not count those who dropped.
  Barrier barrier(2);
  barrier.arrive_and_drop();
  concurrently([&] { static_cast<void>(ended_well(barrier.arrive_and_wait(), false)); },
               [&] { barrier.reset(); });
}

void destroyed_by_the_only_waiter() {
  // While the arrival that released it still wakes.
  Box<Barrier> barrier(2);
  concurrently([&] { static_cast<void>(barrier->arrive()); },
               [&] {
                 static_cast<void>(barrier->arrive_and_wait());
                 barrier.destroy();
               });
}

void destroyed_by_the_last_to_leave() {
  Box<Barrier> barrier(2);
  ModelEnv::Word left(0);
  const auto work = [&] {
    static_cast<void>(barrier->arrive_and_wait());
    if (left.fetch_add(1, std::memory_order_acq_rel) == 1) barrier.destroy();
  };
  concurrently(work, work);
}

void two_back_to_back() {
  // Behind the second one nobody is left in the first.
  Box<Barrier> first(2);
  Box<Barrier> second(2);
  ModelEnv::Word left(0);
  const auto work = [&] {
    meet(*first);
    const Index index = second->arrive_and_wait();
    if (index.ok() && *index == 0) first.destroy();
    if (left.fetch_add(1, std::memory_order_acq_rel) == 1) second.destroy();
  };
  concurrently(work, work);
}

void destroyed_by_who_was_told_broken() {
  // While abort() still wakes.
  Box<Barrier> barrier(2);
  concurrently(
      [&] {
        if (barrier->arrive_and_wait().code() == StatusCode::broken) barrier.destroy();
      },
      [&] {
        while (barrier->waiting() == 0) ModelEnv::pause();
        barrier->abort();
      });
}

const Model kModels[] = {
    {"barrier: two meet twice", two_meet_twice, {.preemptions = 2}, 500},
    {"barrier: two meet, spinning", two_meet_spinning, {.preemptions = 2}, 100},
    {"barrier: three meet, each index once",
     three_meet,
     {.preemptions = 1, .spurious_wakes = 0},
     500},
    {"barrier: the completion runs once before anyone leaves",
     completion_runs_once_before_anyone_leaves,
     {.preemptions = 2},
     500},
    {"barrier: tokens", tokens, {.preemptions = 2}, 50},
    {"barrier: a token for many", a_token_for_many, {.preemptions = 2}, 50},
    {"barrier: one drops", drops, {.preemptions = 2}, 100},
    {"barrier: one of three drops",
     drops_without_a_completion,
     {.preemptions = 1, .spurious_wakes = 0},
     500},
    {"barrier: a time-out against the last arrival",
     time_out_against_the_last_arrival,
     {.preemptions = 2},
     100},
    {"barrier: two time-outs", two_time_outs, {.preemptions = 1, .spurious_wakes = 0}, 500},
    {"barrier: a time-out while the completion runs",
     time_out_while_the_completion_runs,
     {.preemptions = 2},
     100},
    {"barrier: abort against the last arrival",
     abort_against_the_last_arrival,
     {.preemptions = 1},
     500},
    {"barrier: abort tells what came before", abort_tells_what_came_before, {.preemptions = 2}, 20},
    {"barrier: abort while the completion runs",
     abort_while_the_completion_runs,
     {.preemptions = 1},
     500},
    {"barrier: reset waits for those who leave",
     reset_waits_for_those_who_leave,
     {.preemptions = 2},
     50},
    {"barrier: reset twice", reset_twice, {}, 1},
    {"barrier: reset while the completion runs",
     reset_while_the_completion_runs,
     {.preemptions = 2},
     50},
    {"barrier: reset against a time-out", reset_against_a_time_out, {.preemptions = 2}, 50},
    {"barrier: a drop against reset", drop_against_reset, {.preemptions = 2}, 20},
    {"barrier: an arrival against reset", arrival_against_reset, {.preemptions = 2}, 50},
    {"barrier: an arrival right after reset", arrival_right_after_reset, {.preemptions = 2}, 20},
    {"barrier: destroyed by the only waiter", destroyed_by_the_only_waiter, {.preemptions = 2}, 50},
    {"barrier: destroyed by the last to leave",
     destroyed_by_the_last_to_leave,
     {.preemptions = 2},
     50},
    {"barrier: two back to back", two_back_to_back, {.preemptions = 2}, 100},
    {"barrier: destroyed by who was told broken",
     destroyed_by_who_was_told_broken,
     {.preemptions = 2},
     20},
};

const ModelSet kSet(kModels, {"sync/barrier.h"});

}  // namespace
}  // namespace takt::model
