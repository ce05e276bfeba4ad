// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_SHARED_MEMORY_H_
#define TAKT_PLATFORM_SHARED_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <span>

#include "takt/platform/result.h"
#include "takt/platform/status.h"

/// Memory that several processes map: by a name (shm_open(3)), or without one (memfd_create(2)) for
/// fork children and processes that get the descriptor. Each may see it at another address, so that
/// what lies in it must not contain pointers.
namespace takt::inline v0::platform {

/// A mapping of shared memory, readable and writable. Movable; unmapped by the destructor, which
/// removes neither the memory nor its name: others may use them. Present and locked it is after
/// prefault(memory()) and lock_memory(memory()), see memory.h.
/// Blocks: for the system calls that each function names. Callable from: any thread; one object by
/// one thread at a time.
class SharedMemory {
 public:
  /// Who may open a name that is created: its owner.
  static constexpr mode_t kOwnerOnly = 0600;

  /// Maps nothing.
  SharedMemory() noexcept = default;
  SharedMemory(SharedMemory&& other) noexcept { swap(other); }
  // cppcheck-suppress operatorEqVarError // swap() assigns all of them
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    SharedMemory taken(static_cast<SharedMemory&&>(other));
    swap(taken);
    return *this;
  }
  ~SharedMemory();

  /// Makes memory of `bytes` zeros under `name` ("/motor": a slash and up to 254 characters without
  /// one), which must not exist, and maps it. `mode` are its permissions, less the umask. The
  /// pages exist when it returns: a full file system is an error here, no SIGBUS later. What failed
  /// after the name was made is undone.
  /// Calls: shm_open, fallocate, mmap, close. Bound: O(bytes).
  /// Errors: system_error (EEXIST) the name is taken; invalid_argument the name, or no bytes;
  /// permission_denied; resource_exhausted (ENOSPC, ENOMEM, EMFILE, ENFILE).
  static Result<SharedMemory> create(const char* name, std::size_t bytes,
                                     mode_t mode = kOwnerOnly) noexcept;

  /// Maps the memory that create() made under `name`, which must have exactly `bytes`.
  /// Calls: shm_open, fstat, mmap, close.
  /// Errors: not_found no such name; unavailable it is being created, try again;
  /// failed_precondition another size: two programs that differ; permission_denied;
  /// invalid_argument; resource_exhausted.
  static Result<SharedMemory> open(const char* name, std::size_t bytes) noexcept;

  /// Removes the name; who has mapped the memory keeps it. Calls: shm_unlink.
  /// Errors: not_found, permission_denied, invalid_argument.
  static Status unlink(const char* name) noexcept;

  /// Makes memory of `bytes` zeros without a name and maps it. A fork child inherits the mapping;
  /// descriptor() may be passed to another process, which calls from_descriptor(). Its size is
  /// sealed. `label` shows up in /proc/<pid>/maps.
  /// Calls: memfd_create, fallocate, fcntl, mmap. Bound: O(bytes).
  /// Errors: invalid_argument; resource_exhausted; unsupported (ENOSYS).
  static Result<SharedMemory> create_anonymous(const char* label, std::size_t bytes) noexcept;

  /// Maps the memory behind a descriptor of create_anonymous(), which stays the caller's.
  /// Calls: fstat, mmap. Errors: failed_precondition another size; invalid_argument;
  /// system_error (EBADF); resource_exhausted.
  static Result<SharedMemory> from_descriptor(int descriptor, std::size_t bytes) noexcept;

  /// The mapping; empty without one. Valid as long as this object.
  std::span<std::byte> memory() const noexcept { return memory_; }
  /// Of create_anonymous() only, else -1. Closed by the destructor, and on exec.
  int descriptor() const noexcept { return descriptor_; }

 private:
  void swap(SharedMemory& other) noexcept;
  Status map(int descriptor, const char* name, std::size_t bytes) noexcept;

  std::span<std::byte> memory_;
  int descriptor_ = -1;
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_SHARED_MEMORY_H_
