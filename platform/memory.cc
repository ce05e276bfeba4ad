// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/memory.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "takt/platform/fault.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using StatusText = Text<Status::kTextBytes>;

Status lock_refusal(StatusText& text, int error) noexcept {
  const std::uint64_t limit = memory_lock_limit();
  if (limit == UINT64_MAX) {
    text << (error == ENOMEM ? ": out of memory, or not accessible" : ": refused");
  } else {
    text << ": raise RLIMIT_MEMLOCK (" << limit << ") or grant CAP_IPC_LOCK";
  }
  return Status::from_errno(error, text.view());
}

Status fork_advice(std::span<std::byte> memory, int advice) noexcept {
  if (memory.empty()) return {};
  if (!detail::is_whole_pages(memory)) {
    return {StatusCode::invalid_argument, "what fork leaves out must be whole pages"};
  }
  if (const int error = detail::advise(memory, advice)) {
    return Status::from_errno(error, "madvise for fork refused: is the memory mapped?");
  }
  return {};
}

}  // namespace

namespace detail {

bool is_whole_pages(std::span<const std::byte> memory) noexcept {
  const std::size_t page = page_bytes();
  return reinterpret_cast<std::uintptr_t>(memory.data()) % page == 0 && memory.size() % page == 0;
}

int advise(std::span<std::byte> memory, int advice) noexcept {
  if (const int error = injected_fault(SystemCall::madvise)) return error;
  return ::madvise(memory.data(), memory.size(), advice) == 0 ? 0 : errno;
}

}  // namespace detail

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

Status lock_memory(std::span<const std::byte> memory) noexcept {
  if (memory.empty()) return {};
  int error = injected_fault(SystemCall::mlock);
  if (error == 0 && ::mlock(memory.data(), memory.size()) != 0) error = errno;
  if (error == 0) return {};
  StatusText text;
  text << "cannot lock " << memory.size() << " bytes";
  return lock_refusal(text, error);
}

std::uint64_t memory_lock_limit() noexcept {
  rlimit limit{};
  if (injected_fault(SystemCall::getrlimit) != 0 || ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return UINT64_MAX;
  }
  return limit.rlim_cur;
}

Status unlock_memory(std::span<const std::byte> memory) noexcept {
  if (memory.empty()) return {};
  int error = injected_fault(SystemCall::munlock);
  if (error == 0 && ::munlock(memory.data(), memory.size()) != 0) error = errno;
  if (error == 0) return {};
  StatusText text;
  text << "cannot unlock " << memory.size() << " bytes";
  return Status::from_errno(error, text.view());
}

Status lock_all_memory() noexcept {
  int error = injected_fault(SystemCall::mlockall);
  if (error == 0 && ::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) error = errno;
  if (error == 0) return {};
  StatusText text;
  text << "cannot lock all memory";
  return lock_refusal(text, error);
}

void prefault(std::span<std::byte> memory) noexcept {
  const std::size_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  const std::uintptr_t end = begin + memory.size();
  // One aligned word in each page that holds a whole word of the span.
  for (std::uintptr_t address = (begin + 3) / 4 * 4; address + 4 <= end;
       address = (address / page + 1) * page) {
    auto* word = reinterpret_cast<std::uint32_t*>(address);
    // A compare-and-swap with itself: where it fails, somebody else has just written the page.
    // relaxed: it orders nothing, it only touches.
    std::uint32_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
    __atomic_compare_exchange_n(word, &value, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }
}

Status exclude_from_fork(std::span<std::byte> memory) noexcept {
  return fork_advice(memory, MADV_DONTFORK);
}

Status include_in_fork(std::span<std::byte> memory) noexcept {
  return fork_advice(memory, MADV_DOFORK);
}

bool is_mapped(const void* address) noexcept {
  const std::size_t page = page_bytes();
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(address) / page * page;
  unsigned char present = 0;
  int error = injected_fault(SystemCall::mincore);
  if (error == 0) error = detail::raw_call(SYS_mincore, begin, page, &present).error;
  return error != ENOMEM;
}

}  // namespace takt::inline v0::platform
