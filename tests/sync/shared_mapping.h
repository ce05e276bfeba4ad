// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SYNC_SHARED_MAPPING_H_
#define TAKT_TESTS_SYNC_SHARED_MAPPING_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "takt/platform/check.h"

namespace takt::test {

/// Zeroed memory that fork children share.
class SharedMapping {
 public:
  explicit SharedMapping(std::size_t bytes)
      : bytes_(bytes), descriptor_(::memfd_create("takt-test", MFD_CLOEXEC)) {
    TAKT_CHECK(::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0, "test: no shared memory");
    map();
  }
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping() {
    ::munmap(data_, bytes_);
    ::close(descriptor_);
  }

  [[nodiscard]] void* data() const noexcept { return data_; }
  /// The same memory at another address.
  [[nodiscard]] SharedMapping mapped_again() const {
    return SharedMapping(bytes_, ::dup(descriptor_));
  }

 private:
  SharedMapping(std::size_t bytes, int descriptor) : bytes_(bytes), descriptor_(descriptor) {
    map();
  }
  void map() {
    data_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    TAKT_CHECK(data_ != MAP_FAILED, "test: no shared memory");
  }

  std::size_t bytes_;
  int descriptor_;
  void* data_ = nullptr;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SYNC_SHARED_MAPPING_H_
