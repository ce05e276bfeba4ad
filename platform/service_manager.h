// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_SERVICE_MANAGER_H_
#define TAKT_PLATFORM_SERVICE_MANAGER_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string_view>

#include "takt/platform/status.h"
#include "takt/platform/time.h"

namespace takt::inline v0::platform {

/// What a service manager tells a service in its environment (sd_notify(3),
/// sd_watchdog_enabled(3)); null: the variable is not there.
struct ServiceEnvironment {
  const char* notify_socket = nullptr;  ///< NOTIFY_SOCKET
  const char* watchdog_usec = nullptr;  ///< WATCHDOG_USEC
  const char* watchdog_pid = nullptr;   ///< WATCHDOG_PID

  /// Of this process; valid as long as nobody changes the environment.
  /// Blocks: no. Callable from: any thread, while no other one changes the environment.
  static ServiceEnvironment of_process() noexcept;
};

/// Tells the service manager (systemd, or whoever speaks its protocol) how the service is:
/// datagrams to NOTIFY_SOCKET. By hand, without libsystemd. Without the variable nobody wants to
/// know: all calls succeed and do nothing. Never blocks: a manager whose queue is full misses the
/// message, and the caller hears of it.
///
/// After open() all calls but close() may come from several threads at a time.
class ServiceManager {
 public:
  constexpr ServiceManager() noexcept = default;
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  /// Closes the socket.
  ~ServiceManager() { close(); }

  /// Reads the environment and makes the socket. `process` is for WATCHDOG_PID: the feeding that it
  /// asks for is for the process of that id alone; 0: the calling one.
  /// Blocks: no. Callable from: one thread, before the others. Errors: failed_precondition it is
  /// open; invalid_argument a variable that cannot be right; unsupported an address that is neither
  /// a path nor abstract (@...); those of socket(2).
  Status open(const ServiceEnvironment& environment = ServiceEnvironment::of_process(),
              std::int32_t process = 0) noexcept;
  /// Blocks: no. Callable from: one thread, after the others.
  void close() noexcept;

  /// Whether open() went well, whoever is to be told. Blocks: no. Callable from: any thread.
  bool is_open() const noexcept { return open_; }
  /// Whether there is somebody to tell. Blocks: no. Callable from: any thread.
  bool wanted() const noexcept { return descriptor_ >= 0; }
  /// The service is restarted when it was not fed for so long: feed at half of it. 0: it need not
  /// be fed. Blocks: no. Callable from: any thread.
  Duration watchdog_timeout() const noexcept { return watchdog_timeout_; }

  /// READY=1: start-up is over. This and all that follow. Blocks: no. Bound: one system call.
  /// Callable from: any thread, jobs included. Errors: resource_exhausted (EAGAIN) the manager does
  /// not keep up; not_found (ENOENT), system_error (ECONNREFUSED) it is gone; those of sendto(2).
  Status ready() const noexcept;
  /// WATCHDOG=1: the service is well.
  Status feed() const noexcept;
  /// WATCHDOG=trigger: the service is not well, and wants to be treated as if it had not fed.
  Status trigger() const noexcept;
  /// STOPPING=1: the service ends.
  Status stopping() const noexcept;
  /// STATUS=`text`, one line for people. Control characters become blanks, since a line break would
  /// begin another message; what is beyond 240 characters is cut.
  Status status(std::string_view text) const noexcept;

 private:
  Status parse_address(const char* name) noexcept;
  Status send(std::string_view message) const noexcept;

  bool open_ = false;
  int descriptor_ = -1;
  Duration watchdog_timeout_{};
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
};

/// The time-out that WATCHDOG_USEC and WATCHDOG_PID ask of process `process`; 0: none. A pure
/// function. Blocks: no. Bound: O(characters). Callable from: anywhere.
/// Errors: invalid_argument no number, or a time-out of 0 or beyond 292 years.
Status parse_watchdog_environment(const ServiceEnvironment& environment, std::int32_t process,
                                  Duration& timeout) noexcept;

}  // namespace takt::inline v0::platform

#endif  // TAKT_PLATFORM_SERVICE_MANAGER_H_
