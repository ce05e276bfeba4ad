// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_PROMISES_H_
#define TAKT_EXECUTOR_PROMISES_H_

#include <atomic>
#include <cstdint>

#include "takt/platform/time.h"
#include "takt/sync/env.h"

// Jobs that will come to a lane when another job ends (continuations). Their slots are taken, but
// no ring holds them yet. The lane's workers do not leave before they came. One word:
//
//   bits 0-15   jobs that are still to come: at most one a slot. Raised by make(), lowered by
//               keep().
//   bits 16-31  how often a worker that waits here had a reason to look again: raised by keep(),
//               and by tell() while the lane is closed. A stale read is legal: the sleep compares
//               the newest value.
//
//     promiser:  a job more; is the lane closed? then it is too late: keep()
//     keeper:    publish the job; a job less, a change more; wake who waits if the lane is closed
//     poster:    publish for one worker; is the lane closed? then a change more, wake who waits
//     worker:    the lane is closed; read the word; look for jobs; sleep while the word is what was
//                read, or leave where no job was to come
//
// Promiser, keeper and poster write first and look at the lane's closing second, the worker the
// other way round, all seq_cst: a worker that leaves has missed no promise, one that sleeps is
// told. The changes are for those who were told and looked before: a promise more for one less is
// another word.

namespace takt::inline v0 {

/// How many jobs a lane was promised, and where its workers wait for them. All bits zero at first.
template <class Env>
class BasicPromises {
 public:
  /// One job more will come. The caller then looks whether the lane is closed. Blocks: no. Bound:
  /// wait-free. Callable from: any thread.
  void make() noexcept {
    // seq_cst: before the lane's closing is read, see the head of the file.
    word_.fetch_add(kOneJob, std::memory_order_seq_cst);
  }

  /// It was published, or will not come. Blocks: no. Bound: wait-free; a system call only while the
  /// lane is closed. Callable from: whoever made the promise, or publishes the job.
  template <class Lane>
  void keep(const Lane& lane) noexcept {
    // seq_cst: after the publication, before the lane's closing is read.
    word_.fetch_add(kOneChange - kOneJob, std::memory_order_seq_cst);
    if (lane.closed()) Env::wake(word_, kEverybody);
  }

  /// A job was published for one worker, which may wait here. Blocks: no. Bound: wait-free; a
  /// system call only while the lane is closed. Callable from: who published it, after that.
  template <class Lane>
  void tell(const Lane& lane) noexcept {
    if (!lane.closed()) [[likely]]
      return;
    // release: pairs with the acquire in look(): who reads this change will find the job.
    word_.fetch_add(kOneChange, std::memory_order_release);
    Env::wake(word_, kEverybody);
  }

  /// What wait() compares, read before the last look for jobs; is_open() tells whether any is to
  /// come. Callable from: a worker of the lane that has seen it closed.
  std::uint32_t look() const noexcept {
    // seq_cst: see the head of the file. Its acquire pairs with keep(): who reads that a job came
    // will find it.
    return word_.load(std::memory_order_seq_cst);
  }
  static constexpr bool is_open(std::uint32_t seen) noexcept { return (seen & kJobsMask) != 0; }

  /// Sleeps while nothing has changed since `seen`; may return early. Blocks: until then. Callable
  /// from: as look().
  void wait(std::uint32_t seen) const noexcept { Env::wait(word_, seen, kNever); }

 private:
  static constexpr std::uint32_t kOneJob = 1;
  static constexpr std::uint32_t kJobsMask = 0xFFFF;
  static constexpr std::uint32_t kOneChange = 0x1'0000;
  static constexpr int kEverybody = 0x7FFF'FFFF;

  typename Env::Word word_;
};

using Promises = BasicPromises<ThreadEnv>;

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_PROMISES_H_
