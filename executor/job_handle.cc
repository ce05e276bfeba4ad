// SPDX-License-Identifier: Apache-2.0
#include "takt/executor/job_handle.h"

#include <cerrno>

#include "takt/executor/executor.h"

namespace takt::inline v0 {
namespace {

constexpr const char* kNothingLeft = "job: in virtual time nothing is left that could end it";

}  // namespace

const Executor* detail::executor_of(std::span<JobHandleBase* const> jobs) noexcept {
  return jobs.empty() ? nullptr : jobs.front()->executor_;
}

detail::LaneSlot& JobHandleBase::lane() const noexcept {
  return executor_->storage_.lanes[static_cast<std::uint32_t>(lane_)];
}

detail::JobSlot& JobHandleBase::slot() const noexcept {
  TAKT_CHECK(valid(), "JobHandle: refers to no job");
  return lane().jobs[slot_];
}

JobState JobHandleBase::state() const noexcept {
  return JobWord::state_of(slot().word.look(generation_));
}

bool JobHandleBase::cancel() noexcept {
  detail::JobSlot& job = slot();
  if (!job.word.end_unstarted(generation_)) {
    const JobState ended = state();
    return ended == JobState::cancelled || ended == JobState::dropped;
  }
  job.thunk(detail::ThunkStep::destroy_callable, job.storage.bytes, nullptr);
  return true;
}

Status JobHandleBase::cancel_and_wait_steady(TimePoint deadline) noexcept {
  if (cancel()) return {};
  const Status status = wait_until_over(deadline);
  const bool over =
      status.code() != StatusCode::timed_out && status.code() != StatusCode::failed_precondition;
  return over ? Status() : status;
}

void JobHandleBase::detach() noexcept {
  if (!valid()) return;
  detail::LaneSlot& own_lane = lane();
  detail::JobSlot& slot = own_lane.jobs[slot_];
  executor_ = nullptr;
  const std::uint32_t before = slot.word.drop_handle(generation_);
  if ((before & JobWord::kQueued) != 0) return;   // the worker gives it back
  if ((before & JobWord::kHandled) == 0) return;  // who dropped it has it
  if (JobWord::state_of(before) == JobState::completed) {
    slot.thunk(detail::ThunkStep::destroy_result, slot.storage.bytes, nullptr);
  }
  own_lane.queue.release_slot(slot_);
}

bool JobHandleBase::is_of_own_lane() const noexcept { return executor_->is_worker(&lane()); }

Status JobHandleBase::wait_until_over(TimePoint deadline) const noexcept {
  if (!JobWord::is_over(slot().word.look(generation_)) && is_of_own_lane()) {
    return {StatusCode::failed_precondition, "job: its own lane would wait for itself"};
  }
  return sleep_until_over(deadline);
}

Status JobHandleBase::sleep_until_over(TimePoint deadline) const noexcept {
  JobWord& word = slot().word;
  const int error = word.wait(generation_, deadline,
                              [this](ThreadEnv::Word& futex, std::uint32_t seen, TimePoint until) {
                                return executor_->sleep(futex, seen, until);
                              });
  if (error == EDEADLK) return {StatusCode::failed_precondition, kNothingLeft};
  if (error != 0) return {StatusCode::timed_out, "job: it was not over in time"};
  switch (JobWord::state_of(word.look(generation_))) {
    case JobState::failed:
      return {StatusCode::failed, "job: it ended with an exception"};
    case JobState::cancelled:
      return {StatusCode::cancelled, "job: it was cancelled before it began"};
    case JobState::dropped:
      return {StatusCode::dropped, "job: a newer one took its place in the full lane"};
    default:
      return {};
  }
}

void* JobHandleBase::storage() const noexcept { return slot().storage.bytes; }

namespace detail {

Status wait_all_steady(std::span<JobHandleBase* const> jobs, TimePoint deadline) noexcept {
  for (const JobHandleBase* job : jobs) {
    const Status status = job->wait_until_over(deadline);
    const StatusCode code = status.code();
    if (code == StatusCode::timed_out || code == StatusCode::failed_precondition) return status;
  }
  return {};
}

Result<std::size_t> wait_any_steady(std::span<JobHandleBase* const> jobs,
                                    TimePoint deadline) noexcept {
  TAKT_CHECK(!jobs.empty() && jobs.front()->valid(), "wait_any: no job to wait for");
  Executor& executor = *jobs.front()->executor_;
  // Each look marks all jobs; one that ends after its mark moves the word that the sleep compares.
  for (;;) {
    // acquire: pairs with the release in tell_watchers(); read before the jobs are looked at.
    const std::uint32_t seen = executor.ended_watched_.load(std::memory_order_acquire);
    bool own = false;
    for (std::size_t at = 0; at < jobs.size(); ++at) {
      JobHandleBase& job = *jobs[at];
      if (job.slot().word.watch(job.generation_)) return at;
      TAKT_CHECK(job.executor_ == &executor, "wait_any: jobs of two executors");
      own = own || job.is_of_own_lane();
    }
    if (own) {
      return Status(StatusCode::failed_precondition,
                    "wait_any: a job's own lane would wait for it");
    }
    const int error = executor.sleep(executor.ended_watched_, seen, deadline);
    if (error == EDEADLK) return Status(StatusCode::failed_precondition, kNothingLeft);
    if (error != ETIMEDOUT) continue;
    for (std::size_t at = 0; at < jobs.size(); ++at) {
      if (JobWord::is_over(static_cast<std::uint32_t>(jobs[at]->state()))) return at;
    }
    return Status(StatusCode::timed_out, "wait_any: no job was over in time");
  }
}

}  // namespace detail
}  // namespace takt::inline v0
