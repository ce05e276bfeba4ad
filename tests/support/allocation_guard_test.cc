// SPDX-License-Identifier: Apache-2.0
// A guard that catches nothing proves nothing: for each watched call a child shows that it aborts.
#include "takt/tests/support/allocation_guard.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <thread>

#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using takt::test::AllocationGuard;

/// Keeps the compiler from leaving out an allocation whose result is not used.
template <class T>
void use(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
}

void allocate_and_free() {
  void* const block = std::malloc(100);
  use(block);
  std::free(block);
}

void* block_ = nullptr;  // allocated before the guard is armed

struct Call {
  std::string_view name;
  const char* reported;  // glibc's strdup, for one, reaches malloc
  void (*make)();
};

struct Large {
  alignas(64) char bytes[128];
};

class Registered {
 public:
  Registered() { use(this); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  ~Registered() { use(this); }
};
thread_local Registered with_destructor_;
thread_local char without_destructor_[1 << 16];

void make_asprintf() {
  char* text = nullptr;
  if (asprintf(&text, "%d", 1) > 0) {
    use(text);
  }
}

void make_posix_memalign() {
  void* block = nullptr;
  if (posix_memalign(&block, 64, 100) == 0) {
    use(block);
  }
}

void make_function() {
  const Large large{};
  const std::function<void()> function = [large] { use(&large); };
  function();
}

/// What a child says that makes the call under the armed guard, and whether it works disarmed.
void expect_caught(const char* reported, void (*make)()) {
  EXPECT_ABORT(
      [make] {
        const AllocationGuard guard;
        make();
      },
      // A sanitizer's hook does not know which call it was.
      takt::test::kSanitizerRuntime ? "AllocationGuard: " : reported);
  const auto disarmed = takt::test::run_in_child([make] {
    { const AllocationGuard guard; }
    make();
  });
  EXPECT_TRUE(disarmed.exited_with(0), "%s", disarmed.output.c_str());
}

TEST_EACH(
    AllocationGuard, catches, Call{"malloc", "Guard: malloc(100)", [] { use(std::malloc(100)); }},
    Call{"calloc", "Guard: calloc(100)", [] { use(std::calloc(10, 10)); }},
    Call{"realloc", "Guard: realloc(200)", [] { use(std::realloc(block_, 200)); }},
    Call{"reallocarray", "Guard: reallocarray(200)", [] { use(reallocarray(block_, 20, 10)); }},
    Call{"aligned_alloc", "Guard: aligned_alloc(128)", [] { use(std::aligned_alloc(64, 128)); }},
    Call{"memalign", "Guard: memalign(128)", [] { use(memalign(64, 128)); }},
    Call{"posix_memalign", "Guard: posix_memalign(100)", make_posix_memalign},
    Call{"valloc", "Guard: valloc(100)", [] { use(valloc(100)); }},
    Call{"free", "Guard: free(", [] { std::free(block_); }},
    // glibc's own allocations reach malloc.
    Call{"strdup", "Guard: malloc(5)", [] { use(strdup("text")); }},
    Call{"strndup", "Guard: malloc(3)", [] { use(strndup("text", 2)); }},
    Call{"asprintf", "Guard: malloc(", make_asprintf},
    Call{"fopen", "Guard: malloc(", [] { use(std::fopen("/dev/null", "r")); }},
    Call{"new", "Guard: operator new(4)", [] { use(new int(1)); }},
    Call{"new_array", "Guard: operator new(40)", [] { use(new int[10]); }},
    Call{"new_nothrow", "Guard: operator new(", [] { use(new (std::nothrow) int(1)); }},
    Call{"new_aligned", "Guard: operator new(128)", [] { use(new Large); }},
    Call{"std_string", "Guard: operator new(", [] { use(std::string(100, 'x').c_str()); }},
    Call{"std_function", "Guard: operator new(", make_function},
    Call{"first_touch_of_a_thread_local_with_destructor",
         "Guard: ", [] { use(&with_destructor_); }}) {
  block_ = std::malloc(100);
  expect_caught(param.reported, param.make);
  std::free(block_);
}

TEST_EACH(AllocationGuard, catches_release_by,
          Call{"delete", "Guard: operator delete(", [] { ::operator delete(block_); }},
          Call{"delete_of_known_type", "Guard: operator delete(",
               [] { delete static_cast<int*>(block_); }},
          Call{"delete_nothrow", "Guard: operator delete(",
               [] { ::operator delete(block_, std::nothrow); }}) {
  block_ = new int(1);
  expect_caught(param.reported, param.make);
  delete static_cast<int*>(block_);
}

TEST(AllocationGuard, catches_delete_of_an_array) {
  block_ = ::operator new[](100);
  expect_caught("Guard: operator delete(", [] { ::operator delete[](block_); });
  ::operator delete[](block_);
}

/// A thread that runs already when the guard is armed makes the call.
void call_in_other_thread(void (*make)()) {
  std::atomic<int> step{0};
  std::thread thread([&step, make] {
    pthread_setname_np(pthread_self(), "other");
    step.store(1);
    step.notify_all();
    step.wait(1);
    make();
  });
  step.wait(0);
  const AllocationGuard guard;
  step.store(2);
  step.notify_all();
  thread.join();
}

TEST(AllocationGuard, catches_other_threads) {
  EXPECT_ABORT([] { call_in_other_thread(allocate_and_free); }, "by thread 'other'");
}

TEST(AllocationGuard, shows_the_stack) {
  const auto child = takt::test::run_in_child([] {
    const AllocationGuard guard;
    allocate_and_free();
  });
  EXPECT_TRUE(child.killed_by(SIGABRT));
  EXPECT_NE(child.output.find("(program loaded at 0x"), std::string::npos);
}

TEST(AllocationGuard, passes_what_does_not_allocate) {
  const AllocationGuard guard;
  EXPECT_TRUE(AllocationGuard::armed());
  std::free(nullptr);
  ::operator delete(nullptr);
  use(without_destructor_);
  char text[64];
  std::snprintf(text, sizeof text, "%d %s", 12345, "text");
  use(text);
  EXPECT_EQ(1 + 1, 2);
}

TEST(AllocationGuard, lets_expectations_fail_without_allocation) {
  const auto child = takt::test::run_in_child([] {
    takt::test::set_report_descriptor(-1);  // the failure is wanted
    const AllocationGuard guard;
    EXPECT_EQ(1.5, 2.5, "with %s", "context");
  });
  EXPECT_TRUE(child.exited_with(0), "%s", child.output.c_str());
  EXPECT_NE(child.output.find("left:  1.5"), std::string::npos);
}

TEST(AllocationGuard, leaves_exempt_threads_alone) {
  const AllocationGuard guard;
  {
    const AllocationGuard::Exempt exempt;
    pthread_t thread{};
    // The address sanitizer allocates on the new thread, which is not exempt.
    if (!takt::test::kAddressSanitizer) {
      ASSERT_EQ(pthread_create(
                    &thread, nullptr, [](void* argument) { return argument; }, nullptr),
                0);
      ASSERT_EQ(pthread_join(thread, nullptr), 0);
    }
    const AllocationGuard::Exempt nested;
    allocate_and_free();
  }
  AllocationGuard::disarm();
  EXPECT_ABORT(
      [] {
        { const AllocationGuard::Exempt exempt; }
        AllocationGuard::arm();
        allocate_and_free();
      },
      "AllocationGuard: malloc");
}

TEST(AllocationGuard, leaves_memory_alone_when_disarmed) {
  { const AllocationGuard guard; }
  EXPECT_FALSE(AllocationGuard::armed());
  const std::string text(100'000, 'x');
  std::thread([&text] { EXPECT_EQ(std::string(text), text); }).join();
}

#define SKIP_UNLESS_SYSTEM_CALLS_ARE_WATCHED()                      \
  AllocationGuard::prepare();                                       \
  if (!AllocationGuard::watches_system_calls()) {                   \
    SKIP("no seccomp filter here: under qemu-user or a sanitizer"); \
  }

void* map_page() {
  return mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_EACH(AllocationGuard, catches_system_call,
          Call{"mmap", "Guard: mmap", [] { use(map_page()); }},
          Call{"mremap", "Guard: mremap(", [] { use(mremap(block_, 4096, 8192, MREMAP_MAYMOVE)); }},
          Call{"brk", "Guard: brk(", [] { use(sbrk(4096)); }}) {
  SKIP_UNLESS_SYSTEM_CALLS_ARE_WATCHED();
  block_ = map_page();
  expect_caught(param.reported, param.make);
}

TEST(AllocationGuard, repeats_system_calls_when_disarmed) {
  SKIP_UNLESS_SYSTEM_CALLS_ARE_WATCHED();
  auto* page = static_cast<char*>(map_page());
  ASSERT_NE(page, MAP_FAILED);
  page[0] = 'x';
  auto* moved = static_cast<char*>(mremap(page, 4096, 1 << 20, MREMAP_MAYMOVE));
  ASSERT_NE(moved, MAP_FAILED);
  EXPECT_EQ(moved[0], 'x');
  moved[(1 << 20) - 1] = 'y';
  EXPECT_EQ(munmap(moved, 1 << 20), 0);
  EXPECT_NE(sbrk(4096), reinterpret_cast<void*>(-1));
  errno = 0;
  EXPECT_EQ(mmap(nullptr, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
  EXPECT_EQ(errno, EINVAL);
}

TEST(AllocationGuard, reaches_threads_that_run_already) {
  SKIP_UNLESS_SYSTEM_CALLS_ARE_WATCHED();
  EXPECT_ABORT([] { call_in_other_thread([] { use(map_page()); }); }, "mmap() by thread 'other'");
}

TEST(AllocationGuard, does_not_hinder_scheduling_calls) {
  const AllocationGuard guard;
  cpu_set_t cpus;
  EXPECT_EQ(sched_getaffinity(0, sizeof cpus, &cpus), 0);
  EXPECT_EQ(sched_setaffinity(0, sizeof cpus, &cpus), 0);
  const sched_param parameters{};
  EXPECT_EQ(sched_setscheduler(0, SCHED_OTHER, &parameters), 0);
}

}  // namespace
