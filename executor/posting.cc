// SPDX-License-Identifier: Apache-2.0
// Posts beyond the plain one: to a full lane, to one worker, to each worker, behind another job.
#include "takt/executor/executor.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {

std::uint32_t ExecutorBase::make_room(detail::LaneSlot& lane, const PostOptions& options) noexcept {
  switch (options.when_full) {
    case WhenFull::wait:
      // Any worker of the lane: the others may come to wait here, too.
      if (is_worker(&lane)) return Lane::kNone;
      return lane.queue.wait_for_slot(
          options.wait_until, [this](ThreadEnv::Word& word, std::uint32_t seen, TimePoint until) {
            return sleep(word, seen, until);
          });
    case WhenFull::drop_oldest:
      return take_slot_of_oldest(lane, options.priority);
    case WhenFull::reject:
      break;
  }
  return Lane::kNone;
}

std::uint32_t ExecutorBase::take_slot_of_oldest(detail::LaneSlot& lane,
                                                Priority priority) noexcept {
  for (;;) {  // bounded: a job more is out of the ring each time
    const std::uint32_t oldest = lane.queue.take_oldest(priority, storage_.limits.jobs_per_lane);
    // With nothing to drop the jobs run, and perhaps one has ended.
    if (oldest == Lane::kNone) return lane.queue.acquire_slot();
    if (drop(lane, oldest)) return oldest;
  }
}

bool ExecutorBase::drop(detail::LaneSlot& lane, std::uint32_t index) noexcept {
  detail::JobSlot& job = lane.jobs[index];
  const bool submitted = job.word.is_submitted();
  if (submitted && !job.word.begin()) return job.word.retire();  // its handle cancelled it
  job.thunk(detail::ThunkStep::destroy_callable, job.storage.bytes, nullptr);
  lane.stats.dropped.add();
  if (!submitted) return true;
  const std::uint32_t before = job.word.finish_dropped();
  tell_of_end(job, before);
  return !JobWord::is_kept(before);
}

std::uint32_t ExecutorBase::address_of(WorkerId worker) const noexcept {
  const auto number = static_cast<std::uint32_t>(worker);
  if (number >= worker_count()) return kNoAddress;
  // acquire: pairs with the release in configure_workers().
  return storage_.workers[number].address.load(std::memory_order_acquire);
}

PostOptions ExecutorBase::options_for(std::uint32_t address,
                                      const PostOptions& options) const noexcept {
  PostOptions own = options;
  own.lane =
      LaneId{address == kNoAddress ? storage_.limits.lanes : address / detail::kWorkersOfLane};
  return own;
}

bool ExecutorBase::publish_to(std::uint32_t address, Claim claim,
                              const PostOptions& options) noexcept {
  detail::JobSlot& job = *claim.slot;
  job.release_ns = takes_time_stamps() ? to_ns(now()) : 0;
  job.deadline_ns = to_ns(options.deadline);
  job.level = options.priority;
  if (!claim.lane->queue.publish_to(address % detail::kWorkersOfLane, number_of(job),
                                    [&job](std::uint32_t older) { job.set_link(older); })) {
    return false;
  }
  claim.lane->promises.tell(claim.lane->queue);
  return true;
}

Status ExecutorBase::refusal_to(WorkerId worker, const PostOptions& options) noexcept {
  const std::uint32_t workers = worker_count();
  if (static_cast<std::uint32_t>(options.lane) < storage_.limits.lanes) return refusal(options);
  if (!running()) return {StatusCode::failed_precondition, "post_to: the executor does not run"};
  Text<Status::kTextBytes> text;
  text << "post_to: no worker " << static_cast<std::uint32_t>(worker) << ", there are " << workers;
  return {StatusCode::invalid_argument, text.view()};
}

Status ExecutorBase::claim_for_workers(const PostOptions& options, bool all,
                                       std::uint32_t& chain) noexcept {
  if (options.when_full == WhenFull::wait) {
    return {StatusCode::invalid_argument, "broadcast: it does not wait for room"};
  }
  for (std::uint32_t number = 0; number < worker_count(); ++number) {
    const std::uint32_t address = address_of(WorkerId{number});
    const PostOptions own = options_for(address, options);
    if (!all && own.lane != options.lane) continue;
    const Claim claim = claim_slot(own);
    if (claim.slot != nullptr) {
      claim.slot->release_ns = address;
      claim.slot->set_link(chain);
      chain = number_of(*claim.slot) + 1;
      continue;
    }
    while (chain != 0) {
      detail::JobSlot& job = storage_.jobs[chain - 1];
      detail::LaneSlot& lane = lane_of_job(chain - 1);
      chain = job.link;
      lane.queue.release_slot(static_cast<std::uint32_t>(&job - lane.jobs));
    }
    return refusal(own);
  }
  return chain != 0 ? Status() : refusal(options);
}

bool ExecutorBase::promise(Claim claim) noexcept {
  claim.lane->promises.make();
  if (!claim.lane->queue.closed()) return true;
  claim.lane->promises.keep(claim.lane->queue);
  claim.lane->queue.release_slot(claim.index());
  return false;
}

void ExecutorBase::publish_after(Claim claim, detail::JobSlot& before, std::uint32_t generation,
                                 const PostOptions& options) noexcept {
  claim.slot->deadline_ns = to_ns(options.deadline);
  claim.slot->level = options.priority;
  const std::uint32_t number = number_of(*claim.slot);
  const auto link = [&before, number] { before.set_link(number + 1); };
  if (!before.word.continue_with(generation, link)) publish_promised(number);
}

void ExecutorBase::publish_promised(std::uint32_t number) noexcept {
  detail::JobSlot& job = storage_.jobs[number];
  detail::LaneSlot& lane = lane_of_job(number);
  job.release_ns = takes_time_stamps() ? to_ns(now()) : 0;
  if (!lane.queue.publish_promised(job.level, static_cast<std::uint32_t>(&job - lane.jobs))) {
    // What posts withdrew at a stop leaves no room in the ring. An inbox always has some, and is
    // open: the worker has not left.
    const bool given =
        lane.queue.publish_to(0, number, [&job](std::uint32_t older) { job.set_link(older); });
    TAKT_CHECK(given, "a worker left before a job that it was promised");
  }
  lane.promises.keep(lane.queue);
}

}  // namespace takt::inline v0
