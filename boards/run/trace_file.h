// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_TRACE_FILE_H_
#define TAKT_BOARDS_RUN_TRACE_FILE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "takt/boards/run/plan.h"
#include "takt/executor/executor.h"
#include "takt/monitor/executor_view.h"
#include "takt/monitor/trace.h"
#include "takt/platform/file_writer.h"
#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::run {

/// A file with the trace of a run, all of it or none: what the workers note goes to a temporary
/// file beside it while it runs, finish() gives it the name.
/// Callable from: the owner.
class TraceFile {
 public:
  /// How often update() is called: the rings of kEvents then hold 5,000 jobs a second and worker.
  static constexpr Duration kPeriod = std::chrono::milliseconds(200);
  static constexpr std::uint32_t kEvents = 4096;

  /// The executor, with ExecutorLimits::events_per_worker, must outlive this.
  explicit TraceFile(Executor& executor) noexcept : trace_(ExecutorView(executor), "takt run") {}
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  /// Creates the temporary file. Called once, before the executor starts. Blocks: as open(2).
  /// Errors: those of AtomicFile::open().
  Status open(const char* path) noexcept;
  bool is_open() const noexcept { return open_; }

  /// Appends what was noted since. After an error nothing more. Blocks: as write(2). Errors: see
  /// finish(). Called when the executor has started.
  void update() noexcept;

  /// Appends the rest, once the executor has stopped. Blocks: until the disk has it. Errors: those
  /// of AtomicFile, of the first call that failed; then what the path holds has not changed.
  Status finish() noexcept;

  /// Events that were overwritten before they were read. Blocks: no.
  std::uint64_t lost() const noexcept { return trace_.lost(); }

 private:
  bool open_ = false;
  platform::AtomicFile file_;
  Status status_;
  StaticTrace<Plan::kMaxWorkers> trace_;
  std::array<char, std::size_t{64} * 1024> piece_;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_TRACE_FILE_H_
