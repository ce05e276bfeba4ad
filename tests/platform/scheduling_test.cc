// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/scheduling.h"

#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Scheduling;
using takt::SchedulingPolicy;

static_assert(Scheduling() == Scheduling(takt::Other{}));
static_assert(!Scheduling(takt::Other{.nice = 3}).is_real_time());
static_assert(!Scheduling(takt::Batch{}).is_real_time());
static_assert(!Scheduling(takt::Idle{}).is_real_time());
static_assert(Scheduling(takt::Fifo{.priority = 80}).priority() == 80);
static_assert(Scheduling(takt::RoundRobin{.priority = 2}).is_real_time());
static_assert(Scheduling(takt::Fifo{}) != Scheduling(takt::RoundRobin{}));
static_assert(Scheduling(takt::Other{.nice = -5}).nice() == -5);
// What is left out is the other's value.
static_assert(Scheduling(takt::Deadline{.runtime = 1ms, .period = 5ms}).deadline() == 5ms);
static_assert(Scheduling(takt::Deadline{.runtime = 1ms, .deadline = 3ms}).period() == 3ms);

// The form that the README's first example uses.
struct Config {
  Scheduling scheduling = takt::Other{};
};
constexpr Config kConfig{.scheduling = takt::Fifo{.priority = 80}};
static_assert(kConfig.scheduling.policy() == SchedulingPolicy::fifo);

struct TextCase {
  std::string_view name;  // what is expected
  Scheduling scheduling;
};
TEST_EACH(Scheduling, writes_itself, TextCase{"SCHED_OTHER", takt::Other{}},
          TextCase{"SCHED_OTHER nice -5", takt::Other{.nice = -5}},
          TextCase{"SCHED_BATCH", takt::Batch{}}, TextCase{"SCHED_IDLE", takt::Idle{}},
          TextCase{"SCHED_FIFO 80", takt::Fifo{.priority = 80}},
          TextCase{"SCHED_RR 1", takt::RoundRobin{}},
          TextCase{"SCHED_DEADLINE 1500us/5ms/2s",
                   takt::Deadline{.runtime = 1500us, .deadline = 5ms, .period = 2s}},
          TextCase{"SCHED_DEADLINE 1025ns/0ns/0ns", takt::Deadline{.runtime = 1025ns}}) {
  takt::Text<64> text;
  text << param.scheduling;
  EXPECT_EQ(text.view(), param.name);
}

TEST(Scheduling, names_a_policy_that_it_does_not_know) {
  EXPECT_EQ(std::string_view(to_string(static_cast<SchedulingPolicy>(4))), "SCHED_?");
}

}  // namespace
