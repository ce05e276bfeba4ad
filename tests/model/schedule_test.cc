// SPDX-License-Identifier: Apache-2.0
// The checker's self-test, part one: it visits exactly the schedules that there are.
#include <cstdint>
#include <cstdio>

#include "takt/tests/model/model.h"
#include "takt/tests/model/prove.h"

namespace takt::model {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

/// Threads of `steps` steps, each on a variable of its own.
Report disjoint(int threads, int steps, const Options& options) {
  Report report = explore(options, [&] {
    Atomic<std::uint32_t> own[3];
    const auto work = [&](int thread) {
      for (int i = 0; i < steps; ++i) own[thread].store(1, kRelaxed);
    };
    if (threads == 2) concurrently([&] { work(0); }, [&] { work(1); });
    if (threads == 3) concurrently([&] { work(0); }, [&] { work(1); }, [&] { work(2); });
  });
  std::printf("%s\n", report.line("disjoint", options).c_str());
  return report;
}

struct Count {
  int threads;
  int steps;
  int preemptions;
  std::uint64_t executions;
};

void append_value(test::Message& text, const Count& count) {
  text.append_number(count.threads).append("x").append_number(count.steps).append("/");
  text.append_number(count.preemptions);
}

// Two threads of three steps: 6! / (3! 3!) interleavings, of which so many have at most so many
// preemptions. Three of two: 6! / (2! 2! 2!).
TEST_EACH(Schedules, are_counted_exactly, Count{2, 3, kUnbounded, 20}, Count{2, 3, 0, 2},
          Count{2, 3, 1, 6}, Count{2, 3, 2, 14}, Count{2, 3, 3, 18}, Count{2, 3, 4, 20},
          Count{3, 2, kUnbounded, 90}, Count{3, 2, 0, 6}, Count{3, 2, 1, 24}, Count{3, 2, 2, 60}) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Report report = disjoint(param.threads, param.steps, {.preemptions = param.preemptions});
  EXPECT_EQ(report.executions, param.executions);
  EXPECT_EQ(report.pruned, 0U);
  EXPECT_EQ(report.truncated, 0U);
  EXPECT_EQ(report.depth, 6U);
  EXPECT_FALSE(report.failed);
}

TEST(Schedules, of_independent_steps_reduce_to_one) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_EQ(disjoint(2, 3, {.reduction = true}).executions, 1U);
  EXPECT_EQ(disjoint(3, 2, {.reduction = true}).executions, 1U);
}

TEST(Schedules, of_dependent_steps_are_all_kept) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // Read-modify-writes of one variable: each order of them is different.
  const auto body = [] {
    Atomic<std::uint32_t> shared;
    const auto work = [&] {
      for (int i = 0; i < 3; ++i) shared.fetch_add(1, kRelaxed);
    };
    concurrently(work, work);
    require(shared.load() == 6, "no increment is lost");
  };
  const Options options{.reduction = true};
  EXPECT_EQ(explore(options, body).executions, 20U);
}

TEST(Schedules, tell_a_lost_increment) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Report report = explore({}, [] {
    Atomic<std::uint32_t> shared;
    const auto work = [&] { shared.store(shared.load(kRelaxed) + 1, kRelaxed); };
    concurrently(work, work);
    require(shared.load() == 2, "no increment is lost");
  });
  EXPECT_TRUE(report.failed);
  EXPECT_EQ(report.failure, "no increment is lost");
}

TEST(Schedules, are_fast) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // Printed, not asserted: it is the machine's mood.
  std::uint64_t executions = 0;
  double seconds = 0;
  for (int i = 0; i < 2'000; ++i) {
    const Report report = explore({}, [] {
      Atomic<std::uint32_t> own[2];
      const auto work = [&](int thread) {
        for (int step = 0; step < 3; ++step) own[thread].fetch_add(1);
      };
      concurrently([&] { work(0); }, [&] { work(1); });
    });
    executions += report.executions;
    seconds += report.seconds;
  }
  std::printf("%.0f executions a second\n", static_cast<double>(executions) / seconds);
  EXPECT_EQ(executions, 40'000U);
}

}  // namespace
}  // namespace takt::model
