// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/fault_counter.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "takt/tests/support/test.h"

namespace {

using takt::test::FaultCounter;

constexpr std::size_t kPages = 16;

/// Fresh pages, each of which faults when it is first touched.
class Pages {
 public:
  Pages() : size_(kPages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    madvise(memory_, size_, MADV_NOHUGEPAGE);
  }
  ~Pages() { munmap(memory_, size_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  void touch() const {
    for (std::size_t offset = 0; offset < size_; offset += size_ / kPages) {
      static_cast<volatile char*>(memory_)[offset] = 1;
    }
  }

 private:
  std::size_t size_;
  char* memory_;
};

TEST(FaultCounter, counts_the_process) {
  const Pages pages;
  const FaultCounter faults = FaultCounter::of_process();
  pages.touch();
  EXPECT_GE(faults.since_start().minor, kPages);
  const FaultCounter later = FaultCounter::of_process();
  pages.touch();
  EXPECT_LT(later.since_start().minor, kPages);
}

TEST(FaultCounter, counts_a_thread) {
  const Pages pages;
  const FaultCounter mine = FaultCounter::of_thread(gettid());
  const FaultCounter all = FaultCounter::of_process();
  std::atomic<pid_t> id{0};
  std::atomic<int> step{0};
  std::thread thread([&] {
    id.store(gettid());
    step.store(1);
    step.notify_all();
    step.wait(1);
    pages.touch();
    step.store(3);
    step.notify_all();
    step.wait(3);
  });
  step.wait(0);
  const FaultCounter its = FaultCounter::of_thread(id.load());
  step.store(2);
  step.notify_all();
  step.wait(2);
  EXPECT_GE(its.since_start().minor, kPages);
  EXPECT_GE(all.since_start().minor, its.since_start().minor);
  EXPECT_EQ(mine.since_start().major, 0);
  step.store(4);
  step.notify_all();
  thread.join();
}

TEST(FaultCounter, counts_nothing_of_a_thread_that_does_not_exist) {
  EXPECT_EQ(FaultCounter::of_thread(1 << 30).since_start(), takt::test::PageFaults{});
}

}  // namespace
