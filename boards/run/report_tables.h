// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_REPORT_TABLES_H_
#define TAKT_BOARDS_RUN_REPORT_TABLES_H_

#include "takt/boards/run/figures.h"
#include "takt/platform/text.h"

/// The tables of the report, in 100 columns where names are not long. README.md explains them.
namespace takt::run {

/// What each task is and whether it held. Bound: O(tasks).
void write_task_table(const RunFigures& figures, TextWriter& out) noexcept;

/// When each task's jobs ran. Bound: O(tasks).
void write_time_table(const RunFigures& figures, TextWriter& out) noexcept;

/// What each worker's thread needed. Bound: O(workers).
void write_worker_table(const RunFigures& figures, TextWriter& out) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_REPORT_TABLES_H_
