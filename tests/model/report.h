// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_REPORT_H_
#define TAKT_TESTS_MODEL_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "takt/tests/model/options.h"

namespace takt::model {

/// What an exploration did, and how it ended.
struct Report {
  std::uint64_t executions = 0;  ///< finished ones, the failed one included
  std::uint64_t pruned = 0;      ///< given up by the reduction: equivalent to a finished one
  std::uint64_t truncated = 0;   ///< given up at a capacity or at Options::steps: a failure
  std::uint32_t depth = 0;       ///< most steps in one execution
  std::size_t choices = 0;       ///< most decisions in one execution
  // How often the bounded freedoms of Options were used, over all executions.
  std::uint64_t spurious_wakes = 0;
  std::uint64_t weak_failures = 0;
  std::uint64_t stale_reads = 0;
  std::uint64_t reorderings = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t freezes = 0;
  double seconds = 0;

  bool failed = false;
  bool cut = false;     ///< only because Options::executions was reached
  std::string failure;  ///< what went wrong, one line
  std::string trace;    ///< the failing schedule, a line a step
  std::string replay;   ///< the failing schedule for replay()

  /// Two lines: name and ends; bounds and uses.
  std::string line(const char* name, const Options& options) const;
  /// The failure with its trace; empty when there is none.
  std::string explanation(const char* name) const;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_REPORT_H_
