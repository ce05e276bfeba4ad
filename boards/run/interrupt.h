// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_INTERRUPT_H_
#define TAKT_BOARDS_RUN_INTERRUPT_H_

#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::run {

/// Ctrl-C (SIGINT), SIGTERM and SIGHUP as something to wait for. They are blocked in every thread
/// that is created after open(); the first one ends a wait, and from then on they kill as usual.
/// One that the process was started to ignore is ignored.
class Interrupt {
 public:
  enum class Event { interrupted, descriptor, deadline };

  Interrupt() noexcept = default;
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Called once, before any other thread is created. Errors: those of signalfd(2).
  Status open() noexcept;

  /// Waits for a signal, until `descriptor` is readable, or until `deadline` (kNever: no limit).
  /// Blocks: as said. Callable from: the thread that called open().
  Event wait_until(TimePoint deadline, int descriptor) noexcept;

 private:
  int signals_ = -1;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_INTERRUPT_H_
