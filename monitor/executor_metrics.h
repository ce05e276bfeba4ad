// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_EXECUTOR_METRICS_H_
#define TAKT_MONITOR_EXECUTOR_METRICS_H_

#include "takt/monitor/executor_view.h"
#include "takt/monitor/metric.h"

namespace takt::inline v0 {

/// The figures of an executor as metrics, for an Exposition: takt_lane_…{lane="0"},
/// takt_worker_…{worker="control",number="0"}, takt_task_…{task="servo",number="1"}. The number is
/// the place among the executor's, as several may have one name. Of a removed task what it left
/// behind is exposed until another takes its place.
class ExecutorMetrics {
 public:
  explicit ExecutorMetrics(const ExecutorView& executor) noexcept : executor_(executor) {}

  /// Calls `visitor` for each figure, those of one name one after the other. Blocks: no. Bound:
  /// O(lanes + workers + tasks) calls. Callable from: any thread, but see ExecutorView.
  void visit(MetricVisitor visitor, void* argument) const noexcept;

 private:
  ExecutorView executor_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_EXECUTOR_METRICS_H_
