// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/examples/gateway_ports.h"

#include <fcntl.h>
#include <linux/can.h>
#include <net/if.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "takt/platform/text.h"

namespace takt::examples {
namespace {

Status failed(const char* call, const char* what) noexcept {
  const int error = errno;
  Text<Status::kTextBytes> text;
  text << call << ' ' << what;
  return Status::from_errno(error, text.view());
}

/// Closes `descriptor` and says why it is of no use.
Status give_up(int descriptor, const char* call, const char* what) noexcept {
  const Status status = failed(call, what);
  ::close(descriptor);
  return status;
}

}  // namespace

Result<int> open_serial(const char* device) noexcept {
  const int descriptor = ::open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return failed("open", device);
  termios settings{};
  if (::tcgetattr(descriptor, &settings) != 0) return give_up(descriptor, "tcgetattr", device);
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CRTSCTS;
  if (::cfsetspeed(&settings, B115200) != 0 || ::tcsetattr(descriptor, TCSANOW, &settings) != 0) {
    return give_up(descriptor, "tcsetattr", device);
  }
  return descriptor;
}

Result<int> open_can(const char* interface) noexcept {
  const int descriptor = ::socket(PF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
  if (descriptor < 0) return failed("socket(PF_CAN)", interface);
  sockaddr_can address{};
  address.can_family = AF_CAN;
  address.can_ifindex = static_cast<int>(::if_nametoindex(interface));
  if (address.can_ifindex == 0) return give_up(descriptor, "if_nametoindex", interface);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return give_up(descriptor, "bind", interface);
  }
  return descriptor;
}

}  // namespace takt::examples
