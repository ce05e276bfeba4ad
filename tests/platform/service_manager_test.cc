// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/service_manager.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "takt/tests/platform/manager_socket.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;
using takt::Status;
using takt::StatusCode;
using takt::platform::parse_watchdog_environment;
using takt::platform::ServiceEnvironment;
using takt::platform::ServiceManager;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::ManagerSocket;
using Kind = ManagerSocket::Kind;

struct Address {
  const char* name;
  Kind kind;
};

TEST_EACH(ServiceManager, speaks_to_a_datagram_socket, Address{"path", Kind::path},
          Address{"abstract", Kind::abstract}) {
  const ManagerSocket socket(param.kind);
  ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name()}));
  EXPECT_TRUE(manager.wanted());
  EXPECT_TRUE(manager.watchdog_timeout() == 0ns);
  EXPECT_OK(manager.ready());
  EXPECT_EQ(socket.receive(), "READY=1");
  EXPECT_OK(manager.feed());
  EXPECT_EQ(socket.receive(), "WATCHDOG=1");
  EXPECT_OK(manager.trigger());
  EXPECT_EQ(socket.receive(), "WATCHDOG=trigger");
  EXPECT_OK(manager.stopping());
  EXPECT_EQ(socket.receive(), "STOPPING=1");
  EXPECT_OK(manager.status("all is well"));
  EXPECT_EQ(socket.receive(), "STATUS=all is well");
  EXPECT_FALSE(socket.has_message());
}

TEST(ServiceManager, a_status_is_one_line) {
  const ManagerSocket socket(Kind::path);
  ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name()}));
  EXPECT_OK(manager.status("hang\nMAINPID=1\x7f\t!"));
  EXPECT_EQ(socket.receive(), "STATUS=hang MAINPID=1  !");
  EXPECT_OK(manager.status(std::string(1000, 'x')));
  EXPECT_EQ(socket.receive(), "STATUS=" + std::string(240, 'x'));
  EXPECT_OK(manager.status(""));
  EXPECT_EQ(socket.receive(), "STATUS=");
}

TEST(ServiceManager, reads_the_environment) {
  const ManagerSocket socket(Kind::abstract);
  const std::string self = std::to_string(::getpid());
  ::setenv("NOTIFY_SOCKET", socket.name(), 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", self.c_str(), 1);
  ServiceManager manager;
  ASSERT_OK(manager.open());
  EXPECT_TRUE(manager.watchdog_timeout() == 3s);
  EXPECT_OK(manager.ready());
  EXPECT_EQ(socket.receive(), "READY=1");
  EXPECT_EQ(manager.open().code(), StatusCode::failed_precondition);
}

TEST(ServiceManager, without_a_socket_nobody_wants_to_know) {
  ServiceManager manager;
  ASSERT_OK(manager.open(ServiceEnvironment{.watchdog_usec = "1000"}));
  EXPECT_FALSE(manager.wanted());
  EXPECT_TRUE(manager.watchdog_timeout() == 0ns);
  const FaultInjection none(SystemCall::sendto, EIO);
  EXPECT_OK(manager.ready());
  EXPECT_OK(manager.feed());
  EXPECT_EQ(none.calls(), 0);
  EXPECT_OK(manager.open(ServiceEnvironment{.notify_socket = ""}));
  EXPECT_FALSE(manager.wanted());
}

struct Bad {
  const char* name;
  ServiceEnvironment environment;
  StatusCode code;
};
TEST_EACH(
    ServiceManager, refuses_what_cannot_be_right,
    Bad{"vsock", {.notify_socket = "vsock:2:1234"}, StatusCode::unsupported},
    Bad{"relative", {.notify_socket = "notify"}, StatusCode::unsupported},
    Bad{"only_at", {.notify_socket = "@"}, StatusCode::unsupported},
    Bad{"usec_text", {.watchdog_usec = "soon"}, StatusCode::invalid_argument},
    Bad{"usec_empty", {.watchdog_usec = ""}, StatusCode::invalid_argument},
    Bad{"usec_zero", {.watchdog_usec = "0"}, StatusCode::invalid_argument},
    Bad{"usec_negative", {.watchdog_usec = "-5"}, StatusCode::invalid_argument},
    Bad{"usec_endless", {.watchdog_usec = "18446744073709551615"}, StatusCode::invalid_argument},
    Bad{"pid_text", {.watchdog_usec = "5", .watchdog_pid = "me"}, StatusCode::invalid_argument},
    Bad{"pid_zero", {.watchdog_usec = "5", .watchdog_pid = "0"}, StatusCode::invalid_argument}) {
  ServiceManager manager;
  const Status refused = manager.open(param.environment);
  EXPECT_EQ(refused.code(), param.code);
  EXPECT_NE(std::string(refused.text()), "");
  EXPECT_FALSE(manager.wanted());
}

TEST(ServiceManager, a_name_is_as_long_as_the_kernel_takes) {
  ServiceManager manager;
  const std::string longest = "@" + std::string(106, 'a');
  EXPECT_OK(manager.open({.notify_socket = longest.c_str()}));
  manager.close();
  const std::string longer = longest + "a";
  EXPECT_EQ(manager.open({.notify_socket = longer.c_str()}).code(), StatusCode::invalid_argument);
}

TEST(ServiceManager, feeds_only_the_process_that_is_meant) {
  Duration timeout{};
  EXPECT_OK(parse_watchdog_environment({.watchdog_usec = "5", .watchdog_pid = "77"}, 77, timeout));
  EXPECT_TRUE(timeout == 5us);
  EXPECT_OK(parse_watchdog_environment({.watchdog_usec = "5", .watchdog_pid = "77"}, 78, timeout));
  EXPECT_TRUE(timeout == 0us);
  EXPECT_OK(parse_watchdog_environment({.watchdog_usec = "5"}, 78, timeout));
  EXPECT_TRUE(timeout == 5us);
}

TEST(ServiceManager, a_manager_that_is_gone_or_busy_is_told) {
  ManagerSocket socket(Kind::path);
  ServiceManager manager;
  ASSERT_OK(manager.open({.notify_socket = socket.name()}));
  Status full;
  while (full.ok()) full = manager.feed();  // the queue holds a few: net.unix.max_dgram_qlen
  EXPECT_EQ(full.error_number(), EAGAIN);
  EXPECT_EQ(full.code(), StatusCode::resource_exhausted);
  socket.hang_up();
  EXPECT_EQ(manager.feed().error_number(), ECONNREFUSED);
  ::unlink(socket.name());
  EXPECT_EQ(manager.feed().code(), StatusCode::not_found);
}

TEST(ServiceManager, finds_the_manager_that_took_its_place) {
  ServiceManager manager;
  ManagerSocket old(Kind::path);
  ASSERT_OK(manager.open({.notify_socket = old.name()}));
  old.hang_up();
  ::unlink(old.name());
  const int next = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string(old.name()).copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(next, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_OK(manager.ready());
  char text[16];
  EXPECT_EQ(::recv(next, text, sizeof text, 0), 7);
  ::close(next);
}

TEST(ServiceManager, refused_calls_are_told) {
  const ManagerSocket socket(Kind::path);
  ServiceManager manager;
  {
    const FaultInjection fault(SystemCall::socket, EMFILE);
    EXPECT_EQ(manager.open({.notify_socket = socket.name()}).code(),
              StatusCode::resource_exhausted);
    EXPECT_FALSE(manager.wanted());
  }
  ASSERT_OK(manager.open({.notify_socket = socket.name()}));
  {
    const FaultInjection interrupted(SystemCall::sendto, EINTR);
    EXPECT_OK(manager.feed());
    EXPECT_EQ(socket.receive(), "WATCHDOG=1");
  }
  const FaultInjection fault(SystemCall::sendto, EPERM);
  EXPECT_EQ(manager.feed().code(), StatusCode::permission_denied);
}

}  // namespace
