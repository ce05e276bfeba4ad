// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_FAULT_INJECTION_H_
#define TAKT_TESTS_SUPPORT_FAULT_INJECTION_H_

#include "takt/platform/fault.h"

namespace takt::test {

/// While one lives, a chosen system call of platform/ fails with a chosen errno at its n-th call,
/// counted over all threads from now on, without reaching the kernel.
///
///   const FaultInjection fault(SystemCall::mlock, EPERM);
///   EXPECT_EQ(executor.start(workers).code(), StatusCode::permission_denied);
///   EXPECT_EQ(fault.failures(), 1);
///
/// Several may live at once; of those that would let one call fail, the youngest decides the errno.
/// Create and destroy them on one thread; calls may come from any. Nothing allocates.
class FaultInjection {
 public:
  using SystemCall = takt::platform::SystemCall;

  enum class Times : unsigned char {
    once,   ///< only the n-th call fails
    onward  ///< the n-th and all later ones
  };

  /// `nth` counts from 1.
  FaultInjection(SystemCall call, int error_number, unsigned nth = 1,
                 Times times = Times::once) noexcept;
  ~FaultInjection();
  FaultInjection(const FaultInjection&) = delete;
  FaultInjection& operator=(const FaultInjection&) = delete;

  /// How often the call was made or let fail since construction.
  [[nodiscard]] unsigned calls() const noexcept;
  /// How many of these failed through this object.
  [[nodiscard]] unsigned failures() const noexcept;

  /// What the seam asks: 0, or the errno with which this call fails.
  static int answer(SystemCall call) noexcept;

 private:
  struct Slot;
  static Slot slots_[];

  Slot& slot_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_FAULT_INJECTION_H_
