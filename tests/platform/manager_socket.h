// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_MANAGER_SOCKET_H_
#define TAKT_TESTS_PLATFORM_MANAGER_SOCKET_H_

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "takt/tests/support/test.h"

namespace takt::test {

/// The service manager's end: a datagram socket at a path, or with an abstract name that the kernel
/// chooses.
class ManagerSocket {
 public:
  enum class Kind { path, abstract };

  explicit ManagerSocket(Kind kind) {
    descriptor_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t bytes = sizeof(sa_family_t);  // nothing else: an abstract name of the kernel's choice
    if (kind == Kind::path) {
      // Not where the test's files go: a socket's path has at most 107 characters.
      char folder[] = "/tmp/takt_XXXXXX";
      if (::mkdtemp(folder) == nullptr) ADD_FAILURE("no directory below /tmp");
      folder_ = folder;
      name_ = folder_ + "/notify";
      name_.copy(address.sun_path, sizeof address.sun_path - 1);
      bytes = static_cast<socklen_t>(sizeof address);
    }
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), bytes) != 0) {
      ADD_FAILURE("cannot bind: %s", std::strerror(errno));
    }
    if (kind == Kind::abstract) {
      bytes = sizeof address;
      ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &bytes);
      name_ = "@" + std::string(address.sun_path + 1, bytes - offsetof(sockaddr_un, sun_path) - 1);
    }
  }
  ~ManagerSocket() {
    hang_up();
    if (folder_.empty()) return;
    ::unlink(name_.c_str());
    ::rmdir(folder_.c_str());
  }
  ManagerSocket(const ManagerSocket&) = delete;
  ManagerSocket& operator=(const ManagerSocket&) = delete;

  /// What NOTIFY_SOCKET holds.
  const char* name() const { return name_.c_str(); }
  /// The manager dies; a path stays behind.
  void hang_up() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  /// The next message; waits for it.
  std::string receive() const {
    char text[512];
    const ssize_t count = ::recv(descriptor_, text, sizeof text, 0);
    return count < 0 ? std::string("nothing") : std::string(text, static_cast<std::size_t>(count));
  }
  /// Whether one is there now.
  bool has_message() const {
    pollfd set{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return ::poll(&set, 1, 0) == 1;
  }

 private:
  std::string folder_;
  std::string name_;
  int descriptor_ = -1;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_MANAGER_SOCKET_H_
