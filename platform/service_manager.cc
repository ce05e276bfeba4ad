// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/service_manager.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "takt/platform/fault.h"
#include "takt/platform/number_text.h"
#include "takt/platform/raw_call.h"
#include "takt/platform/text.h"

namespace takt::inline v0::platform {
namespace {

using detail::call_through;
using detail::RawResult;

constexpr std::size_t kLineBytes = 240;

}  // namespace

ServiceEnvironment ServiceEnvironment::of_process() noexcept {
  // NOLINTBEGIN(concurrency-mt-unsafe): as the comment there says.
  return {.notify_socket = std::getenv("NOTIFY_SOCKET"),
          .watchdog_usec = std::getenv("WATCHDOG_USEC"),
          .watchdog_pid = std::getenv("WATCHDOG_PID")};
  // NOLINTEND(concurrency-mt-unsafe)
}

Status parse_watchdog_environment(const ServiceEnvironment& environment, std::int32_t process,
                                  Duration& timeout) noexcept {
  timeout = Duration::zero();
  if (environment.watchdog_usec == nullptr) return {};
  if (environment.watchdog_pid != nullptr) {
    std::int32_t wanted = 0;
    if (!detail::parse_number(environment.watchdog_pid, wanted) || wanted <= 0) {
      return {StatusCode::invalid_argument, "WATCHDOG_PID: no process id"};
    }
    if (wanted != process) return {};  // inherited, meant for another process
  }
  std::uint64_t microseconds = 0;
  constexpr std::uint64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1000;
  if (!detail::parse_number(environment.watchdog_usec, microseconds) || microseconds == 0 ||
      microseconds > kLimit) {
    return {StatusCode::invalid_argument, "WATCHDOG_USEC: no time-out in microseconds"};
  }
  timeout = std::chrono::microseconds(microseconds);
  return {};
}

Status ServiceManager::parse_address(const char* name) noexcept {
  const std::string_view path(name);
  if (path.size() < 2 || (path[0] != '/' && path[0] != '@')) {
    // "vsock:" is for virtual machines that tell their host.
    return {StatusCode::unsupported, "NOTIFY_SOCKET: neither a path nor an abstract name (@...)"};
  }
  if (path.size() >= sizeof address_.sun_path) {
    return {StatusCode::invalid_argument, "NOTIFY_SOCKET: longer than 107 characters"};
  }
  address_ = {};
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, path.data(), path.size());
  const bool abstract = path[0] == '@';
  // An abstract name begins with a null and has no null at its end.
  if (abstract) address_.sun_path[0] = '\0';
  address_bytes_ =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return {};
}

Status ServiceManager::open(const ServiceEnvironment& environment, std::int32_t process) noexcept {
  if (wanted()) return {StatusCode::failed_precondition, "service manager: it is open already"};
  open_ = false;
  Duration timeout{};
  if (process == 0) process = static_cast<std::int32_t>(::getpid());
  if (Status status = parse_watchdog_environment(environment, process, timeout); !status.ok()) {
    return status;
  }
  watchdog_timeout_ = Duration::zero();
  if (environment.notify_socket == nullptr || environment.notify_socket[0] == '\0') {
    open_ = true;
    return {};
  }
  if (Status status = parse_address(environment.notify_socket); !status.ok()) return status;
  const RawResult made = call_through(SystemCall::socket, []() -> long {
    return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  });
  if (made.error != 0) return Status::from_errno(made.error, "service manager: no socket");
  descriptor_ = static_cast<int>(made.value);
  open_ = true;
  watchdog_timeout_ = timeout;
  return {};
}

void ServiceManager::close() noexcept {
  open_ = false;
  if (!wanted()) return;
  // Whatever close says, the descriptor is gone.
  static_cast<void>(
      call_through(SystemCall::close, [&]() -> long { return ::close(descriptor_); }));
  descriptor_ = -1;
  watchdog_timeout_ = Duration::zero();
}

Status ServiceManager::send(std::string_view message) const noexcept {
  if (!wanted()) return {};
  RawResult sent{};
  do {
    // Addressed each time: a manager that was replaced has another socket under the same name.
    sent = call_through(SystemCall::sendto, [&]() -> long {
      return ::sendto(descriptor_, message.data(), message.size(), MSG_NOSIGNAL,
                      reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
    });
  } while (sent.error == EINTR);
  if (sent.error == 0) return {};
  constexpr std::size_t kShown = 24;
  Text<Status::kTextBytes> text;
  text << "service manager: '" << detail::beginning(message, kShown) << "' not taken: ";
  switch (sent.error) {
    case EAGAIN:
      text << "its queue is full";
      break;
    case ENOENT:
    case ECONNREFUSED:
      text << "it is gone";
      break;
    default:
      text << "sendto failed";
      break;
  }
  return Status::from_errno(sent.error, text.view());
}

Status ServiceManager::ready() const noexcept { return send("READY=1"); }
Status ServiceManager::feed() const noexcept { return send("WATCHDOG=1"); }
Status ServiceManager::trigger() const noexcept { return send("WATCHDOG=trigger"); }
Status ServiceManager::stopping() const noexcept { return send("STOPPING=1"); }

Status ServiceManager::status(std::string_view text) const noexcept {
  constexpr std::string_view kKey = "STATUS=";
  Text<kKey.size() + kLineBytes + 1> message;
  message << kKey;
  for (const char character : detail::beginning(text, kLineBytes)) {
    const auto code = static_cast<unsigned char>(character);
    message << (code < 0x20 || code == 0x7F ? ' ' : character);
  }
  return send(message.view());
}

}  // namespace takt::inline v0::platform
