// SPDX-License-Identifier: Apache-2.0
// What a caller does with a watched descriptor: the second state machine at the head of
// descriptor.h.
#include "takt/executor/descriptor_handle.h"

#include <cerrno>

#include "takt/executor/executor.h"
#include "takt/platform/text.h"
#include "takt/sync/lock_guard.h"

namespace takt::inline v0 {
namespace {

/// failed_precondition, with the name of the call.
Status refuse(const char* call, const char* why) noexcept {
  Text<Status::kTextBytes> text;
  text << call << ": the descriptor " << why;
  return {StatusCode::failed_precondition, text.view()};
}

}  // namespace

detail::DescriptorSlot& DescriptorHandle::slot() const noexcept {
  TAKT_CHECK(valid(), "DescriptorHandle: refers to no descriptor");
  return executor_->storage_.descriptors[number_];
}

detail::LaneSlot& DescriptorHandle::lane() const noexcept {
  return executor_->storage_.lanes[static_cast<std::uint32_t>(lane_)];
}

bool DescriptorHandle::is_current() const noexcept { return state() != DescriptorState::removed; }

DescriptorState DescriptorHandle::state() const noexcept {
  const detail::DescriptorSlot& watched = slot();
  // acquire: pairs with the release of whoever changed the state. relaxed: it orders the rest.
  const DescriptorState state = watched.state.load(std::memory_order_acquire);
  return watched.generation.load(std::memory_order_relaxed) == generation_
             ? state
             : DescriptorState::removed;
}

const DescriptorStats& DescriptorHandle::stats() const noexcept { return slot().stats; }

Status DescriptorHandle::suspend() noexcept {
  detail::DescriptorSlot& watched = slot();
  LockGuard lock(lane().descriptor_mutex);
  switch (state()) {
    case DescriptorState::active:
      // The kernel may report it once more, which release_ready() ignores.
      // release: pairs with the acquire in state().
      watched.state.store(DescriptorState::suspended, std::memory_order_release);
      return {};
    case DescriptorState::suspended:
      return {};
    case DescriptorState::lost:
      return refuse("suspend", "was closed while it was watched");
    default:
      return refuse("suspend", "was removed");
  }
}

Status DescriptorHandle::resume() noexcept {
  detail::DescriptorSlot& watched = slot();
  LockGuard lock(lane().descriptor_mutex);
  switch (state()) {
    case DescriptorState::active:
      return {};
    case DescriptorState::suspended:
      // release: pairs with the acquire in state().
      watched.state.store(DescriptorState::active, std::memory_order_release);
      // acquire: pairs with the release in end_descriptor(), which arms it otherwise.
      if (watched.unfinished.load(std::memory_order_acquire) != 0) return {};
      return executor_->arm(lane(), watched);
    case DescriptorState::lost:
      return refuse("resume", "was closed while it was watched");
    default:
      return refuse("resume", "was removed");
  }
}

Status DescriptorHandle::await_end(TimePoint deadline) const noexcept {
  detail::DescriptorSlot& watched = slot();
  for (;;) {
    // acquire: pairs with the release in end_descriptor(); the callable is nobody's then.
    std::uint32_t seen = watched.unfinished.load(std::memory_order_acquire);
    // Another's removal may have been first, and the slot be the next one's.
    if (seen == 0 || !is_current()) return {};
    constexpr std::uint32_t kAwaited = detail::DescriptorSlot::kAwaited;
    // relaxed: the bit carries no data; the sleep compares the whole word.
    if ((seen & kAwaited) == 0 && !watched.unfinished.compare_exchange_weak(
                                      seen, seen | kAwaited, std::memory_order_relaxed)) {
      continue;  // bounded: the word's bits are set once a job
    }
    const int error = executor_->sleep(watched.unfinished, seen | kAwaited, deadline);
    if (error == EDEADLK) {
      return {StatusCode::failed_precondition,
              "remove: in virtual time nothing is left that could end its job"};
    }
    if (error == ETIMEDOUT && watched.unfinished.load(std::memory_order_relaxed) != 0) {
      return {StatusCode::timed_out, "remove: the descriptor's job has not ended in time"};
    }
  }
}

Status DescriptorHandle::remove_until_steady(TimePoint deadline) noexcept {
  detail::DescriptorSlot& watched = slot();
  {
    LockGuard lock(lane().descriptor_mutex);
    if (!is_current() || watched.unattended || watched.destroying) {
      return refuse("remove", "was removed");
    }
    // acquire: pairs with the release in end_descriptor().
    if (watched.unfinished.load(std::memory_order_acquire) != 0 && executor_->is_worker(&lane())) {
      return {StatusCode::failed_precondition,
              "remove: a job of the descriptor's own lane would wait for itself"};
    }
    executor_->forget(lane(), watched);
  }
  if (Status status = await_end(deadline); !status.ok()) return status;
  {
    // After this the worker that ended the job has let go of the slot.
    LockGuard lock(lane().descriptor_mutex);
    if (!is_current() || watched.destroying) return refuse("remove", "was removed");
    watched.destroying = true;
  }
  watched.thunk(detail::ThunkStep::destroy_callable, watched.storage.bytes, nullptr);
  // Whoever holds the mutex and has seen it current has a slot that nobody can take.
  LockGuard lock(lane().descriptor_mutex);
  // release: pairs with the acquire in watch_with(), which may use the slot from now on.
  watched.state.store(DescriptorState::removed, std::memory_order_release);
  return {};
}

Status DescriptorHandle::request_remove() noexcept {
  detail::DescriptorSlot& watched = slot();
  {
    LockGuard lock(lane().descriptor_mutex);
    if (!is_current() || watched.unattended || watched.destroying) {
      return refuse("request_remove", "was removed");
    }
    executor_->forget(lane(), watched);
    watched.unattended = true;
    // acquire: pairs with the release in end_descriptor().
    if (watched.unfinished.load(std::memory_order_acquire) != 0) return {};
    watched.destroying = true;
  }
  watched.thunk(detail::ThunkStep::destroy_callable, watched.storage.bytes, nullptr);
  LockGuard lock(lane().descriptor_mutex);
  // release: as in remove_until_steady().
  watched.state.store(DescriptorState::removed, std::memory_order_release);
  return {};
}

}  // namespace takt::inline v0
