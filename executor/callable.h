// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_CALLABLE_H_
#define TAKT_EXECUTOR_CALLABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#if defined(__cpp_exceptions)
#include <cxxabi.h>
#endif

#include "takt/executor/job_context.h"
#include "takt/executor/limits.h"

// A callable lives in kCallableBytes of a slot; one function pointer, instantiated in the user's
// translation unit, knows its type. There, and only if that unit is compiled with exceptions, what
// the callable throws is caught, so that the library itself needs none.

namespace takt::inline v0::detail {

/// Room for a callable, and later for the result that replaces it.
struct CallableStorage {
  alignas(std::max_align_t) std::byte bytes[kCallableBytes];
};

enum class ThunkStep : std::uint32_t {
  run,               ///< invoke; afterwards the storage holds the result, if there is one
  destroy_callable,  ///< the job will never run
  destroy_result,    ///< nobody wants the result
};

/// Carries out one step on the callable in `storage`. Returns false when it threw.
using Thunk = bool (*)(ThunkStep step, void* storage, const JobContext* context);

template <class Callable>
constexpr bool takes_context() noexcept {
  return std::is_invocable_v<Callable&, const JobContext&>;
}

template <class Callable>
decltype(auto) invoke(Callable& callable, const JobContext& context) {
  if constexpr (takes_context<Callable>()) {
    return callable(context);
  } else {
    return callable();
  }
}

/// What the callable returns, cv and reference removed.
template <class Callable>
using ResultOf = std::remove_cvref_t<decltype(invoke(std::declval<Callable&>(),
                                                     std::declval<const JobContext&>()))>;

/// Compile-time requirements on a callable. The sizes stand in the error message as the template's
/// arguments: FitsInSlot<needed, available>.
template <std::size_t kNeeded, std::size_t kAvailable>
struct FitsInSlot {
  static_assert(kNeeded <= kAvailable,
                "takt: too large for a job slot (see FitsInSlot<needed, available>): capture "
                "references or pointers instead of values");
  static constexpr bool kChecked = true;
};
template <std::size_t kNeeded, std::size_t kAvailable>
struct ResultFitsInSlot {
  static_assert(kNeeded <= kAvailable,
                "takt: the result is too large for a job slot (see ResultFitsInSlot<needed, "
                "available>): write it to where a captured reference points");
  static constexpr bool kChecked = true;
};
template <class Callable>
constexpr void require_slot() noexcept {
  static_assert(FitsInSlot<sizeof(Callable), kCallableBytes>::kChecked);
  static_assert(alignof(Callable) <= alignof(std::max_align_t));
  static_assert(std::is_nothrow_move_constructible_v<Callable>,
                "takt: a callable is moved into its slot and must not throw there");
}
template <class Callable>
constexpr void require_callable() noexcept {
  static_assert(std::is_invocable_v<Callable&> || std::is_invocable_v<Callable&, const JobContext&>,
                "takt: a job takes nothing or const takt::JobContext&");
  require_slot<Callable>();
}

template <class Body>
bool guarded(const Body& body) {
#if defined(__cpp_exceptions)
  try {
    body();
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_cancel and pthread_exit: glibc must see it
  } catch (...) {
    return false;
  }
#else
  body();
#endif
  return true;
}

/// A posted job: runs once, its result is dropped.
template <class Callable>
bool post_thunk(ThunkStep step, void* storage, const JobContext* context) {
  auto& callable = *static_cast<Callable*>(storage);
  bool completed = true;
  if (step == ThunkStep::run) {
    completed = guarded([&] { static_cast<void>(invoke(callable, *context)); });
  }
  std::destroy_at(&callable);
  return completed;
}

/// A task: runs again and again; destroyed with the task.
template <class Callable>
bool task_thunk(ThunkStep step, void* storage, const JobContext* context) {
  auto& callable = *static_cast<Callable*>(storage);
  if (step == ThunkStep::run) {
    return guarded([&] { static_cast<void>(invoke(callable, *context)); });
  }
  std::destroy_at(&callable);
  return true;
}

/// A submitted job: runs once, its result takes the callable's place.
template <class Callable>
bool submit_thunk(ThunkStep step, void* storage, const JobContext* context) {
  using Value = ResultOf<Callable>;
  if (step == ThunkStep::destroy_result) {
    if constexpr (!std::is_void_v<Value>) std::destroy_at(static_cast<Value*>(storage));
    return true;
  }
  auto& callable = *static_cast<Callable*>(storage);
  if (step == ThunkStep::destroy_callable) {
    std::destroy_at(&callable);
    return true;
  }
  if constexpr (std::is_void_v<Value>) {
    const bool completed = guarded([&] { invoke(callable, *context); });
    std::destroy_at(&callable);
    return completed;
  } else {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): a result may be a pointer
    static_assert(ResultFitsInSlot<sizeof(Value), kCallableBytes>::kChecked);
    static_assert(alignof(Value) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<Value>,
                  "takt: a result is moved into its slot and must not throw there");
    bool destroyed = false;
    const bool completed = guarded([&] {
      Value value = invoke(callable, *context);
      destroyed = true;
      std::destroy_at(&callable);
      std::construct_at(static_cast<Value*>(storage), std::move(value));
    });
    if (!destroyed) std::destroy_at(&callable);
    return completed;
  }
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_CALLABLE_H_
