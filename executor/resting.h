// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_RESTING_H_
#define TAKT_EXECUTOR_RESTING_H_

#include <atomic>
#include <cstdint>

#include "takt/sync/env.h"

// How many workers of a lane sit out, for those who wait until all do. One word:
//   bits 0-7   workers that sit out. Raised by a worker that stops to take jobs, lowered by the
//              same worker when it may again.
//   bits 8-31  how often who may take jobs has changed, or the lane closed. Raised by tell().
// A stale read is legal: the sleep compares the newest value.
//
//     pauser:  change who may take jobs; tell(); look(): all sit out
//     worker:  may again; end(); look whether it may; take a job
//
// tell() and end() are RMWs of one word. If tell() came first, end() acquires from it, and the
// worker's look finds the change; else the pauser's look finds one less that sits out.

namespace takt::inline v0 {

/// All bits zero at first: nobody sits out.
template <class Env>
class BasicResting {
 public:
  /// The worker's, which takes no job before end(). Blocks: no. Bound: wait-free, a system call.
  void begin() noexcept {
    // release: pairs with the acquire in look(): what the worker's jobs did is over, and seen.
    word_.fetch_add(kOneWorker, std::memory_order_release);
    Env::wake(word_, kEverybody);
  }

  /// The worker's; then it looks once more whether it may take jobs. Blocks: no. Bound: wait-free.
  void end() noexcept {
    // acquire: pairs with the release in tell(), see the head of the file.
    word_.fetch_sub(kOneWorker, std::memory_order_acquire);
  }

  /// Who may take jobs has changed, or the lane has closed: those who wait look again. Blocks: no.
  /// Bound: wait-free, a system call. Callable from: any thread.
  void tell() noexcept {
    // release: pairs with the acquire in end() and look().
    word_.fetch_add(kOneChange, std::memory_order_release);
    Env::wake(word_, kEverybody);
  }

  /// What sleeping on word() compares; workers_in() has how many sit out. The caller then looks at
  /// the lane: a change that it does not see there ends its sleep. Blocks: no. Callable from: any
  /// thread.
  std::uint32_t look() const noexcept {
    // acquire: pairs with the release in begin() and tell().
    return word_.load(std::memory_order_acquire);
  }
  static constexpr std::uint32_t workers_in(std::uint32_t seen) noexcept {
    return seen & kWorkersMask;
  }

  /// For a sleep of the caller's own, which compares it with what look() gave.
  typename Env::Word& word() noexcept { return word_; }

 private:
  static constexpr std::uint32_t kOneWorker = 1;
  static constexpr std::uint32_t kWorkersMask = 0xFF;
  static constexpr std::uint32_t kOneChange = 0x100;
  static constexpr int kEverybody = 0x7FFF'FFFF;

  typename Env::Word word_;
};

using Resting = BasicResting<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_RESTING_H_
