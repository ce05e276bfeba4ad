// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/watchdog_device.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>

#include "takt/platform/fault.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using detail::call_through;
using detail::RawResult;
using std::chrono::seconds;

constexpr const char* kNoWayOut = "nowayout: it cannot be stopped and resets unless fed";

/// The end of a path tells more than its beginning.
void write_path(TextWriter& text, std::string_view path) noexcept {
  constexpr std::size_t kShown = 24;
  if (path.size() > kShown) {
    text << "...";
    path.remove_prefix(path.size() - kShown);
  }
  text << path;
}

bool is_whole_seconds(Duration duration) noexcept {
  return duration >= Duration::zero() && duration % seconds(1) == Duration::zero() &&
         duration / seconds(1) <= std::numeric_limits<int>::max();
}

int to_seconds(Duration duration) noexcept { return static_cast<int>(duration / seconds(1)); }

}  // namespace

int WatchdogDevice::request(unsigned long number, void* argument) const noexcept {
  RawResult result{};
  do {
    result = call_through(SystemCall::ioctl,
                          [&]() -> long { return ::ioctl(descriptor_, number, argument); });
  } while (result.error == EINTR);
  return result.error;
}

Status WatchdogDevice::error(int error_number, const char* what) const noexcept {
  Text<Status::kTextBytes> text;
  text << "watchdog '" << path_ << "': " << what;
  switch (error_number) {
    case 0:
    case ENOTTY:
      return {StatusCode::unsupported, text.view(), error_number};
    default:
      return Status::from_errno(error_number, text.view());
  }
}

Status WatchdogDevice::open(const WatchdogDeviceConfig& config) noexcept {
  if (is_open()) return {StatusCode::failed_precondition, "watchdog device: it is open already"};
  if (config.path == nullptr || config.path[0] == '\0') {
    return {StatusCode::invalid_argument, "watchdog device: it has no path"};
  }
  if (config.timeout < seconds(1) || !is_whole_seconds(config.timeout) ||
      !is_whole_seconds(config.pretimeout)) {
    return {StatusCode::invalid_argument, "watchdog device: time-outs are whole seconds"};
  }
  if (config.pretimeout >= config.timeout) {
    return {StatusCode::invalid_argument, "watchdog device: pretimeout comes before timeout"};
  }
  TextWriter path(path_, sizeof path_);
  write_path(path, config.path);
  RawResult opened{};
  do {
    // Writing is what the magic close needs; reading a watchdog is not defined.
    opened = call_through(SystemCall::open,
                          [&]() -> long { return ::open(config.path, O_WRONLY | O_CLOEXEC); });
  } while (opened.error == EINTR);
  switch (opened.error) {
    case 0:
      break;
    case EBUSY:
      return error(EBUSY, "another program has it (systemd: RuntimeWatchdogSec=)");
    case EPERM:
    case EACCES:
      return error(opened.error, "refused: needs root or a udev rule");
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return error(opened.error, "there is none: load its driver, or softdog");
    default:
      return error(opened.error, "cannot be opened");
  }
  descriptor_ = static_cast<int>(opened.value);
  const Status configured = configure(config);
  if (configured.ok()) return {};
  // What has told nothing of itself may be any file: no letter is written there.
  if (info_.identity[0] == '\0') {
    close();
    return configured;
  }
  const Status disarmed = disarm();
  if (disarmed.ok()) return configured;
  close();
  Text<Status::kTextBytes> text;
  text << configured.text() << "; it still runs, and resets";
  return {configured.code(), text.view(), configured.error_number()};
}

Status WatchdogDevice::configure(const WatchdogDeviceConfig& config) noexcept {
  info_ = {};
  if (Status status = read_info(); !status.ok()) return status;
  if (Status status = set_timeout(config); !status.ok()) return status;
  if (Status status = set_pretimeout(config); !status.ok()) return status;
  return feed();
}

Status WatchdogDevice::read_info() noexcept {
  watchdog_info info{};
  if (const int failure = request(WDIOC_GETSUPPORT, &info)) {
    return error(failure, "is no watchdog: WDIOC_GETSUPPORT refused");
  }
  static_assert(sizeof info.identity < sizeof info_.identity);
  std::memcpy(info_.identity, info.identity, sizeof info.identity);
  // A nameless device is one all the same.
  if (info_.identity[0] == '\0') info_.identity[0] = '?';
  info_.firmware_version = info.firmware_version;
  info_.can_set_timeout = (info.options & WDIOF_SETTIMEOUT) != 0;
  info_.can_set_pretimeout = (info.options & WDIOF_PRETIMEOUT) != 0;
  info_.needs_magic_close = (info.options & WDIOF_MAGICCLOSE) != 0;
  int flags = 0;
  // Not every driver knows; then nothing is known.
  if (request(WDIOC_GETBOOTSTATUS, &flags) != 0) flags = 0;
  info_.last_boot_by_watchdog = (flags & WDIOF_CARDRESET) != 0;
  info_.last_boot_overheated = (flags & WDIOF_OVERHEAT) != 0;
  info_.last_boot_undervoltage = (flags & WDIOF_POWERUNDER) != 0;
  return {};
}

Status WatchdogDevice::set_timeout(const WatchdogDeviceConfig& config) noexcept {
  int value = to_seconds(config.timeout);
  if (info_.can_set_timeout) {
    if (const int failure = request(WDIOC_SETTIMEOUT, &value)) {
      Text<48> what;
      what << "time-out of " << to_seconds(config.timeout) << " s refused";
      return error(failure, what.c_str());
    }
  }
  if (const int failure = request(WDIOC_GETTIMEOUT, &value)) {
    return error(failure, "does not tell its time-out");
  }
  timeout_ = seconds(value);
  const Duration zero = Duration::zero();
  const Duration shortest =
      config.shortest_timeout > zero ? config.shortest_timeout : config.timeout;
  const Duration longest = config.longest_timeout > zero ? config.longest_timeout : config.timeout;
  if (timeout_ >= shortest && timeout_ <= longest) return {};
  Text<48> what;
  what << "time-out is " << value << " s, asked: " << to_seconds(config.timeout) << " s";
  return error(0, what.c_str());
}

Status WatchdogDevice::set_pretimeout(const WatchdogDeviceConfig& config) noexcept {
  pretimeout_ = Duration::zero();
  int value = to_seconds(config.pretimeout);
  if (!info_.can_set_pretimeout) {
    return value == 0 ? Status() : error(0, "has no pretimeout: leave it out");
  }
  if (const int failure = request(WDIOC_SETPRETIMEOUT, &value)) {
    return error(failure, "pretimeout refused");
  }
  if (const int failure = request(WDIOC_GETPRETIMEOUT, &value)) {
    return error(failure, "does not tell its pretimeout");
  }
  pretimeout_ = seconds(value);
  if (pretimeout_ == config.pretimeout) return {};
  Text<48> what;
  what << "pretimeout is " << value << " s, asked: " << to_seconds(config.pretimeout) << " s";
  return error(0, what.c_str());
}

Status WatchdogDevice::feed() noexcept {
  if (!is_open()) return {StatusCode::failed_precondition, "watchdog device: it is not open"};
  int unused = 0;
  const int failure = request(WDIOC_KEEPALIVE, &unused);
  return failure == 0 ? Status() : error(failure, "cannot be fed");
}

Status WatchdogDevice::disarm() noexcept {
  if (!is_open()) return {StatusCode::failed_precondition, "watchdog device: it is not open"};
  // The kernel closes silently what it does not stop; this request says so.
  int options = WDIOS_DISABLECARD;
  const int failure = request(WDIOC_SETOPTIONS, &options);
  if (failure == EBUSY) {
    Text<Status::kTextBytes> text;
    text << "watchdog '" << path_ << "': " << kNoWayOut;
    return {StatusCode::failed_precondition, text.view(), EBUSY};
  }
  // Drivers without the request are stopped by closing, and the letter.
  const bool asked_in_vain = failure == ENOTTY || failure == EOPNOTSUPP;
  if (failure != 0 && !asked_in_vain) return error(failure, "cannot be stopped");
  if (info_.needs_magic_close) {
    RawResult written{};
    do {
      written =
          call_through(SystemCall::write, [&]() -> long { return ::write(descriptor_, "V", 1); });
    } while (written.error == EINTR);
    if (written.error != 0) return error(written.error, "cannot be stopped: V refused");
  }
  close();
  return {};
}

Status WatchdogDevice::abandon() noexcept {
  if (!is_open()) return {StatusCode::failed_precondition, "watchdog device: it is not open"};
  close();
  return {};
}

void WatchdogDevice::close() noexcept {
  // Whatever close says, the descriptor is gone.
  static_cast<void>(
      call_through(SystemCall::close, [&]() -> long { return ::close(descriptor_); }));
  descriptor_ = -1;
}

}  // namespace takt::inline v0::platform
