// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_REPORT_H_
#define TAKT_BOARDS_RUN_REPORT_H_

#include <cstdint>
#include <string_view>

#include "takt/boards/run/figures.h"
#include "takt/platform/text.h"

namespace takt::run {

/// The report for people: tables per task and per worker, refusals. Plain ASCII but for names.
/// README.md explains the columns.
/// Blocks: no. Bound: O(tasks + workers). Callable from: anywhere.
void write_tables(const RunFigures& figures, TextWriter& out) noexcept;

/// The same figures as one JSON object (RFC 8259); README.md describes the schema.
void write_json(const RunFigures& figures, TextWriter& out) noexcept;

/// How to grant what was refused, for the program at `program`; nothing when nothing was refused.
void write_advice(const RunFigures& figures, std::string_view program, TextWriter& out) noexcept;

/// `nanoseconds` in microseconds: one decimal below 1 ms, none above.
void write_microseconds(std::int64_t nanoseconds, TextWriter& out) noexcept;

/// "1 task", "2 tasks".
void write_count(std::uint64_t count, std::string_view noun, TextWriter& out) noexcept;

/// `text` as a JSON string, with quotes and escapes.
void write_json_string(std::string_view text, TextWriter& out) noexcept;

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_REPORT_H_
