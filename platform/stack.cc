// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/stack.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "takt/platform/fault.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

/// Unlike any plausible content: no small number, no address, no text.
using PaintWord = std::uint64_t;
constexpr PaintWord kPaint = 0xb51e'7a4b'c06d'93f2;

Status memory_error(int error, const char* what) noexcept {
  Text<Status::kTextBytes> text;
  text << "stack: " << what << " refused" << (error == ENOMEM ? ": raise vm.max_map_count" : "");
  return Status::from_errno(error, text.view());
}

Status check_shape(std::span<const std::byte> memory) noexcept {
  if (!detail::is_whole_pages(memory) || memory.size() < 2 * page_bytes()) {
    return {StatusCode::invalid_argument,
            "a stack is made of two whole pages at least: guard and stack"};
  }
  return {};
}

int protect(std::span<std::byte> memory, int protection) noexcept {
  if (const int error = injected_fault(SystemCall::mprotect)) return error;
  return ::mprotect(memory.data(), memory.size(), protection) == 0 ? 0 : errno;
}

// A sanitizer has marked the frames that live or lived here, and the thread may be running: neither
// makes these accesses an error. volatile: no memset, which the sanitizer would check all the same.
#define TAKT_UNSANITIZED [[gnu::no_sanitize_address, gnu::no_sanitize_thread, gnu::noinline]]

TAKT_UNSANITIZED void paint(std::span<std::byte> memory) noexcept {
  auto* const words = static_cast<volatile PaintWord*>(static_cast<void*>(memory.data()));
  for (std::size_t i = 0; i < memory.size() / sizeof(PaintWord); ++i) words[i] = kPaint;
}

TAKT_UNSANITIZED std::size_t count_painted(std::span<const std::byte> memory) noexcept {
  const void* const begin = memory.data();
  const auto* const words = static_cast<const volatile PaintWord*>(begin);
  const std::size_t count = memory.size() / sizeof(PaintWord);
  std::size_t painted = 0;
  while (painted < count && words[painted] == kPaint) ++painted;
  return painted * sizeof(PaintWord);
}

/// Adds up the thread_local variables of one loaded object.
int add_thread_local_bytes(dl_phdr_info* object, std::size_t, void* sum) noexcept {
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& header = object->dlpi_phdr[i];
    if (header.p_type != PT_TLS) continue;
    *static_cast<std::size_t*>(sum) += header.p_memsz + header.p_align;
  }
  return 0;
}

}  // namespace

Status prepare_stack(std::span<std::byte> memory) noexcept {
  if (Status shape = check_shape(memory); !shape.ok()) return shape;
  // Readable: an overflow writes (it pushes), and tools that read all of .bss, as LeakSanitizer
  // does at exit, must not die in it.
  if (const int error = protect(memory.first(page_bytes()), PROT_READ)) {
    return memory_error(error, "its guard page");
  }
  // EINVAL: a kernel without transparent huge pages, which then cannot disturb either.
  const int error = detail::advise(memory, MADV_NOHUGEPAGE);
  if (error != 0 && error != EINVAL) return memory_error(error, "MADV_NOHUGEPAGE");
  paint(usable_stack(memory));
  return {};
}

Status release_stack(std::span<std::byte> memory) noexcept {
  if (Status shape = check_shape(memory); !shape.ok()) return shape;
  if (const int error = protect(memory.first(page_bytes()), PROT_READ | PROT_WRITE)) {
    return memory_error(error, "access to its guard page");
  }
  if (const int error = detail::advise(memory, MADV_DOFORK)) {
    return memory_error(error, "MADV_DOFORK");
  }
  return {};
}

std::span<std::byte> usable_stack(std::span<std::byte> memory) noexcept {
  return memory.subspan(std::min(page_bytes(), memory.size()));
}

std::size_t stack_high_water(std::span<const std::byte> memory) noexcept {
  const std::span<const std::byte> usable = memory.subspan(std::min(page_bytes(), memory.size()));
  return usable.size() - count_painted(usable);
}

namespace detail {

int exclude_stack_from_fork(std::span<std::byte> memory, const void* descriptor) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  const auto address = reinterpret_cast<std::uintptr_t>(descriptor);
  // A C library that keeps its descriptors elsewhere leaves the whole stack to us.
  const bool inside = address >= begin && address - begin < memory.size();
  const std::size_t length = inside ? address - begin : memory.size();
  return advise(memory.first(length / page_bytes() * page_bytes()), MADV_DONTFORK);
}

}  // namespace detail

std::size_t minimum_stack_bytes() noexcept {
  // glibc's thread descriptor, and what it holds in reserve for libraries loaded later.
  constexpr std::size_t kDescriptorAndReserve = 8 * 1024;
  constexpr long kPosixMinimum = 16 * 1024;
  const long system_minimum =
      injected_fault(SystemCall::sysconf) != 0 ? -1 : ::sysconf(_SC_THREAD_STACK_MIN);
  std::size_t thread_local_bytes = 0;
  ::dl_iterate_phdr(add_thread_local_bytes, &thread_local_bytes);
  return static_cast<std::size_t>(std::max(system_minimum, kPosixMinimum)) + thread_local_bytes +
         kDescriptorAndReserve;
}

}  // namespace takt::inline v0::platform
