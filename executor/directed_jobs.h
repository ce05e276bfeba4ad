// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_DIRECTED_JOBS_H_
#define TAKT_EXECUTOR_DIRECTED_JOBS_H_

#include <bit>
#include <cstdint>

#include "takt/executor/job.h"
#include "takt/executor/limits.h"

namespace takt::inline v0::detail {

/// The jobs that a worker took from its inbox and has not begun, by priority and age. Only that
/// worker's. Jobs are named by their place among those of all lanes, + 1, so that 0 is none; they
/// are chained by JobSlot::link. All bits zero at first: empty.
class DirectedJobs {
 public:
  /// Takes over what BasicInbox::take_all() gave: newest first. Bound: O(jobs in it).
  void add(JobSlot* jobs, std::uint32_t newest) noexcept {
    std::uint32_t oldest = 0;
    while (newest != 0) {
      JobSlot& job = jobs[newest - 1];
      const std::uint32_t older = job.link;
      job.set_link(oldest);
      oldest = newest;
      newest = older;
    }
    while (oldest != 0) {
      JobSlot& job = jobs[oldest - 1];
      const std::uint32_t younger = job.link;
      job.set_link(0);
      const auto level = static_cast<std::uint32_t>(job.level);
      if ((levels_ & (1U << level)) == 0) {
        levels_ |= 1U << level;
        first_[level] = oldest;
      } else {
        jobs[last_[level] - 1].set_link(oldest);
      }
      last_[level] = oldest;
      oldest = younger;
    }
  }

  /// The level of the next one; kPriorityLevels when there is none. Bound: O(1).
  std::uint32_t level() const noexcept {
    return static_cast<std::uint32_t>(std::countr_zero(levels_ | (1U << kPriorityLevels)));
  }

  /// Takes the oldest of `level`, whose place it returns; there must be one. Bound: O(1).
  std::uint32_t take(const JobSlot* jobs, std::uint32_t level) noexcept {
    const std::uint32_t number = first_[level] - 1;
    first_[level] = jobs[number].link;
    if (first_[level] == 0) levels_ &= ~(1U << level);
    return number;
  }

 private:
  std::uint32_t levels_;  // bit l: there is one of level l
  std::uint32_t first_[kPriorityLevels];
  std::uint32_t last_[kPriorityLevels];
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_DIRECTED_JOBS_H_
