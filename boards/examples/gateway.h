// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_GATEWAY_H_
#define TAKT_BOARDS_EXAMPLES_GATEWAY_H_

#include <linux/can.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "takt/boards/examples/slcan.h"
#include "takt/executor/executor.h"
#include "takt/sync/bounded_queue.h"

namespace takt::examples {

/// A gateway between a serial line that speaks SLCAN and a CAN interface:
///
///     serial --readable--> [queue] --writable--> CAN       a full queue stops the line
///     serial <--writable-- [queue] <--readable-- CAN       a full queue gives up its oldest frame
///
/// Who talks on the line can wait: while the queue to CAN is nearly full the line is not watched,
/// its bytes stay in the kernel, and the line's flow control stops the sender. So no frame is lost.
/// A bus waits for nobody: what the line is too slow for is dropped, oldest first, and counted.
///
/// What is read runs on one lane and what is written on another, so that neither keeps the other
/// waiting; each lane has one worker. A side that has nothing to write is not watched, or the
/// kernel would report it as writable for ever.
class Gateway {
 public:
  /// Open, and not blocking; the caller closes them after the executor's stop and stop_watching().
  struct Ports {
    int serial = -1;  ///< raw (cfmakeraw)
    int can = -1;     ///< gives and takes one can_frame a call
  };
  struct Lanes {
    LaneId input;
    LaneId output;
  };

  static constexpr std::uint32_t kDescriptors = 4;
  static constexpr std::size_t kQueuedFrames = 64;

  /// Watches the ports. Callable from: any thread, once, before the executor's start().
  Status watch(Executor& executor, Ports ports, Lanes lanes) noexcept;
  /// Ends it. Blocks: until no job of it runs. Callable from: any thread but a worker.
  void stop_watching() noexcept;

  // Figures. Callable from: any thread.
  std::uint64_t frames_to_can() const noexcept { return to_can_.load(); }
  std::uint64_t frames_to_serial() const noexcept { return to_serial_.load(); }
  /// How often the line was stopped.
  std::uint64_t holds() const noexcept { return holds_.load(); }
  /// Frames from the bus that the line was too slow for.
  std::uint64_t dropped() const noexcept { return dropped_.load(); }
  /// What came over the line and was no frame.
  std::uint64_t malformed() const noexcept { return malformed_.load(); }
  /// Frames that the bus's interface would not take, or that the line has no words for.
  std::uint64_t refused() const noexcept { return refused_.load(); }

 private:
  using Queue = BoundedQueue<can_frame, kQueuedFrames>;

  /// What one read of the line may bring: for so many frames there must be room before it.
  static constexpr std::size_t kReadBytes = 96;
  static constexpr std::size_t kFramesOfRead = kReadBytes / kShortestSlcanBytes + 1;

  /// A side that writes: watched only while there is something to write.
  struct Outlet {
    DescriptorHandle handle;
    std::atomic<bool> resting{false};

    /// Whoever has put something into the queue.
    void work() noexcept;
    /// The outlet's own job, when it has found the queue empty.
    template <class Empty>
    void rest(const Empty& empty) noexcept;
  };

  void read_serial() noexcept;
  void write_can() noexcept;
  void read_can() noexcept;
  void write_serial() noexcept;
  bool has_room() const noexcept;
  void hold_line() noexcept;
  void release_line() noexcept;

  Ports ports_;
  DescriptorHandle serial_in_;
  DescriptorHandle can_in_;
  Outlet can_out_;
  Outlet serial_out_;
  Queue for_can_;
  Queue for_serial_;
  std::atomic<bool> held_{false};  // the line: set by its job, cleared by whoever lets it go on
  SlcanReader reader_;
  can_frame unsent_{};  // write_can()'s
  bool has_unsent_ = false;
  char line_[kSlcanBytes] = {};  // write_serial()'s: bytes written_ to line_size_ are to go out
  std::size_t line_size_ = 0;
  std::size_t written_ = 0;

  std::atomic<std::uint64_t> to_can_{0};
  std::atomic<std::uint64_t> to_serial_{0};
  std::atomic<std::uint64_t> holds_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_GATEWAY_H_
