// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_PROMISES_H_
#define TAKT_EXECUTOR_PROMISES_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// Jobs that will come to a lane when another job ends (continuations). Their slots are taken, but
// no ring holds them yet. The lane's workers do not leave before they came. One word counts them:
//
//     promiser:  count_ + 1; is the lane closed? then it is too late: keep()
//     keeper:    publish the job; count_ - 1; is the lane closed? then wake who waits
//     worker:    the lane is closed; read count_; look for jobs; sleep while count_ is what was
//                read, or leave where it was 0
//
// Promiser and keeper write the count first and look at the lane's closing second, the worker the
// other way round, all seq_cst: a worker that leaves has missed no promise, one that sleeps is
// told.

namespace takt::inline v0 {

/// How many jobs a lane was promised. All bits zero at first.
template <class Env>
class BasicPromises {
 public:
  /// One job more will come. The caller then looks whether the lane is closed. Blocks: no. Bound:
  /// wait-free. Callable from: any thread.
  void make() noexcept {
    // seq_cst: before the lane's closing is read, see the head of the file.
    count_.fetch_add(1, std::memory_order_seq_cst);
  }

  /// It was published, or will not come. Blocks: no. Bound: wait-free; a system call only while the
  /// lane is closed. Callable from: whoever made the promise, or publishes the job.
  template <class Lane>
  void keep(const Lane& lane) noexcept {
    // seq_cst: after the publication, before the lane's closing is read.
    count_.fetch_sub(1, std::memory_order_seq_cst);
    if (lane.closed()) Env::wake(count_, kEverybody);
  }

  /// How many are to come; read before the last look for jobs. Callable from: a worker of the lane
  /// that has seen it closed.
  std::uint32_t open() const noexcept {
    // seq_cst: see the head of the file. Its acquire pairs with keep(): who reads that a job came
    // will find it.
    return count_.load(std::memory_order_seq_cst);
  }

  /// Sleeps while `seen` are to come; may return early. Blocks: until then. Callable from: as
  /// open().
  void wait(std::uint32_t seen) const noexcept { Env::wait(count_, seen, kNever); }

 private:
  static constexpr int kEverybody = 0x7FFF'FFFF;

  typename Env::Word count_;
};

using Promises = BasicPromises<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_PROMISES_H_
