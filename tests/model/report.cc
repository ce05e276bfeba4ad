// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/report.h"

#include <cinttypes>
#include <cstdio>

namespace takt::model {

std::string Report::line(const char* name, const Options& options) const {
  char text[640];
  char bound[16] = "none";
  if (options.preemptions != kUnbounded) {
    std::snprintf(bound, sizeof bound, "%d", options.preemptions);
  }
  std::snprintf(
      text, sizeof text,
      "%s: executions %" PRIu64 ", pruned %" PRIu64 ", truncated %" PRIu64 ", depth %" PRIu32
      ", %.2f s (%.0f a second)\n"
      "    preemption bound %s%s; used (bound a thread): spurious wakes %" PRIu64
      " (%d), weak failures %" PRIu64 " (%d), stale reads %" PRIu64
      " (rereads %d), reorderings %" PRIu64 " (%d), time-outs %" PRIu64
      " (early %d), freezes %" PRIu64 " (%d in all)%s",
      name, executions, pruned, truncated, depth, seconds,
      seconds > 0 ? static_cast<double>(executions + pruned) / seconds : 0.0, bound,
      options.reduction ? ", reduced" : "", spurious_wakes, options.spurious_wakes, weak_failures,
      options.weak_failures, stale_reads, options.stale_rereads, reorderings, options.reorderings,
      timeouts, options.early_timeouts, freezes, options.freezes, failed ? "\n    FAILED" : "");
  return text;
}

std::string Report::explanation(const char* name) const {
  if (!failed) return "";
  // Of a livelock the end says all.
  constexpr std::size_t kMost = 4'000;
  std::string shown = trace;
  if (trace.size() > kMost) {
    shown = "  ...\n" + trace.substr(trace.find('\n', trace.size() - kMost) + 1);
  }
  return std::string(name) + ": " + failure + "\n" + shown + "replay: " + replay + "\n";
}

}  // namespace takt::model
