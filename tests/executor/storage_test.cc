// SPDX-License-Identifier: Apache-2.0
// Where an executor's memory lies, and what becomes of it afterwards and in a fork child.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "takt/platform/memory.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/fault_counter.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

extern "C" {
// The linker's: where .bss begins, and where the program's memory ends.
extern char __bss_start;  // NOLINT(*-reserved-identifier,*-naming)
extern char _end;         // NOLINT(*-reserved-identifier,*-naming)
}

namespace {

using namespace std::chrono_literals;
using takt::JobContext;
using takt::Priority;
using takt::StopMode;
using takt::WorkerConfig;
using takt::platform::is_mapped;
using takt::test::FaultCounter;
using takt::test::Gate;
using takt::test::kAnyMemory;
using takt::test::kPatience;
using takt::test::Running;
using takt::test::wait_until;

constexpr std::uint32_t kManySlots = 1000;
constexpr takt::ExecutorLimits kLimits{.jobs_per_lane = kManySlots};
using TestExecutor = takt::StaticExecutor<kLimits>;
TestExecutor executor;

// A later static constructor of the same file.
std::atomic<int> early_runs{0};
const takt::Result<takt::TaskHandle> kEarlyTask =
    executor.add_task({.name = "early", .period = 1ms}, [] { ++early_runs; });

constexpr WorkerConfig kWorkers[] = {{.name = "worker"}};

/// Runs one job and stops.
template <class AnyExecutor>
void use(AnyExecutor& any) {
  const Running running(any, {{.name = "worker"}});
  auto job = any.submit([] { return 3; });
  ASSERT_OK(job);
  EXPECT_EQ(*job->wait(), 3);
}

TEST(Storage, a_static_executor_lies_in_bss) {
  const auto* const begin = reinterpret_cast<const char*>(&executor);
  EXPECT_TRUE(begin >= &__bss_start);
  EXPECT_TRUE(begin + sizeof executor <= &_end);
}

TEST(Storage, a_static_executor_serves_later_static_constructors) {
  ASSERT_OK(kEarlyTask);
  const Running running(executor, {{.name = "worker"}});
  wait_until([] { return early_runs.load() >= 2; });
}

TEST(Storage, takes_what_its_limits_say) {
  using takt::detail::JobSlot;
  constexpr std::size_t kPage = takt::platform::kLargestPage;
  using Small = takt::StaticExecutor<takt::ExecutorLimits{.tasks = 0, .stack_bytes = kPage}>;
  // Its tables, a guard and a stack, and the Executor itself: a page each.
  EXPECT_EQ(sizeof(Small) / kPage, 4);
  EXPECT_EQ(alignof(Small), kPage);
  if constexpr (sizeof(void*) == 8) EXPECT_EQ(sizeof(JobSlot), 80);
  // A slot costs itself, a cell of each level and a bit.
  constexpr std::size_t kCellBytes = 8 * takt::kPriorityLevels;
  EXPECT_LE(sizeof(TestExecutor), sizeof(Small) + takt::kDefaultStackBytes + 2 * kPage +
                                      kManySlots * sizeof(JobSlot) + 1024 * kCellBytes + 8192);
}

TEST(Storage, two_executors_do_not_know_each_other) {
  static TestExecutor other;
  const Running first(executor, {{.name = "first"}});
  const Running second(other, {{.name = "second"}});
  auto outer = executor.submit([] {
    // A worker of another executor may wait: it is not its own lane, though it has its number.
    auto inner = other.submit([](const JobContext& job) { return job.executor == &other; });
    EXPECT_OK(inner);
    return *inner->wait();
  });
  ASSERT_OK(outer);
  EXPECT_TRUE(*outer->wait());
  EXPECT_OK(other.stop(StopMode::drain, kPatience));
  EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Storage, on_the_heap_and_on_the_stack) {
  const auto heap = std::make_unique<TestExecutor>();
  use(*heap);
  takt::StaticExecutor<takt::ExecutorLimits{}> stack;
  use(stack);
}

std::uint64_t locked_kib() {
  const auto status = takt::platform::read_thread_status(takt::platform::thread_id());
  EXPECT_OK(status);
  return status.ok() ? status->locked_kib : 0;
}

TEST(Storage, is_free_memory_again_after_the_destructor) {
  struct Buffer {
    alignas(TestExecutor) std::array<std::byte, sizeof(TestExecutor)> bytes;
  };
  static Buffer buffer;
  const std::uint64_t locked_before = locked_kib();
  for (int round = 0; round < 3; ++round) {
    auto* const made = ::new (buffer.bytes.data()) TestExecutor;
    use(*made);
    made->~TestExecutor();
    EXPECT_EQ(locked_kib(), locked_before);
    // No guard page is left behind, and fork children get a copy again.
    std::memset(buffer.bytes.data(), 0xA5, buffer.bytes.size());
    EXPECT_TRUE(takt::test::run_in_child([] {
                  for (const std::byte value : buffer.bytes) {
                    if (value != std::byte{0xA5}) ::_exit(1);
                  }
                }).exited_with(0));
  }
}

TEST(Storage, destroys_the_callables_of_its_tasks) {
  std::atomic<int> alive{0};
  struct Living {
    explicit Living(std::atomic<int>& count) noexcept : alive(&count) { ++*alive; }
    Living(Living&& other) noexcept : alive(other.alive) { ++*alive; }
    Living(const Living&) = delete;
    ~Living() { --*alive; }
    void operator()() const {}
    std::atomic<int>* alive;
  };
  {
    const auto local = std::make_unique<takt::StaticExecutor<takt::ExecutorLimits{}>>();
    ASSERT_OK(local->add_task({.name = "one", .period = 1ms}, Living(alive)));
    ASSERT_OK(local->add_task({.name = "two", .period = 1ms}, Living(alive)));
    EXPECT_EQ(alive.load(), 2);
    use(*local);
    EXPECT_EQ(alive.load(), 2);
  }
  EXPECT_EQ(alive.load(), 0);
}

// A daemon forks a helper that exits: the destructors of static objects run in the child, where the
// executor's workers and pages are not.
TEST(Storage, a_fork_child_may_exit) {
  if (takt::test::kAddressSanitizer) SKIP("LeakSanitizer reads all of .bss when the child exits");
  ASSERT_OK(executor.start(kWorkers, kAnyMemory));
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_TRUE(takt::test::run_in_child([] { std::exit(0); }).exited_with(0));
  EXPECT_OK(executor.submit([] {})->wait());
  EXPECT_OK(executor.stop(StopMode::drain, kPatience));
  EXPECT_TRUE(takt::test::run_in_child([] { std::exit(0); }).exited_with(0));
}

TEST(Storage, a_fork_child_may_destroy_it) {
  const Running running(executor, {{.name = "worker"}});
  EXPECT_TRUE(takt::test::run_in_child([] { executor.~TestExecutor(); }).exited_with(0));
  EXPECT_OK(executor.submit([] {})->wait());
}

TEST(Storage, a_fork_child_may_start_an_executor_that_never_ran) {
  EXPECT_TRUE(takt::test::run_in_child([] { use(executor); }).exited_with(0));
  use(executor);
}

TEST(Storage, a_fork_child_may_start_an_executor_that_was_stopped) {
  if (takt::test::kThreadSanitizer) SKIP("it forbids threads in children of threaded processes");
  use(executor);
  const takt::test::ChildOutcome outcome = takt::test::run_in_child([] { use(executor); });
  if (outcome.output.find("qemu") != std::string::npos) {
    SKIP("this emulator cannot start threads there: %s", outcome.output.c_str());
  }
  EXPECT_TRUE(outcome.exited_with(0), "status %#x, it said: %s",
              static_cast<unsigned>(outcome.wait_status), outcome.output.c_str());
  use(executor);
}

TEST(Storage, a_fork_child_may_use_an_executor_of_its_own) {
  if (takt::test::kThreadSanitizer) SKIP("it forbids threads in children of threaded processes");
  const Running running(executor, {{.name = "worker"}});
  const takt::test::ChildOutcome outcome = takt::test::run_in_child([] {
    const auto own = std::make_unique<takt::StaticExecutor<takt::ExecutorLimits{}>>();
    use(*own);
  });
  if (outcome.output.find("qemu") != std::string::npos) {
    SKIP("this emulator cannot start threads there: %s", outcome.output.c_str());
  }
  EXPECT_TRUE(outcome.exited_with(0), "status %#x, it said: %s",
              static_cast<unsigned>(outcome.wait_status), outcome.output.c_str());
}

bool fork_copies_excluded_memory() {
  return takt::test::run_in_child([] { ::_exit(is_mapped(&executor) ? 1 : 0); }).exited_with(1);
}

// What fork would make copy-on-write, the parent's workers would fault on, page by page.
TEST(Storage, posting_after_a_fork_takes_no_page_fault) {
  if (takt::test::kSanitizerRuntime) SKIP("the sanitizer's shadow memory faults");
  const Running running(executor, {{.name = "worker"}});
  Gate gate;
  if (fork_copies_excluded_memory()) SKIP("this emulator copies what MADV_DONTFORK excludes");
  const auto fill_all_slots = [] {
    std::uint32_t accepted = 0;
    while (executor.post([] {}, {.priority = static_cast<Priority>(accepted % 4)}).ok()) ++accepted;
    return accepted;
  };
  takt::test::hold_worker(executor, gate);
  fill_all_slots();
  gate.open();
  wait_until([] { return executor.submit([] {}, {.priority = Priority::low}).ok(); });

  EXPECT_TRUE(takt::test::run_in_child([] {}).exited_with(0));
  const FaultCounter faults = FaultCounter::of_process();
  std::uint32_t posted = 0;
  while (posted < 20 * kManySlots) posted += executor.post([] {}).ok() ? 1U : 0U;
  // The slots and rings alone are more than twenty pages. A few others did become copy-on-write:
  // the stack, the statics of this test and of the C library, the top page of the worker's stack.
  EXPECT_LE(faults.since_start().minor, 12);
}

}  // namespace
