// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/fault_injection.h"

#include <limits.h>
#include <unistd.h>

#include <atomic>

#include "takt/tests/support/crash.h"
#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

/// What a FaultInjection works with. It outlives the object: a call on another thread may still be
/// looking at it when the test destroys the object, and nobody has to wait for that.
struct FaultInjection::Slot {
  // 0: free; else larger for younger. Written last when taken: it publishes the other members.
  std::atomic<unsigned> age{0};
  std::atomic<unsigned> call{0};
  std::atomic<int> error_number{0};
  std::atomic<unsigned> first_failing{0};
  std::atomic<unsigned> last_failing{0};
  std::atomic<unsigned> calls{0};
  std::atomic<unsigned> failures{0};

  static Slot& take() noexcept;

  /// Counts the call; whether it is one that fails.
  bool meets(SystemCall made) noexcept {
    if (age.load() == 0 || call.load() != static_cast<unsigned>(made)) {
      return false;
    }
    const unsigned number = calls.fetch_add(1) + 1;
    return number >= first_failing.load() && number <= last_failing.load();
  }
};

constinit FaultInjection::Slot FaultInjection::slots_[16];

namespace {

constinit unsigned youngest_ = 0;  // of the test's thread alone

}  // namespace

FaultInjection::Slot& FaultInjection::Slot::take() noexcept {
  for (Slot& slot : slots_) {
    if (slot.age.load() == 0) {
      return slot;
    }
  }
  gate_write(STDERR_FILENO, "FaultInjection: too many at once\n");
  abort_quietly();
}

FaultInjection::FaultInjection(SystemCall call, int error_number, unsigned nth,
                               Times times) noexcept
    : slot_(Slot::take()) {
  slot_.call.store(static_cast<unsigned>(call));
  slot_.error_number.store(error_number);
  slot_.first_failing.store(nth);
  slot_.last_failing.store(times == Times::onward ? UINT_MAX : nth);
  slot_.calls.store(0);
  slot_.failures.store(0);
  slot_.age.store(++youngest_);
}

FaultInjection::~FaultInjection() { slot_.age.store(0); }

unsigned FaultInjection::calls() const noexcept { return slot_.calls.load(); }

unsigned FaultInjection::failures() const noexcept { return slot_.failures.load(); }

int FaultInjection::answer(SystemCall call) noexcept {
  Slot* decisive = nullptr;
  for (Slot& slot : slots_) {
    if (slot.meets(call) && (decisive == nullptr || slot.age.load() > decisive->age.load())) {
      decisive = &slot;
    }
  }
  if (decisive == nullptr) {
    return 0;
  }
  decisive->failures.fetch_add(1);
  return decisive->error_number.load();
}

}  // namespace takt::test

// The seam's strong definition; platform/fault.h has the weak reference.
extern "C" int takt_inject_fault(takt::platform::SystemCall call) noexcept {
  return takt::test::FaultInjection::answer(call);
}
