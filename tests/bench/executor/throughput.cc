// SPDX-License-Identifier: Apache-2.0
// Empty jobs, as fast as they can be posted and run. A round lasts from before the first post to
// the first instruction of the last job, divided by the jobs.
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <string>

#include "takt/tests/bench/executor/mutex_pool.h"
#include "takt/tests/bench/executor/rows.h"
#include "takt/tests/bench/executor/running.h"

namespace takt::bench {
namespace {

constexpr std::size_t kSlots = 1'024;
constexpr int kJobs = 4'000'000;

/// With a poster that finds the lane full: on a CPU of its own it lets the worker make room for
/// some hundred jobs; beside a worker it makes way.
enum class WhenFull : std::uint32_t { pause, yield };

void back_off(WhenFull when_full) {
  constexpr int kPauses = 500;
  if (when_full == WhenFull::pause) {
    pause_times(kPauses);
  } else {
    ::sched_yield();
  }
}

/// Each of `posters` threads, one a CPU, posts its share by `post(job)`, which says whether there
/// was room. Returns nanoseconds a job.
template <class Post>
double run_empty_jobs(std::size_t posters, WhenFull when_full, Post post) {
  std::array<std::atomic<std::int64_t>, 2> begins{};
  std::array<std::atomic<std::int64_t>, 2> ends{};
  const auto post_share = [&](std::size_t poster) {
    // Jobs of two posters mix, but nothing of a poster's starts behind its own last job.
    std::atomic<std::int64_t>& end = ends[poster];
    begins[poster].store(to_ns(now()));
    for (int i = 0; i < kJobs / static_cast<int>(posters) - 1; ++i) {
      while (!post([] {})) back_off(when_full);
    }
    while (!post([&end] { end.store(to_ns(now())); })) back_off(when_full);
  };
  {
    std::deque<PinnedThread> threads;
    for (std::size_t poster = 0; poster < posters; ++poster) {
      threads.emplace_back(Place{poster, kPriority}, [&, poster] { post_share(poster); });
    }
  }
  std::int64_t first = begins[0];
  std::int64_t last = 0;
  for (std::size_t poster = 0; poster < posters; ++poster) {
    await([&] { return ends[poster].load() != 0; });
    first = std::min(first, begins[poster].load());
    last = std::max(last, ends[poster].load());
  }
  return static_cast<double>(last - first) / kJobs;
}

/// Longer than a poster backs off.
constexpr Duration kSpin = std::chrono::microseconds(50);

double takt_one_to_one(bool time_stamps, Duration spin) {
  static StaticExecutor<ExecutorLimits{.workers = 1, .jobs_per_lane = kSlots}> executor;
  const std::array workers{worker_at({1, kPriority}, spin)};
  const Running runs(executor, workers, time_stamps);
  return run_empty_jobs(1, WhenFull::pause, [](auto job) { return executor.post(job).ok(); });
}

double takt_two_to_two(Duration spin) {
  static StaticExecutor<ExecutorLimits{.workers = 2, .jobs_per_lane = kSlots}> executor;
  const std::array workers{worker_at({0, kPriority}, spin), worker_at({1, kPriority}, spin)};
  const Running runs(executor, workers, false);
  return run_empty_jobs(2, WhenFull::yield, [](auto job) { return executor.post(job).ok(); });
}

double mutex_pool_one_to_one() {
  const std::array workers{Place{1, kPriority}};
  MutexPool pool(kSlots, workers);
  return run_empty_jobs(1, WhenFull::pause, [&pool](auto job) { return pool.post(job); });
}

double mutex_pool_two_to_two() {
  const std::array workers{Place{0, kPriority}, Place{1, kPriority}};
  MutexPool pool(kSlots, workers);
  return run_empty_jobs(2, WhenFull::yield, [&pool](auto job) { return pool.post(job); });
}

void one_to_one_row(Suite& suite, const std::string& row) {
  const std::string pool = "mutex and condition variable";
  suite.cost(row,
             {{pool, {}, &mutex_pool_one_to_one},
              {"takt, no time stamps", {{pool, 0.58}}, [] { return takt_one_to_one(false, {}); }},
              {"takt, no time stamps, worker spins 50 us",
               {{pool, 0.58}},
               [] { return takt_one_to_one(false, kSpin); }},
              {"takt", {{pool, 0.83}}, [] { return takt_one_to_one(true, {}); }}});
}

void two_to_two_row(Suite& suite, const std::string& row) {
  const std::string pool = "mutex and condition variable, two";
  const std::string one = "takt, one and one";
  const std::string spinning_one = "takt, one and one, spins 50 us";
  suite.cost(row,
             {{pool, {}, &mutex_pool_two_to_two},
              {one, {}, [] { return takt_one_to_one(false, {}); }},
              {spinning_one, {}, [] { return takt_one_to_one(false, kSpin); }},
              {"takt, two and two", {{one, 0.9}, {pool, 0}}, [] { return takt_two_to_two({}); }},
              {"takt, two and two, spins 50 us", {{spinning_one, 0.9}, {pool, 0}}, [] {
                 return takt_two_to_two(kSpin);
               }}});
}

}  // namespace

void throughput_rows(Suite& suite) {
  const auto run = [&suite](const char* row, void (*measure)(Suite&, const std::string&)) {
    if (!suite.wants(row)) return;
    if (cpu_count() < 2) {
      suite.skip(row, "needs two CPUs");
    } else {
      measure(suite, row);
    }
  };
  run("empty job: one poster, one worker", &one_to_one_row);
  run("empty job: two posters, two workers", &two_to_two_row);
}

}  // namespace takt::bench
