// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/monitor_thread.h"

#include <cstring>

#include "takt/platform/stack.h"
#include "takt/platform/text.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/thread_id.h"

namespace takt::inline v0 {
namespace {

/// `status`, with the thread's name before it.
Status named(const char* name, const Status& status) noexcept {
  Text<Status::kTextBytes> text;
  text << "thread '" << name << "': " << status.text();
  return {status.code(), text.view(), status.error_number()};
}

}  // namespace

Status MonitorThread::start(const MonitorThreadConfig& config, std::span<std::byte> stack,
                            Step step, void* argument) noexcept {
  constexpr std::size_t kNameBytes = 16;  // the kernel's
  if (running()) return {StatusCode::failed_precondition, "the monitor's thread runs already"};
  if (config.name == nullptr || config.name[0] == '\0' ||
      ::strnlen(config.name, kNameBytes) == kNameBytes) {
    return {StatusCode::invalid_argument, "a thread's name has 1 to 15 characters"};
  }
  if (Status status = platform::prepare_stack(stack); !status.ok()) {
    return named(config.name, status);
  }
  status_ = Status();
  config_ = &config;
  stack_ = stack;
  step_ = step;
  argument_ = argument;
  // relaxed, here and below: see running().
  running_.store(1, std::memory_order_relaxed);
  Status status = thread_.start(config.name, stack, &run, this);
  if (status.ok()) {
    settled_.acquire();
    if (status_.ok()) return {};
    status = status_;
    static_cast<void>(thread_.join_until(kNever));
  }
  running_.store(0, std::memory_order_relaxed);
  static_cast<void>(platform::release_stack(stack));  // the refusal says more
  return named(config.name, status);
}

Status MonitorThread::stop(Duration timeout) noexcept {
  if (!thread_.joinable()) return {};
  // relaxed: only its own store gives it the caller's number.
  if (thread_id_.load(std::memory_order_relaxed) == platform::thread_id()) {
    return {StatusCode::failed_precondition, "a monitor's step cannot stop its own thread"};
  }
  stop_.release();
  const Status status = thread_.join_until(deadline_after(timeout));
  if (!status.ok()) return status;
  // Permits of calls that timed out before: none is left for the next start().
  while (stop_.try_acquire()) continue;
  running_.store(0, std::memory_order_relaxed);
  return platform::release_stack(stack_);
}

void MonitorThread::run(void* self) noexcept {
  auto& thread = *static_cast<MonitorThread*>(self);
  thread.thread_id_.store(platform::thread_id(), std::memory_order_relaxed);  // see stop()
  thread.status_ = thread.settle();
  const bool settled = thread.status_.ok();
  thread.settled_.release();
  if (settled) thread.steps();
  thread.thread_id_.store(0, std::memory_order_relaxed);  // somebody else may get the number
}

void MonitorThread::steps() noexcept {
  TimePoint next = step_(argument_, now());
  while (!stop_.try_acquire_until(next)) next = step_(argument_, now());
}

Status MonitorThread::settle() const noexcept {
  if (!config_->cpus.empty()) {
    if (Status status = platform::set_affinity(config_->cpus); !status.ok()) return status;
  }
  if (config_->scheduling == Scheduling(Other{})) return {};
  return platform::set_scheduling(config_->scheduling);
}

}  // namespace takt::inline v0
