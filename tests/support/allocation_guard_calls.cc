// SPDX-License-Identifier: Apache-2.0
// The allocation functions of the program, with a look at the guard before each.
//
// A dynamically linked program's own malloc is preferred to glibc's by the dynamic linker, also for
// the calls that glibc makes itself. In a static program it would be a second definition beside
// libc.a's malloc.o. So `malloc` is weak here, where it loses against malloc.o, and the linker's
// --wrap sends every reference of every object, those of libc.a included, to __wrap_malloc. Both
// are one function and end in glibc's __libc_malloc. Under a sanitizer, whose malloc has no such
// name, they end in __real_malloc, the linker's name for what would have been called without us.

#include <errno.h>
#include <stddef.h>

#include <new>

#include "takt/tests/support/allocation_guard.h"
#include "takt/tests/support/sanitizer.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TAKT_SANITIZER_RUNTIME 1
#define TAKT_UNDERLYING(name) asm("__real_" name)
#else
#define TAKT_SANITIZER_RUNTIME 0
#define TAKT_UNDERLYING(name) asm("__libc_" name)
#endif

// NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-*): the linker's and glibc's names.
extern "C" {
void* underlying_malloc(size_t size) TAKT_UNDERLYING("malloc");
void* underlying_calloc(size_t count, size_t size) TAKT_UNDERLYING("calloc");
void* underlying_realloc(void* block, size_t size) TAKT_UNDERLYING("realloc");
void* underlying_memalign(size_t alignment, size_t size) TAKT_UNDERLYING("memalign");
void* underlying_valloc(size_t size) TAKT_UNDERLYING("valloc");
void* underlying_pvalloc(size_t size) TAKT_UNDERLYING("pvalloc");
void underlying_free(void* block) TAKT_UNDERLYING("free");
}

using takt::test::AllocationGuard;

extern "C" {

void* __wrap_malloc(size_t size) noexcept {
  AllocationGuard::check("malloc", size);
  return underlying_malloc(size);
}

void* __wrap_calloc(size_t count, size_t size) noexcept {
  AllocationGuard::check("calloc", count * size);
  return underlying_calloc(count, size);
}

void* __wrap_realloc(void* block, size_t size) noexcept {
  AllocationGuard::check("realloc", size);
  return underlying_realloc(block, size);
}

void* __wrap_reallocarray(void* block, size_t count, size_t size) noexcept {
  AllocationGuard::check("reallocarray", count * size);
  size_t total = 0;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  return underlying_realloc(block, total);
}

void* __wrap_memalign(size_t alignment, size_t size) noexcept {
  AllocationGuard::check("memalign", size);
  return underlying_memalign(alignment, size);
}

void* __wrap_aligned_alloc(size_t alignment, size_t size) noexcept {
  AllocationGuard::check("aligned_alloc", size);
  return underlying_memalign(alignment, size);
}

int __wrap_posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  AllocationGuard::check("posix_memalign", size);
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  const int saved_errno = errno;
  void* const allocated = underlying_memalign(alignment, size);
  errno = saved_errno;
  if (allocated == nullptr) {
    return ENOMEM;
  }
  *block = allocated;
  return 0;
}

void* __wrap_valloc(size_t size) noexcept {
  AllocationGuard::check("valloc", size);
  return underlying_valloc(size);
}

void* __wrap_pvalloc(size_t size) noexcept {
  AllocationGuard::check("pvalloc", size);
  return underlying_pvalloc(size);
}

void __wrap_free(void* block) noexcept {
  if (block != nullptr) {
    AllocationGuard::check("free");
  }
  underlying_free(block);
}

}  // extern "C"

#if !TAKT_SANITIZER_RUNTIME

#define TAKT_ALIAS(function) [[gnu::weak, gnu::alias("__wrap_" #function)]]

extern "C" {
TAKT_ALIAS(malloc) void* malloc(size_t size) noexcept;
TAKT_ALIAS(calloc) void* calloc(size_t count, size_t size) noexcept;
TAKT_ALIAS(realloc) void* realloc(void* block, size_t size) noexcept;
TAKT_ALIAS(reallocarray) void* reallocarray(void* block, size_t count, size_t size) noexcept;
TAKT_ALIAS(memalign) void* memalign(size_t alignment, size_t size) noexcept;
TAKT_ALIAS(aligned_alloc) void* aligned_alloc(size_t alignment, size_t size) noexcept;
TAKT_ALIAS(posix_memalign)
int posix_memalign(void** block, size_t alignment, size_t size) noexcept;
TAKT_ALIAS(valloc) void* valloc(size_t size) noexcept;
TAKT_ALIAS(pvalloc) void* pvalloc(size_t size) noexcept;
TAKT_ALIAS(free) void free(void* block) noexcept;
}

namespace {

template <class Allocate>
void* allocate_or_throw(const Allocate& allocate) {
  for (;;) {
    if (void* const block = allocate(); block != nullptr) {
      return block;
    }
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) {
      throw std::bad_alloc();
    }
    handler();
  }
}

void release(const char* call, void* block) noexcept {
  if (block != nullptr) {
    AllocationGuard::check(call);
  }
  underlying_free(block);
}

}  // namespace

// The array and nothrow forms of libstdc++ end in these.

void* operator new(size_t size) {
  AllocationGuard::check("operator new", size);
  return allocate_or_throw([size] { return underlying_malloc(size == 0 ? 1 : size); });
}

void* operator new(size_t size, std::align_val_t alignment) {
  AllocationGuard::check("operator new", size);
  return allocate_or_throw(
      [=] { return underlying_memalign(static_cast<size_t>(alignment), size == 0 ? 1 : size); });
}

void operator delete(void* block) noexcept { release("operator delete", block); }
void operator delete(void* block, size_t /*size*/) noexcept { release("operator delete", block); }
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  release("operator delete", block);
}
void operator delete(void* block, size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  release("operator delete", block);
}

#endif  // !TAKT_SANITIZER_RUNTIME
// NOLINTEND(bugprone-reserved-identifier,cert-*,readability-*)
