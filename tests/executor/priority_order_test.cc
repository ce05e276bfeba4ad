// SPDX-License-Identifier: Apache-2.0
// Waiting jobs start by level, first in first out within a level; lanes do not disturb each other.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "takt/tests/executor/running.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::LaneId;
using takt::Priority;
using takt::StatusCode;
using takt::StopMode;
using takt::test::Gate;
using takt::test::hold_worker;
using takt::test::kPatience;
using takt::test::Running;

constexpr std::uint32_t kSlots = 100;
constexpr LaneId kFirst{0}, kSecond{1};
takt::StaticExecutor<takt::ExecutorLimits{
    .workers = 3, .lanes = 2, .jobs_per_lane = kSlots, .tasks = 0}>
    executor;

/// In which order jobs started: the number of each, as it was posted. One worker at a time adds.
struct Order {
  void add(std::uint32_t number) {
    const std::uint32_t place = count.load();
    started[place] = number;
    count.store(place + 1);
  }
  std::atomic<std::uint32_t> count{0};
  std::array<std::uint32_t, kSlots> started{};
};

TEST(PriorityOrder, by_level_then_by_age) {
  Order order;
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  hold_worker(executor, gate);
  takt::test::Random random;
  std::array<Priority, kSlots> levels{};
  for (std::uint32_t number = 1; number < kSlots; ++number) {
    levels[number] = static_cast<Priority>(random.below(takt::kPriorityLevels));
    ASSERT_OK(executor.post([&order, number] { order.add(number); }, {.priority = levels[number]}));
  }
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  ASSERT_EQ(order.count.load(), kSlots - 1);
  for (std::uint32_t place = 1; place < order.count.load(); ++place) {
    const std::uint32_t before = order.started[place - 1];
    const std::uint32_t after = order.started[place];
    EXPECT_TRUE(
        levels[before] < levels[after] || (levels[before] == levels[after] && before < after),
        "job %u of level %u started before job %u of level %u", before,
        static_cast<unsigned>(levels[before]), after, static_cast<unsigned>(levels[after]));
  }
}

// As others see it: in the worker's event ring.
TEST(PriorityOrder, shows_in_the_event_ring) {
  constexpr std::uint32_t kTasks = 16;
  static takt::StaticExecutor<takt::ExecutorLimits{.tasks = kTasks, .events_per_worker = 128}>
      observed;
  std::array<takt::TaskHandle, kTasks> tasks;
  for (std::uint32_t number = 0; number < kTasks; ++number) {
    const auto added = observed.add_sporadic_task(
        {.name = "task",
         .priority = static_cast<Priority>(number % takt::kPriorityLevels),
         .min_interarrival = std::chrono::seconds(1)},
        [] {});
    ASSERT_OK(added);
    tasks[number] = *added;
  }
  takt::EventReader events(observed.worker_events(0));
  {
    const Running running(observed, {{.name = "worker"}});
    Gate gate;
    hold_worker(observed, gate);
    // The last one first.
    for (std::uint32_t number = kTasks; number-- > 0;) ASSERT_OK(tasks[number].release());
    gate.open();
    ASSERT_OK(observed.stop(StopMode::drain, kPatience));
  }
  std::uint32_t place = 0;
  while (const auto event = events.next()) {
    if (event->kind() != takt::EventKind::start || !event->is_task()) continue;
    constexpr std::uint32_t kOfLevel = kTasks / takt::kPriorityLevels;
    const std::uint32_t level = place / kOfLevel;
    const std::uint32_t expected =
        level + takt::kPriorityLevels * (kOfLevel - 1 - place % kOfLevel);
    EXPECT_EQ(event->number(), expected, "place %u", place);
    ++place;
  }
  EXPECT_EQ(place, kTasks);
  EXPECT_EQ(events.lost(), 0);
}

TEST(PriorityOrder, a_later_critical_job_overtakes_but_does_not_preempt) {
  Order order;
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  ASSERT_OK(executor.post(
      [&] {
        order.add(0);
        EXPECT_OK(executor.post([&order] { order.add(1); }, {.priority = Priority::low}));
        EXPECT_OK(executor.post([&order] { order.add(2); }, {.priority = Priority::critical}));
        gate.pass();
        order.add(3);  // still this job
      },
      {.priority = Priority::low}));
  gate.wait_for_entries();
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  ASSERT_EQ(order.count.load(), 4);
  const std::array<std::uint32_t, 4> expected = {0, 3, 2, 1};
  for (std::uint32_t place = 0; place < 4; ++place) {
    EXPECT_EQ(order.started[place], expected[place], "place %u", place);
  }
}

TEST(PriorityOrder, a_flood_on_one_lane_leaves_the_other_its_slots) {
  const Running running(executor,
                        {{.name = "first", .lane = kFirst}, {.name = "second", .lane = kSecond}});
  Gate gate;
  hold_worker(executor, gate, kFirst);
  while (executor.post([] {}, {.lane = kFirst}).ok()) {
  }
  EXPECT_EQ(executor.post([] {}, {.lane = kFirst}).code(), StatusCode::resource_exhausted);
  // The other lane takes as many jobs as ever, and runs them while the first is stuck.
  for (std::uint32_t i = 0; i < kSlots; ++i) {
    auto job = executor.submit([] { return 1; }, {.lane = kSecond});
    ASSERT_OK(job);
    ASSERT_OK(job->wait());
  }
  gate.open();
}

TEST(PriorityOrder, each_lane_keeps_its_own_order) {
  Order first;
  Order second;
  const Running running(executor,
                        {{.name = "first", .lane = kFirst}, {.name = "second", .lane = kSecond}});
  Gate gate;
  hold_worker(executor, gate, kFirst);
  hold_worker(executor, gate, kSecond);
  for (std::uint32_t number = 0; number < 20; ++number) {
    Order& order = number % 2 == 0 ? first : second;
    ASSERT_OK(executor.post([&order, number] { order.add(number); },
                            {.lane = number % 2 == 0 ? kFirst : kSecond}));
  }
  gate.open();
  ASSERT_OK(executor.stop(StopMode::drain, kPatience));
  for (std::uint32_t place = 0; place < 10; ++place) {
    EXPECT_EQ(first.started[place], 2 * place);
    EXPECT_EQ(second.started[place], 2 * place + 1);
  }
}

TEST(PriorityOrder, a_free_worker_takes_what_a_stuck_one_cannot) {
  Order order;
  const Running running(executor, {{.name = "one"}, {.name = "two"}, {.name = "three"}});
  Gate gate;
  hold_worker(executor, gate);
  hold_worker(executor, gate);
  for (std::uint32_t number = 0; number < 50; ++number) {
    ASSERT_OK(executor.post([&order, number] { order.add(number); }));
  }
  takt::test::wait_until([&] { return order.count.load() == 50; });
  for (std::uint32_t place = 0; place < 50; ++place) EXPECT_EQ(order.started[place], place);
  gate.open();
}

}  // namespace
