// SPDX-License-Identifier: Apache-2.0
// executor/job_word.h: a job runs or is cancelled or is dropped, once; who waits for its end learns
// of it and reads its result; what is continued is published by one; the slot is given back by one,
// who then owns all of it.
#include "takt/executor/job_word.h"

#include <cerrno>
#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Word = BasicJobWord<ModelEnv>;
constexpr TimePoint kLater = from_ns(2'000'000'000);

/// A slot with a submitted job, and what worker, handle and dropping poster do to it, as
/// worker.cc, job_handle.cc and posting.cc have it.
struct Job {
  enum Content { nothing, posted, result, destroyed };

  Job() : generation(word.renew(true)) {}

  /// Free, and then used anew: whoever does it owns all of the slot.
  void give_back() {
    given_back.set(given_back.get() + 1);
    content.set(nothing);
    link.set(0);
  }
  void use_up(Content next) {
    require(content.get() == posted, "the callable is there, and nobody has used it");
    content.set(next);
    outside.set(next);
  }

  /// What was published has the handle: it runs at once, here, and leaves the job.
  void publish() {
    published.set(published.get() + 1);
    const JobState end = state();
    require(end == JobState::dropped || content.get() == result, "what it continues is over");
    detach();
  }
  void tell_of_end(std::uint32_t before) {
    if ((before & Word::kWatched) != 0) {
      ended.fetch_add(1, std::memory_order_release);
      ModelEnv::wake(ended, 1);
    }
    if ((before & Word::kContinued) == 0) return;
    require(link.get() == 7, "the link is there");
    publish();
  }

  /// Executor::begin_job(), invoke_job() and end_job().
  void work() {
    require(word.is_submitted(), "that is known as long as it is queued");
    require(word.use_number() == generation / Word::kGeneration, "it is this use's");
    if (!word.begin()) {
      if (word.retire()) give_back();
      return;
    }
    use_up(result);
    const std::uint32_t before = word.finish(JobState::completed);
    tell_of_end(before);
    if ((before & Word::kHandled) == 0) give_back();
  }

  /// Executor::drop(), and the next job in the slot. Of another handle: nobody waits for it.
  void drop() {
    bool own = false;
    if (!word.begin()) {
      own = word.retire();
    } else {
      use_up(destroyed);
      const std::uint32_t before = word.finish_dropped();
      tell_of_end(before);
      own = !Word::is_kept(before);
    }
    if (!own) return;
    give_back();
    word.renew(true);
  }

  int wait(TimePoint deadline = kNever) {
    return word.wait(generation, deadline, [](auto& futex, std::uint32_t seen, TimePoint until) {
      return ModelEnv::wait(futex, seen, until);
    });
  }
  JobState state() const { return Word::state_of(word.look(generation)); }

  void cancel() {
    if (word.end_unstarted(generation)) {
      use_up(destroyed);
    } else {
      require(state() != JobState::pending, "it has begun, or is over");
    }
  }
  void detach() {
    const std::uint32_t before = word.drop_handle(generation);
    if ((before & Word::kQueued) != 0 || (before & Word::kHandled) == 0) return;
    give_back();
  }
  /// JobHandle::then(): publishes at once, or has the job's end do so.
  void continue_it() {
    if (!word.continue_with(generation, [this] { link.set(7); })) publish();
  }

  void require_one_end() { require(given_back.get() == 1, "its slot was given back once"); }

  Word word;
  std::uint32_t generation;
  Variable<Content> content = posted;
  Variable<Content> outside = nothing;  // what the callable, or its destructor, writes elsewhere
  Variable<std::uint32_t> link = 0U;
  Variable<int> given_back = 0;
  Variable<int> published = 0;
  Atomic<std::uint32_t> ended;
};

void its_result_is_read() {
  Job job;
  concurrently([&] { job.work(); },
               [&] {
                 require(job.wait() == 0, "nothing but the end ends it");
                 require(job.state() == JobState::completed, "it ran");
                 require(job.content.get() == Job::result, "its result is there");
                 job.detach();
               });
  job.require_one_end();
}

void two_wait() {
  Job job;
  const auto wait = [&] {
    require(job.wait() == 0, "nothing but the end ends it");
    require(job.content.get() == Job::result, "its result is there");
  };
  concurrently([&] { job.work(); }, wait, wait);
  job.detach();
  job.require_one_end();
}

void a_time_out_ends_the_wait() {
  Job job;
  concurrently([&] { job.work(); },
               [&] {
                 const int error = job.wait(kLater);
                 require(error == 0 || error == ETIMEDOUT, "over, or in vain");
                 require(error == 0 || ModelEnv::now() >= kLater, "as long as it should");
                 if (error == 0) require(job.content.get() == Job::result, "its result is there");
                 job.detach();
               });
  job.require_one_end();
}

void it_runs_or_is_cancelled() {
  Job job;
  concurrently([&] { job.work(); },
               [&] {
                 job.cancel();
                 job.detach();
               });
  job.require_one_end();
}

void its_handle_leaves() {
  Job job;
  concurrently([&] { job.work(); }, [&] { job.detach(); });
  job.require_one_end();
}

void a_watcher_is_told() {
  // wait_any(): one word for all jobs, read before they are marked.
  Job job;
  concurrently([&] { job.work(); },
               [&] {
                 for (;;) {
                   const std::uint32_t seen = job.ended.load(std::memory_order_acquire);
                   if (job.word.watch(job.generation)) break;
                   ModelEnv::wait(job.ended, seen, kNever);
                 }
                 require(job.content.get() == Job::result, "its result is there");
                 job.detach();
               });
  job.require_one_end();
}

void what_continues_is_published_once() {
  Job job;
  concurrently([&] { job.work(); }, [&] { job.continue_it(); });
  require(job.published.get() == 1, "by its handle or at its end");
  job.require_one_end();
}

void dropped_while_its_handle_waits() {
  Job job;
  concurrently([&] { job.drop(); },
               [&] {
                 require(job.wait() == 0, "nothing but the end ends it");
                 require(job.state() == JobState::dropped,
                         "that is known though the slot has "
                         "another job");
                 require(job.outside.get() == Job::destroyed, "the callable has let go");
                 job.detach();
               });
  job.require_one_end();
}

void dropped_while_its_handle_leaves() {
  Job job;
  concurrently([&] { job.drop(); },
               [&] {
                 job.cancel();
                 job.detach();
               });
  job.require_one_end();
}

void dropped_while_it_is_continued() {
  // The one that drops it uses the slot at once, unless the handle is writing the link.
  Job job;
  concurrently([&] { job.drop(); }, [&] { job.continue_it(); });
  require(job.published.get() == 1, "by its handle or at its end");
  job.require_one_end();
}

void an_old_handle_does_nothing() {
  Job job;
  job.drop();
  require(job.state() == JobState::dropped, "it knows what became of its job");
  require(!job.word.end_unstarted(job.generation), "it cancels nobody else's");
  require(job.word.watch(job.generation), "it has nothing to wait for");
  require(!job.word.continue_with(job.generation, [&] { job.link.set(9); }), "nor to continue");
  require(job.wait(kLater) == 0, "nor to sleep for");
  job.detach();
  job.require_one_end();
  require(job.link.get() == 0, "it writes nothing of another's");
  require(job.word.begin(), "the next job is as it was");
  require((job.word.finish(JobState::completed) & Word::kHandled) != 0, "its handle is there");
}

const Model kModels[] = {
    {"job: its result is read", its_result_is_read, {.preemptions = 3}, 24'000},
    {"job: two wait", two_wait, {.preemptions = 2, .spurious_wakes = 0}, 360'000},
    {"job: a time-out ends the wait", a_time_out_ends_the_wait, {.preemptions = 3}, 125'000},
    {"job: it runs or is cancelled", it_runs_or_is_cancelled, {}, 3'000},
    {"job: its handle leaves", its_handle_leaves, {}, 550},
    {"job: a watcher is told", a_watcher_is_told, {.preemptions = 3}, 94'000},
    {"job: what continues is published once", what_continues_is_published_once, {}, 4'500},
    {"job: dropped while its handle waits",
     dropped_while_its_handle_waits,
     {.preemptions = 3},
     61'000},
    {"job: dropped while its handle leaves", dropped_while_its_handle_leaves, {}, 11'700},
    {"job: dropped while it is continued", dropped_while_it_is_continued, {}, 38'000},
    {"job: an old handle does nothing", an_old_handle_does_nothing, {}, 1},
};

const ModelSet kSet(kModels, {"executor/job_word.h"});

}  // namespace
}  // namespace takt::model
