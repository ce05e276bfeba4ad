// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>
#include <string_view>
#include <thread>

#include "takt/platform/proc_reader.h"
#include "takt/platform/thread_id.h"
#include "takt/platform/thread_usage.h"
#include "takt/tests/platform/emulation.h"
#include "takt/tests/platform/give_up_rights.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace {

using takt::StatusCode;
using namespace takt::platform;  // NOLINT(*-using-namespace): nearly all of the header

constexpr std::size_t kPages = 4;
alignas(kLargestPage) std::byte storage[kPages * kLargestPage];

std::uint64_t locked_kib() {
  const auto status = read_thread_status(thread_id());
  EXPECT_OK(status);
  return status.ok() ? status->locked_kib : 0;
}

/// Anonymous pages that nobody has touched yet.
class FreshPages {
 public:
  explicit FreshPages(std::size_t pages)
      : memory_(
            static_cast<std::byte*>(::mmap(nullptr, pages * page_bytes(), PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
            pages * page_bytes()) {
    EXPECT_NE(static_cast<void*>(memory_.data()), MAP_FAILED);
  }
  ~FreshPages() { ::munmap(memory_.data(), memory_.size()); }
  std::span<std::byte> memory() const { return memory_; }

 private:
  std::span<std::byte> memory_;
};

TEST(Memory, locks_and_unlocks) {
  if (takt::test::kSanitizerRuntime) SKIP("sanitizers make mlock do nothing");
  const std::uint64_t before = locked_kib();
  if (const takt::Status status = lock_memory(storage); !status.ok()) {
    SKIP("%s", status.text());
  }
  if (locked_kib() == before) SKIP("this emulator does not pass memory locks on");
  EXPECT_EQ(locked_kib(), before + sizeof storage / 1024);
  EXPECT_OK(lock_memory(storage));  // locks do not add up
  EXPECT_OK(unlock_memory(storage));
  EXPECT_EQ(locked_kib(), before);
}

TEST(Memory, nothing_is_easily_locked) {
  EXPECT_OK(lock_memory({}));
  EXPECT_OK(unlock_memory({}));
  EXPECT_OK(exclude_from_fork({}));
}

TEST(Memory, says_which_limit_a_lock_exceeds) {
  if (takt::test::kSanitizerRuntime) SKIP("sanitizers make mlock do nothing");
  takt::test::run_in_child([] {
    const rlimit limit{4096, 4096};
    ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ASSERT_TRUE(takt::test::give_up_rights());
    const takt::Status status = lock_memory(storage);
    EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
    EXPECT_EQ(status.error_number(), ENOMEM);
    EXPECT_NE(
        std::string_view(status.text()).find("raise RLIMIT_MEMLOCK (4096) or grant CAP_IPC_LOCK"),
        std::string_view::npos, "%s", status.text());
  });
}

TEST(Memory, does_not_lock_what_is_not_there) {
  const FreshPages pages(1);
  ASSERT_EQ(::munmap(pages.memory().data(), pages.memory().size()), 0);
  EXPECT_FALSE(is_mapped(pages.memory().data()));
  if (takt::test::is_emulated()) SKIP("qemu-user turns madvise and mlock into nothing");
  EXPECT_EQ(exclude_from_fork(pages.memory()).error_number(), ENOMEM);
  if (takt::test::kSanitizerRuntime) SKIP("sanitizers make mlock do nothing");
  EXPECT_EQ(lock_memory(pages.memory()).error_number(), ENOMEM);
  EXPECT_EQ(unlock_memory(pages.memory()).error_number(), ENOMEM);
}

TEST(Memory, prefault_makes_every_page_present) {
  if (takt::test::kSanitizerRuntime) SKIP("a sanitizer's own memory faults as well");
  if (takt::test::is_emulated()) SKIP("qemu-user takes page faults of its own");
  const FreshPages pages(64);
  prefault(pages.memory());
  const auto before = thread_usage();
  for (std::size_t i = 0; i < pages.memory().size(); i += page_bytes()) {
    *static_cast<volatile std::byte*>(&pages.memory()[i]) = std::byte{1};
  }
  const auto after = thread_usage();
  ASSERT_OK(before);
  ASSERT_OK(after);
  // Without it, 64; the kernel may have a fault or two of its own for us.
  EXPECT_LT(after->minor_faults, before->minor_faults + 8);
}

TEST(Memory, prefault_changes_nothing) {
  for (std::size_t i = 0; i < sizeof storage; ++i) storage[i] = static_cast<std::byte>(i * 7);
  prefault(storage);
  prefault(std::span(storage).subspan(1, 2));  // no whole word
  prefault(std::span(storage).subspan(3, kLargestPage));
  prefault({});
  for (std::size_t i = 0; i < sizeof storage; ++i) {
    ASSERT_EQ(static_cast<int>(storage[i]), static_cast<int>(static_cast<std::byte>(i * 7)));
  }
}

TEST(Memory, prefault_loses_no_write_of_another_thread) {
  constexpr std::uint32_t kIncrements = 20'000;
  auto* const counter = ::new (storage) std::atomic<std::uint32_t>(0);
  std::thread writer([counter] {
    for (std::uint32_t i = 0; i < kIncrements; ++i) counter->fetch_add(1);
  });
  while (counter->load() < kIncrements) prefault(storage);
  writer.join();
  EXPECT_EQ(counter->load(), kIncrements);
}

TEST(Memory, fork_advice_takes_whole_pages) {
  const std::span<std::byte> memory = storage;
  EXPECT_EQ(exclude_from_fork(memory.subspan(1)).code(), StatusCode::invalid_argument);
  EXPECT_EQ(exclude_from_fork(memory.first(memory.size() - 1)).code(),
            StatusCode::invalid_argument);
  EXPECT_EQ(include_in_fork(memory.subspan(1)).code(), StatusCode::invalid_argument);
}

TEST(Memory, knows_what_is_mapped) {
  EXPECT_TRUE(is_mapped(storage));
  EXPECT_TRUE(is_mapped(&storage[sizeof storage - 1]));
  EXPECT_FALSE(is_mapped(nullptr));
}

}  // namespace
