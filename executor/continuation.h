// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_CONTINUATION_H_
#define TAKT_EXECUTOR_CONTINUATION_H_

#include <type_traits>
#include <utility>

#include "takt/executor/callable.h"
#include "takt/executor/executor.h"
#include "takt/executor/job_handle.h"

// JobHandle::then(): a job that becomes ready when another one ends.
//
//              then()                        the other job ends            as any job
//   [slot free] ------> [promised to its lane] ----------------> [ready] ------------> …
//
// Its slot is taken, and its callable filled in, before the other job learns of it; what is left to
// do at that job's end cannot fail. The lane's workers do not leave before (promises.h). The handle
// of the other job moves into the new one's callable, which reads the result out of that job's slot
// and then gives the slot back. So nothing is copied, and nothing has to be large enough for both.

namespace takt::inline v0 {

namespace detail {

/// What such a job runs.
template <class R, class Function>
struct Continuation {
  JobHandle<R> job;  // over by the time that this runs
  Function function;

  void operator()() { static_cast<void>(function(job.wait())); }
};

}  // namespace detail

template <class R, class Function>
Status Executor::continue_job(JobHandle<R>& job, Function&& function,
                              const PostOptions& options) noexcept {
  using Callable = detail::Continuation<R, std::decay_t<Function>>;
  static_assert(
      std::is_invocable_v<std::decay_t<Function>&, typename JobHandle<R>::WaitResult>,
      "takt: a continuation takes what JobHandle::wait() gives: Result<R>, or Status for void");
  detail::require_callable<Callable>();
  detail::JobSlot& before = job.slot();
  const std::uint32_t generation = job.generation_;
  const Claim claim = claim_slot(options);
  if (claim.slot == nullptr || !promise(claim)) return refusal(options);
  fill<Callable>(claim, &detail::post_thunk<Callable>, false,
                 Callable{std::move(job), std::forward<Function>(function)});
  publish_after(claim, before, generation, options);
  return {};
}

template <class R>
template <class Function>
Status JobHandle<R>::then(Function&& function, const PostOptions& options) noexcept {
  TAKT_CHECK(valid(), "JobHandle::then: refers to no job");
  return this->executor()->continue_job(*this, std::forward<Function>(function), options);
}

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_CONTINUATION_H_
