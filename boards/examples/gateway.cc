// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/gateway.h"

#include <unistd.h>

#include <cerrno>
#include <optional>

namespace takt::examples {

void Gateway::Outlet::work() noexcept {
  if (resting.exchange(false)) static_cast<void>(handle.resume());
}

template <class Empty>
void Gateway::Outlet::rest(const Empty& empty) noexcept {
  resting.store(true);
  static_cast<void>(handle.suspend());
  if (empty()) return;
  // Something came in between, and its work() perhaps before the suspension.
  resting.store(false);
  static_cast<void>(handle.resume());
}

Status Gateway::watch(Executor& executor, Ports ports, Lanes lanes) noexcept {
  ports_ = ports;
  const Result<DescriptorHandle> watched[] = {
      executor.watch(lanes.output, ports.can, Readiness::writable, [this] { write_can(); }),
      executor.watch(lanes.output, ports.serial, Readiness::writable, [this] { write_serial(); }),
      executor.watch(
          lanes.input, ports.can, Readiness::readable, [this] { read_can(); }, Priority::high),
      executor.watch(lanes.input, ports.serial, Readiness::readable, [this] { read_serial(); }),
  };
  for (const Result<DescriptorHandle>& handle : watched) {
    if (!handle.ok()) return handle.status();
  }
  can_out_.handle = *watched[0];
  serial_out_.handle = *watched[1];
  can_in_ = *watched[2];
  serial_in_ = *watched[3];
  return {};
}

void Gateway::stop_watching() noexcept {
  for (DescriptorHandle* handle : {&serial_in_, &can_in_, &serial_out_.handle, &can_out_.handle}) {
    if (handle->valid()) static_cast<void>(handle->remove());
  }
}

bool Gateway::has_room() const noexcept {
  return for_can_.size() + kFramesOfRead <= Queue::capacity();
}

void Gateway::read_serial() noexcept {
  // A late release_line() may have come behind a hold_line().
  if (!has_room()) return hold_line();
  char bytes[kReadBytes];
  const ssize_t count = ::read(ports_.serial, bytes, sizeof bytes);
  // The end of a stream would stay readable for ever.
  if (count == 0) static_cast<void>(serial_in_.request_remove());
  for (ssize_t at = 0; at < count; ++at) {
    const std::optional<can_frame> frame = reader_.take(bytes[at]);
    // There is room: this job alone puts frames there, and has looked before.
    if (frame) static_cast<void>(for_can_.try_push(*frame));
  }
  malformed_.store(reader_.malformed());
  can_out_.work();
  if (!has_room()) hold_line();
}

void Gateway::hold_line() noexcept {
  holds_.fetch_add(1);
  held_.store(true);
  static_cast<void>(serial_in_.suspend());
  // Room may have come in between, and release_line() before the suspension.
  if (has_room()) release_line();
}

void Gateway::release_line() noexcept {
  held_.store(false);
  static_cast<void>(serial_in_.resume());
}

void Gateway::write_can() noexcept {
  for (;;) {
    if (!has_unsent_) {
      const Result<can_frame> next = for_can_.try_pop();
      if (!next.ok()) return can_out_.rest([this] { return for_can_.size() == 0; });
      unsent_ = *next;
      has_unsent_ = true;
      if (held_.load() && has_room()) release_line();
    }
    const bool written = ::write(ports_.can, &unsent_, sizeof unsent_) == sizeof unsent_;
    // Full: this job comes again when it is not. (An interface's queue says ENOBUFS.)
    if (!written && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) return;
    has_unsent_ = false;
    (written ? to_can_ : refused_).fetch_add(1);
  }
}

void Gateway::read_can() noexcept {
  can_frame frame{};
  const ssize_t count = ::read(ports_.can, &frame, sizeof frame);
  if (count == 0) static_cast<void>(can_in_.request_remove());
  if (count != sizeof frame) return;
  // The line knows only 11-bit identifiers and data.
  if ((frame.can_id & (CAN_EFF_FLAG | CAN_RTR_FLAG | CAN_ERR_FLAG)) != 0) {
    refused_.fetch_add(1);
    return;
  }
  if (for_serial_.push_evict(frame)) dropped_.fetch_add(1);
  serial_out_.work();
}

void Gateway::write_serial() noexcept {
  for (;;) {
    if (written_ == line_size_) {
      const Result<can_frame> next = for_serial_.try_pop();
      if (!next.ok()) return serial_out_.rest([this] { return for_serial_.size() == 0; });
      line_size_ = write_slcan(*next, line_);
      written_ = 0;
    }
    const ssize_t count = ::write(ports_.serial, line_ + written_, line_size_ - written_);
    if (count < 0) return;  // full: this job comes again when it is not
    written_ += static_cast<std::size_t>(count);
    if (written_ == line_size_) to_serial_.fetch_add(1);
  }
}

}  // namespace takt::examples
