// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_FAKE_WATCHDOG_H_
#define TAKT_TESTS_PLATFORM_FAKE_WATCHDOG_H_

#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "takt/tests/platform/temporary_tree.h"

namespace takt::test {

/// Plays the kernel's side of /dev/watchdog on a file: what a driver answers to each request, as
/// drivers/watchdog/watchdog_dev.c does. This header defines the program's ioctl(), so that it
/// stands in one source file of a test. What is written to the device is in the file.
struct FakeWatchdog {
  FakeWatchdog() { current = this; }
  ~FakeWatchdog() { current = nullptr; }
  FakeWatchdog(const FakeWatchdog&) = delete;
  FakeWatchdog& operator=(const FakeWatchdog&) = delete;

  /// What was written to the device.
  std::string written() const {
    char text[16] = {};
    std::FILE* const file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return "no file";
    const std::size_t count = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    return {text, count};
  }

  /// The errno of a request, or 0.
  int answer(unsigned long request, void* argument) {
    auto* const number = static_cast<int*>(argument);
    switch (request) {
      case WDIOC_GETSUPPORT: {
        watchdog_info info{};
        info.options = options;
        info.firmware_version = 7;
        std::memcpy(info.identity, "fake", 4);
        std::memcpy(argument, &info, sizeof info);
        return 0;
      }
      case WDIOC_GETBOOTSTATUS:
        *number = static_cast<int>(boot_status);
        return 0;
      case WDIOC_SETTIMEOUT:
        if ((options & WDIOF_SETTIMEOUT) == 0) return EOPNOTSUPP;
        if (*number < 1 || *number > longest) return EINVAL;
        // The next step that the hardware has.
        timeout = (*number + step - 1) / step * step;
        *number = timeout;
        ++feeds;
        return 0;
      case WDIOC_GETTIMEOUT:
        if (timeout == 0) return EOPNOTSUPP;
        *number = timeout;
        return 0;
      case WDIOC_SETPRETIMEOUT:
        if ((options & WDIOF_PRETIMEOUT) == 0) return EOPNOTSUPP;
        if (*number >= timeout) return EINVAL;
        pretimeout = (*number + step - 1) / step * step;
        return 0;
      case WDIOC_GETPRETIMEOUT:
        *number = pretimeout;
        return 0;
      case WDIOC_KEEPALIVE:
        ++feeds;
        return 0;
      case WDIOC_SETOPTIONS:
        if (*number != WDIOS_DISABLECARD) return EINVAL;
        if (old_driver) return ENOTTY;
        if (nowayout) return EBUSY;
        stopped = true;
        return 0;
      default:
        return ENOTTY;
    }
  }

  TemporaryTree tree;
  const std::string path = tree.write("watchdog", "").path("watchdog");
  std::uint32_t options = WDIOF_SETTIMEOUT | WDIOF_KEEPALIVEPING | WDIOF_MAGICCLOSE;
  std::uint32_t boot_status = 0;
  int longest = 120;
  int step = 1;
  bool nowayout = false;
  bool old_driver = false;  // outside the kernel's watchdog core
  int timeout = 60;
  int pretimeout = 0;
  int feeds = 0;
  bool stopped = false;

  static inline FakeWatchdog* current = nullptr;
};

}  // namespace takt::test

/// Requests of watchdogs go to the fake; all others to the kernel.
extern "C" int ioctl(int descriptor, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (takt::test::FakeWatchdog::current != nullptr && _IOC_TYPE(request) == 'W') {
    const int error = takt::test::FakeWatchdog::current->answer(request, argument);
    if (error == 0) return 0;
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_ioctl, descriptor, request, argument));
}

#endif  // TAKT_TESTS_PLATFORM_FAKE_WATCHDOG_H_
