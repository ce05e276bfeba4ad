// SPDX-License-Identifier: Apache-2.0
// parallel_for() and map_reduce(): each element once, whoever calls and however busy the lane is.
#include "takt/executor/parallel.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::ParallelOptions;
using takt::StatusCode;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::Running;

// Helpers that were cancelled keep their slots until a worker passes them: here fewer than 128.
takt::StaticExecutor<takt::ExecutorLimits{.workers = 3, .jobs_per_lane = 128}> executor;

#define TAKT_RUNNING_THREE() \
  const Running running(executor, {{.name = "one"}, {.name = "two"}, {.name = "three"}})

/// Counts how often each element was visited.
template <std::size_t kSize>
struct Visits {
  auto body() {
    return [this](std::size_t from, std::size_t to) {
      for (std::size_t at = from; at < to; ++at) count.at(at).fetch_add(1);
    };
  }
  void expect(std::size_t begin, std::size_t end) const {
    for (std::size_t at = 0; at < kSize; ++at) {
      EXPECT_EQ(count.at(at).load(), at >= begin && at < end ? 1U : 0U, "element %zu", at);
    }
  }
  std::array<std::atomic<std::uint32_t>, kSize> count{};
};

TEST(ParallelFor, visits_each_element_once) {
  TAKT_RUNNING_THREE();
  takt::test::Random random;
  for (int round = 0; round < 300; ++round) {
    Visits<200> visits;
    const std::size_t begin = static_cast<std::size_t>(random.below(100));
    const std::size_t end = begin + static_cast<std::size_t>(random.below(101));
    const ParallelOptions options{.chunk = 1 + static_cast<std::size_t>(random.below(40))};
    ASSERT_OK(takt::parallel_for(executor, begin, end, visits.body(), options));
    visits.expect(begin, end);
  }
}

TEST(ParallelFor, takes_nothing_and_extremes) {
  TAKT_RUNNING_THREE();
  std::atomic<std::uint32_t> calls{0};
  const auto count = [&](std::size_t, std::size_t) { calls.fetch_add(1); };
  ASSERT_OK(takt::parallel_for(executor, 5, 5, count));
  ASSERT_OK(takt::parallel_for(executor, 6, 5, count));
  EXPECT_EQ(calls.load(), 0);
  constexpr std::size_t kMost = SIZE_MAX;
  ASSERT_OK(takt::parallel_for(executor, 0, kMost, count, {.chunk = kMost}));
  EXPECT_EQ(calls.load(), 1);
  ASSERT_OK(takt::parallel_for(executor, 1, kMost, count, {.chunk = kMost / 2 + 1}));
  EXPECT_EQ(calls.load(), 3);
}

TEST(ParallelFor, a_caller_whose_lane_is_busy_does_it_all) {
  TAKT_RUNNING_THREE();
  Gate gate;
  for (int i = 0; i < 3; ++i) hold_worker(executor, gate);
  Visits<100> visits;
  ASSERT_OK(takt::parallel_for(executor, 0, 100, visits.body()));
  visits.expect(0, 100);
}

TEST(ParallelFor, a_worker_of_the_lane_may_call_it_and_nest_it) {
  TAKT_RUNNING_THREE();
  for (int round = 0; round < 50; ++round) {
    std::array<Visits<40>, 3> visits;
    std::array<takt::JobHandle<bool>, 3> jobs;
    for (std::size_t job = 0; job < 3; ++job) {
      auto submitted = executor.submit([&visits = visits.at(job)] {
        const auto inner = [&visits](std::size_t from, std::size_t to) {
          EXPECT_OK(takt::parallel_for(executor, from, to, visits.body()));
        };
        return takt::parallel_for(executor, 0, 40, inner, {.chunk = 10}).ok();
      });
      ASSERT_OK(submitted);
      jobs.at(job) = std::move(*submitted);
    }
    for (std::size_t job = 0; job < 3; ++job) {
      EXPECT_TRUE(*jobs.at(job).wait());
      visits.at(job).expect(0, 40);
    }
  }
}

TEST(ParallelFor, helpers_help) {
  TAKT_RUNNING_THREE();
  // Each chunk waits until three are being run at once.
  std::atomic<std::uint32_t> inside{0};
  const auto meet = [&](std::size_t, std::size_t) {
    inside.fetch_add(1);
    takt::test::wait_until([&] { return inside.load() >= 3; });
  };
  ASSERT_OK(takt::parallel_for(executor, 0, 3, meet));
}

TEST(ParallelFor, tells_its_progress) {
  TAKT_RUNNING_THREE();
  struct Seen {
    std::atomic<std::uint32_t> calls{0};
    std::atomic<std::uint32_t> complete{0};
  } seen;
  const ParallelOptions options{.chunk = 3,
                                .progress =
                                    [](std::size_t done, std::size_t all, void* to) noexcept {
                                      auto& figures = *static_cast<Seen*>(to);
                                      EXPECT_EQ(all, 100);
                                      EXPECT_LE(done, all);
                                      figures.calls.fetch_add(1);
                                      if (done == all) figures.complete.fetch_add(1);
                                    },
                                .progress_argument = &seen};
  ASSERT_OK(takt::parallel_for(
      executor, 0, 100, [](std::size_t, std::size_t) {}, options));
  EXPECT_EQ(seen.calls.load(), 34);
  EXPECT_EQ(seen.complete.load(), 1);
}

TEST(ParallelFor, an_exception_ends_it) {
  TAKT_RUNNING_THREE();
  std::atomic<std::uint32_t> begun{0};
  const takt::Status status =
      takt::parallel_for(executor, 0, 100'000, [&](std::size_t, std::size_t) {
        const std::uint32_t before = begun.fetch_add(1);
        if (before == 10) throw std::runtime_error("wanted");
        // While it is on its way (an emulator takes its time), the others do not do all the rest.
        if (before > 10) std::this_thread::sleep_for(1ms);
      });
  EXPECT_EQ(status.code(), StatusCode::failed);
  EXPECT_EQ(std::string_view(status.text()), "parallel_for: a chunk ended with an exception");
  EXPECT_LT(begun.load(), 100'000);
}

TEST(ParallelFor, refuses_what_cannot_be) {
  const auto nothing = [](std::size_t, std::size_t) {};
  EXPECT_EQ(std::string_view(takt::parallel_for(executor, 0, 1, nothing).text()),
            "parallel_for: the executor does not run, or lane 0 has no worker");
  TAKT_RUNNING_THREE();
  EXPECT_EQ(std::string_view(takt::parallel_for(executor, 0, 1, nothing, {.chunk = 0}).text()),
            "parallel_for: a chunk has at least 1 element");
  EXPECT_EQ(takt::parallel_for(executor, 0, 1, nothing, {.lane = takt::LaneId{7}}).code(),
            StatusCode::failed_precondition);
}

TEST(MapReduce, adds_up) {
  TAKT_RUNNING_THREE();
  for (std::size_t chunk = 1; chunk < 200; chunk += 13) {
    const takt::Result<std::uint64_t> sum = takt::map_reduce(
        executor, 1, 1'001, std::uint64_t{0},
        [](std::size_t from, std::size_t to) {
          std::uint64_t part = 0;
          for (std::size_t at = from; at < to; ++at) part += at;
          return part;
        },
        [](std::uint64_t left, std::uint64_t right) { return left + right; }, {.chunk = chunk});
    ASSERT_OK(sum);
    EXPECT_EQ(*sum, 500'500);
  }
}

TEST(MapReduce, of_nothing_is_the_neutral_element) {
  TAKT_RUNNING_THREE();
  const takt::Result<int> product = takt::map_reduce(
      executor, 3, 3, 1, [](std::size_t, std::size_t) { return 0; },
      [](int left, int right) { return left * right; });
  ASSERT_OK(product);
  EXPECT_EQ(*product, 1);
}

TEST(MapReduce, an_exception_of_either_function_ends_it) {
  TAKT_RUNNING_THREE();
  const auto one = [](std::size_t, std::size_t) { return 1; };
  const auto add = [](int left, int right) { return left + right; };
  const auto throws = [](std::size_t, std::size_t) -> int { throw std::runtime_error("wanted"); };
  const auto refuses = [](int, int) -> int { throw std::runtime_error("wanted"); };
  EXPECT_EQ(takt::map_reduce(executor, 0, 10, 0, throws, add).code(), StatusCode::failed);
  EXPECT_EQ(takt::map_reduce(executor, 0, 10, 0, one, refuses).code(), StatusCode::failed);
}

}  // namespace
