// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_STATIC_EXECUTOR_H_
#define TAKT_EXECUTOR_STATIC_EXECUTOR_H_

#include <cstddef>

#include "takt/executor/executor.h"
#include "takt/executor/limits.h"
#include "takt/executor/storage.h"

namespace takt::inline v0 {

/// An executor with all of its memory: give it static storage.
template <ExecutorLimits kLimits>
class StaticExecutor : private detail::ExecutorStorage<kLimits>, public Executor {
 public:
  StaticExecutor() noexcept : Executor(this->view()) {}

  /// The memory of an executor with these limits besides its stacks, before the padding that puts
  /// it on pages of its own. Bytes.
  static constexpr std::size_t kStateBytes =
      detail::ExecutorStorage<kLimits>::kPartsBytes + sizeof(Executor);
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_STATIC_EXECUTOR_H_
