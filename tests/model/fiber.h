// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_FIBER_H_
#define TAKT_TESTS_MODEL_FIBER_H_

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace takt::model {

/// A cooperative thread of control on a stack of its own, with a guard page below. A default
/// constructed one without a stack stands for the caller's own thread.
/// On x86-64 a switch is a dozen instructions; elsewhere it is swapcontext, which works and is
/// slow.
class Fiber {
 public:
  using Entry = void (*)(void* argument);

  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Makes the next switch to this fiber call `entry(argument)`, which must never return. What ran
  /// on the stack before is forgotten without unwinding.
  void prepare(Entry entry, void* argument);
  /// Leaves `from`, which is running, for `to`; returns when somebody switches back to `from`.
  static void transfer(Fiber& from, Fiber& to);

 private:
  char* map_ = nullptr;
  std::size_t map_bytes_ = 0;
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_FIBER_H_
