// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_WATCHDOG_DEVICE_H_
#define TAKT_PLATFORM_WATCHDOG_DEVICE_H_

#include <cstdint>

#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// What a watchdog device shall do. Whole seconds, as the kernel's interface has them.
struct WatchdogDeviceConfig {
  const char* path = "/dev/watchdog";  ///< needed until open() returns
  /// The machine is reset when this long nobody has fed.
  Duration timeout = std::chrono::seconds(10);
  /// What the device may make of it: some have fixed steps, some only one time-out. 0: `timeout`
  /// exactly. open() fails where the device answers with anything outside.
  Duration shortest_timeout{};
  Duration longest_timeout{};
  /// So long before the reset the kernel acts (panic, log: the device's pretimeout governor).
  /// That is `timeout` - `pretimeout` after the last feed: who feeds later meets it.
  /// 0: not asked for; a device without it refuses any other.
  Duration pretimeout{};
};

/// What a watchdog device says of itself and of the last boot.
struct WatchdogDeviceInfo {
  char identity[33] = {};  ///< the driver's name for it, "Software Watchdog"
  std::uint32_t firmware_version = 0;
  bool can_set_timeout = false;
  bool can_set_pretimeout = false;
  bool needs_magic_close = false;      ///< closing without the letter V does not stop it
  bool last_boot_by_watchdog = false;  ///< this device has caused the last reset
  bool last_boot_overheated = false;
  bool last_boot_undervoltage = false;
};

/// A hardware (or softdog) watchdog: Linux' /dev/watchdog (Documentation/watchdog/watchdog-api).
/// It resets the machine unless it is fed; open() starts it.
///
///     [closed] --open--> [running] --disarm--> [closed], stopped
///                            |
///                            '-- nowayout: disarm is refused, the device stays open and goes on
///
/// *nowayout*: a kernel built with CONFIG_WATCHDOG_NOWAYOUT, or a driver loaded with nowayout=1,
/// never stops a watchdog that was started: then a process that ends, however properly, has the
/// machine reset unless another one opens the device in time. Without it, disarm() stops it.
/// The destructor does not disarm and does not close: a daemon that dies is to be noticed.
/// One program at a time can open it (systemd does with RuntimeWatchdogSec=). A fork child that
/// does not exec keeps it open. Owned by one thread at a time.
class WatchdogDevice {
 public:
  constexpr WatchdogDevice() noexcept = default;
  WatchdogDevice(const WatchdogDevice&) = delete;
  WatchdogDevice& operator=(const WatchdogDevice&) = delete;
  ~WatchdogDevice() = default;

  /// Opens and starts the device, sets the time-outs, reads them back and feeds once. On an error
  /// it is stopped and closed again; the text says where it cannot be stopped.
  /// Blocks: as long as the driver. Callable from: the owner.
  /// Errors: failed_precondition it is open; invalid_argument a time-out that is no whole second,
  /// or none; not_found (ENOENT, ENODEV); permission_denied; unavailable (EBUSY) another program
  /// has it; unsupported it is no watchdog, or cannot have such a time-out; those of ioctl(2).
  Status open(const WatchdogDeviceConfig& config = {}) noexcept;

  /// Restarts the time-out. Blocks: as long as the driver. Callable from: the owner.
  /// Errors: failed_precondition it is not open; those of ioctl(2).
  Status feed() noexcept;

  /// Stops the device and closes it. Where it cannot be stopped it stays open, and must be fed on.
  /// Blocks: as long as the driver. Callable from: the owner.
  /// Errors: failed_precondition it is not open, or (EBUSY) nowayout; those of ioctl(2), write(2).
  Status disarm() noexcept;

  /// Leaves the device running and closes it: the machine is reset after timeout(), unless another
  /// program opens it before. For handing over, and for nowayout.
  /// Blocks: no. Callable from: the owner. Errors: failed_precondition it is not open.
  Status abandon() noexcept;

  /// Blocks: no. Callable from: the owner, as all that follow.
  bool is_open() const noexcept { return descriptor_ >= 0; }
  /// As read back from the device.
  Duration timeout() const noexcept { return timeout_; }
  Duration pretimeout() const noexcept { return pretimeout_; }
  const WatchdogDeviceInfo& info() const noexcept { return info_; }

 private:
  Status configure(const WatchdogDeviceConfig& config) noexcept;
  Status read_info() noexcept;
  Status set_timeout(const WatchdogDeviceConfig& config) noexcept;
  Status set_pretimeout(const WatchdogDeviceConfig& config) noexcept;
  Status error(int error_number, const char* what) const noexcept;
  int request(unsigned long number, void* argument) const noexcept;
  void close() noexcept;

  int descriptor_ = -1;
  char path_[28] = {};  // for texts: its end
  Duration timeout_{};
  Duration pretimeout_{};
  WatchdogDeviceInfo info_;
};

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_WATCHDOG_DEVICE_H_
