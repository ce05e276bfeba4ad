// SPDX-License-Identifier: Apache-2.0
// That a PI futex lends its waiter's priority to its owner, and takes it back.
#include <atomic>
#include <cstdint>
#include <string_view>
#include <thread>

#include "takt/platform/file_reader.h"
#include "takt/platform/futex.h"
#include "takt/platform/number_text.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/pi_lock.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using takt::platform::FutexScope;
using takt::platform::FutexWord;
using takt::platform::read_file;
using takt::platform::thread_id;
using takt::test::own_id;
using takt::test::unlock;

/// What the scheduler goes by now: -1 - priority for real-time threads (proc(5), field 18).
int effective_priority() {
  char buffer[1024];
  takt::Text<64> path;
  path << "/proc/self/task/" << thread_id() << "/stat";
  const auto text = read_file(path.c_str(), buffer);
  EXPECT_OK(text);
  std::string_view rest = text.ok() ? *text : std::string_view();
  rest.remove_prefix(rest.rfind(')') + 1);
  std::string_view word;
  for (int field = 3; field <= 18; ++field) word = takt::platform::detail::take_word(rest);
  int priority = 0;
  EXPECT_TRUE(takt::platform::detail::parse_number(word, priority));
  return priority;
}

TEST(PriorityInheritance, the_owner_runs_at_the_waiters_priority) {
  constexpr int kPriority = 50;
  if (const takt::Status status = takt::platform::set_scheduling(takt::Fifo{.priority = kPriority});
      status.code() == takt::StatusCode::permission_denied) {
    SKIP("%s", status.text());
  }
  ASSERT_OK(takt::platform::set_scheduling(takt::Other{}));

  const int own_priority = effective_priority();
  FutexWord word{own_id()};
  std::atomic<std::int32_t> waiter_id{0};
  std::thread waiter([&] {
    EXPECT_OK(takt::platform::set_scheduling(takt::Fifo{.priority = kPriority}));
    waiter_id = thread_id();
    EXPECT_EQ(takt::platform::futex_lock_pi(word, takt::kNever, FutexScope::process_private), 0);
    unlock(word);
  });
  takt::test::wait_until_asleep(waiter_id);
  EXPECT_EQ(effective_priority(), -1 - kPriority);
  unlock(word);
  EXPECT_EQ(effective_priority(), own_priority);
  waiter.join();
}

}  // namespace
