// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_INBOX_H_
#define TAKT_EXECUTOR_INBOX_H_

#include <atomic>
#include <cstdint>

#include "takt/sync/env.h"

// Jobs for one worker: a chain of items, newest first, which posters lengthen and the worker takes
// as a whole (Treiber 1986, without his pop and so without its ABA problem). One word:
//
//   bits 0-30  0: empty, else the newest item + 1
//   bit 31     kOpen: its worker will look at it again. Set by open(), cleared by shut().
//
//             open()              push()                 take_all()
//   [shut] -----------> [empty] ---------> [n items] ------------------.
//     ^                   |  ^                                         |
//     '----- shut() ------'  '-----------------------------------------'
//
// A push publishes by one compare-and-swap; what becomes of a job that is posted while its worker
// leaves is decided by the order of push() and shut() on this word: it is run, or refused.

namespace takt::inline v0 {

/// The jobs that wait for one worker. All bits zero at first: shut.
template <class Env>
class BasicInbox {
 public:
  /// Takes items from now on. Called while it is shut.
  void open() noexcept {
    // relaxed: the lane opens after this, with release.
    word_.store(kOpen, std::memory_order_relaxed);
  }

  /// Makes `item` the newest. Before it can be seen, and perhaps several times, `link(n)` is called
  /// with the chain that lies behind it: 0, or an item + 1. False: it is shut. Blocks: no. Bound:
  /// lock-free. Callable from: any thread.
  template <class Link>
  bool push(std::uint32_t item, const Link& link) noexcept {
    // relaxed: the CAS decides.
    std::uint32_t seen = word_.load(std::memory_order_relaxed);
    do {
      if ((seen & kOpen) == 0) return false;
      link(seen & ~kOpen);
      // seq_cst: the publication, before the word of the worker's parker is read (lane.h).
    } while (!word_.compare_exchange_weak(seen, kOpen | (item + 1), std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return true;
  }

  /// Whether there is nothing to take. Callable from: its worker, also as its last look before it
  /// sleeps.
  bool empty() const noexcept {
    // seq_cst: after the worker has said that it sleeps (lane.h).
    return (word_.load(std::memory_order_seq_cst) & ~kOpen) == 0;
  }

  /// The whole chain, newest first: 0, or an item + 1. Blocks: no. Bound: wait-free. Callable from:
  /// its worker, while it is open.
  std::uint32_t take_all() noexcept {
    // relaxed: the worker looks again before it sleeps.
    if ((word_.load(std::memory_order_relaxed) & ~kOpen) == 0) [[likely]]
      return 0;
    // acquire: pairs with push(), hands over what the items stand for.
    return word_.exchange(kOpen, std::memory_order_acquire) & ~kOpen;
  }

  /// Refuses items from now on. False: there is something to take first. Blocks: no. Bound:
  /// wait-free. Callable from: its worker.
  bool shut() noexcept {
    std::uint32_t seen = kOpen;
    // relaxed: only the word itself counts.
    return word_.compare_exchange_strong(seen, 0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kOpen = 0x8000'0000U;

  typename Env::Word word_;
};

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_INBOX_H_
