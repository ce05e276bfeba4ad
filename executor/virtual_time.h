// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_VIRTUAL_TIME_H_
#define TAKT_EXECUTOR_VIRTUAL_TIME_H_

#include <chrono>
#include <cstdint>
#include <type_traits>

#include "takt/platform/status.h"
#include "takt/platform/time.h"
#include "takt/sync/deadline.h"
#include "takt/sync/env.h"

namespace takt::inline v0 {

class Executor;

namespace detail {

struct ReleaseDecision;
struct TaskSlot;

/// What an executor without threads has in place of the clock, of the kernel's waits and of
/// threads. An executor with threads has none: there each use costs the look at a null pointer.
/// No virtual functions: a user's derived class would need the type information that the library,
/// compiled without, does not have.
class VirtualTime {
 public:
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  struct Operations {
    int (*wait)(VirtualTime&, const ThreadEnv::Word&, std::uint32_t, TimePoint) noexcept;
    Status (*launch)(VirtualTime&) noexcept;
    Status (*join)(VirtualTime&, TimePoint) noexcept;
    void (*decided)(VirtualTime&, const TaskSlot&, const ReleaseDecision&) noexcept;
  };

  /// The virtual clock. Blocks: no.
  TimePoint now() const noexcept { return now_; }

  /// In place of a futex wait: time goes on until `word` is no longer `seen`. Returns 0, ETIMEDOUT,
  /// or EDEADLK where nothing is left that could change it.
  int wait(const ThreadEnv::Word& word, std::uint32_t seen, TimePoint deadline) noexcept {
    return operations_.wait(*this, word, seen, deadline);
  }
  /// In place of the workers' threads; their configs are in the executor's storage.
  Status launch() noexcept { return operations_.launch(*this); }
  /// Time goes on until all workers have left. Errors: timed_out.
  Status join(TimePoint deadline) noexcept { return operations_.join(*this, deadline); }
  /// Is told what becomes of the task's releases, before it is carried out.
  void decided(const TaskSlot& task, const ReleaseDecision& decision) noexcept {
    operations_.decided(*this, task, decision);
  }

 protected:
  explicit VirtualTime(const Operations& operations) noexcept : operations_(operations) {}
  ~VirtualTime() = default;

  TimePoint now_{};

 private:
  const Operations& operations_;
};

// The clock of an executor, for headers that do not see the class.

/// The executor's clock; takt's with null.
TimePoint now_of(const Executor* executor) noexcept;
bool has_virtual_time(const Executor* executor) noexcept;

/// As attempt_until() of sync/deadline.h. In virtual time the deadline of another clock is that
/// clock's remaining time from the virtual now.
template <class OtherClock, class OtherDuration, class Attempt>
bool attempt_until(const Executor* executor,
                   const std::chrono::time_point<OtherClock, OtherDuration>& deadline,
                   const Attempt& attempt) {
  if constexpr (!std::is_same_v<OtherClock, Clock>) {
    if (has_virtual_time(executor)) {
      const Duration remaining =
          saturating_difference(since_origin(deadline), since_origin(OtherClock::now()));
      return attempt(saturating_add(now_of(executor), remaining));
    }
  }
  return attempt_until(deadline, attempt);
}

}  // namespace detail
}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_VIRTUAL_TIME_H_
