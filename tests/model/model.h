// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_MODEL_H_
#define TAKT_TESTS_MODEL_MODEL_H_

#include <string_view>
#include <type_traits>

#include "takt/tests/model/atomic.h"
#include "takt/tests/model/engine.h"
#include "takt/tests/model/env.h"
#include "takt/tests/model/options.h"
#include "takt/tests/model/report.h"
#include "takt/tests/model/variable.h"

/// What a model is written with; README.md has a walk through one.
namespace takt::model {

/// Explores every execution of `body` that `options` allow. `body` runs once an execution, from
/// the start; it must decide by nothing but the values that it reads, and own no heap memory,
/// since an execution may be given up in the middle without unwinding.
template <class Body>
Report explore(const Options& options, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  return Engine::get().explore(
      options, [](void* it) { (*static_cast<Plain*>(it))(); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// Runs the one execution that a Report's `replay` describes and returns it with its trace.
template <class Body>
Report replay(const Options& options, Body&& body, std::string_view schedule) {
  using Plain = std::remove_reference_t<Body>;
  return Engine::get().replay(
      options, [](void* it) { (*static_cast<Plain*>(it))(); },
      const_cast<void*>(static_cast<const void*>(&body)), schedule);
}

/// Within a body: runs the callables as threads T1, T2, … and returns when each has ended or is
/// frozen for ever. Everything before happens before them, they happen before everything after.
template <class... Bodies>
void concurrently(Bodies&&... bodies) {
  static_assert(sizeof...(Bodies) < kMaxThreads);
  (Engine::get().start_thread(
       [](void* it) { (*static_cast<std::remove_reference_t<Bodies>*>(it))(); },
       const_cast<void*>(static_cast<const void*>(&bodies))),
   ...);
  Engine::get().run_threads();
}

/// What the model claims; the execution, and with it the model, fails when it does not hold.
inline void require(bool claim, const char* what) {
  if (!claim) Engine::get().scheduler().fail("%s", what);
}

/// Calls an atomic object by its name in traces.
template <class T>
void name(const Atomic<T>& atomic, const char* text) {
  Engine::get().name(atomic.id(), text);
}

/// One step that sets the clock forward: for models in which time passes while threads work. A
/// wait's time-out sets it to the deadline by itself.
inline void advance_clock(TimePoint time, const char* file = __builtin_FILE(),
                          int line = __builtin_LINE()) {
  Engine::get().advance_clock(time, {file, line});
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_MODEL_H_
