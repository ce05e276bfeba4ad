// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_FAULT_COUNTER_H_
#define TAKT_TESTS_SUPPORT_FAULT_COUNTER_H_

#include <sys/types.h>

#include <cstdint>

namespace takt::test {

/// Page faults: minor ones are served from memory, major ones from storage. A real-time path that
/// has its memory locked and touched takes neither.
struct PageFaults {
  std::int64_t minor = 0;
  std::int64_t major = 0;

  bool operator==(const PageFaults&) const = default;
  friend PageFaults operator-(const PageFaults& left, const PageFaults& right) noexcept {
    return {left.minor - right.minor, left.major - right.major};
  }
};

/// Counts page faults from its construction on. Allocates nothing.
///
///   const FaultCounter faults = FaultCounter::of_process();
///   ...
///   EXPECT_EQ(faults.since_start().minor, 0);
class FaultCounter {
 public:
  /// All threads of the process, those that have ended included.
  static FaultCounter of_process() noexcept { return FaultCounter(kProcess); }
  /// One thread of this process, by its kernel id. One that has ended counts nothing.
  static FaultCounter of_thread(pid_t thread) noexcept { return FaultCounter(thread); }

  /// Blocks: for a read of /proc or getrusage. Callable from: any thread.
  [[nodiscard]] PageFaults since_start() const noexcept;

 private:
  static constexpr pid_t kProcess = 0;

  explicit FaultCounter(pid_t thread) noexcept;

  pid_t thread_;
  PageFaults start_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_FAULT_COUNTER_H_
