// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_LOAD_H_
#define TAKT_BOARDS_RUN_LOAD_H_

#include "takt/boards/run/stop_signal.h"
#include "takt/platform/time.h"

/// Loads of a known size. rt-app calibrates a loop once and then counts iterations; here the
/// calling thread's own CPU clock is read between short computations, so that a load has the same
/// size on every CPU and at every frequency, and needs no calibration.
namespace takt::run {

/// Computes until the calling thread has used `amount` of CPU time; preemption does not count.
/// Uses at least `amount`, and beyond it at most one short computation (a few microseconds).
/// Blocks: no. Bound: `amount` of CPU time, or a few microseconds after `stop` was requested.
/// Callable from: any thread.
void use_cpu_time(Duration amount, const StopSignal& stop) noexcept;

/// Computes until `amount` of wall time is over, preempted or not. Otherwise as use_cpu_time.
void use_wall_time(Duration amount, const StopSignal& stop) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_LOAD_H_
