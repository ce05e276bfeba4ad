// SPDX-License-Identifier: Apache-2.0
// What the compiler has to say about callables: nothing; and with MISTAKES, for each of them the
// error that stands behind it (callable_test.sh). No two have the same size.
#include "takt/executor/executor.h"

namespace {

takt::StaticExecutor<takt::ExecutorLimits{.workers = 1, .lanes = 1, .tasks = 2, .descriptors = 1}>
    executor;

/// A job of so many bytes, with a result of so many.
template <std::size_t kBytes, std::size_t kResultBytes = 1>
struct Job {
  struct Result {
    char bytes[kResultBytes];
  };
  Result operator()() const { return {}; }
  char bytes[kBytes];
};

/// A move of it may throw.
struct Throwing {
  Throwing() = default;
  Throwing(Throwing&&) noexcept(false) {}
  void operator()() const {}
};

template <class Callable>
bool post(const Callable& callable) {
  return executor.post(callable).ok();
}
template <class Callable>
bool submit(const Callable& callable) {
  return executor.submit(callable).ok();
}
template <class Callable>
bool add_task(const Callable& callable) {
  return executor.add_task({.name = "task"}, callable).ok();
}
template <class Callable>
bool watch(const Callable& callable) {
  return executor.watch(takt::LaneId{0}, 0, takt::Readiness::readable, callable).ok();
}

/// What just fits, everywhere.
bool use() {
  constexpr Job<takt::kCallableBytes, takt::kCallableBytes> kLargest{};
  return post(kLargest) && submit(kLargest) && add_task(kLargest) && watch(kLargest);
}

#ifdef MISTAKES
bool make_mistakes() {
  bool done = post(Job<56>{});                    // MISTAKE: FitsInSlot<56, 48>
  done = submit(Job<49>{}) && done;               // MISTAKE: FitsInSlot<49, 48>
  done = submit(Job<1, 50>{}) && done;            // MISTAKE: ResultFitsInSlot<50, 48>
  done = add_task(Job<51>{}) && done;             // MISTAKE: FitsInSlot<51, 48>
  done = watch(Job<4096>{}) && done;              // MISTAKE: FitsInSlot<4096, 48>
  done = executor.post(Throwing()).ok() && done;  // MISTAKE: moved into its slot and must not throw
  return post([](int) {}) && done;  // MISTAKE: a job takes nothing or const takt::JobCo
}
#endif

}  // namespace

int main() {
#ifdef MISTAKES
  static_cast<void>(make_mistakes());
#endif
  return use() ? 0 : 1;
}
