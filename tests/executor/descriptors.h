// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_DESCRIPTORS_H_
#define TAKT_TESTS_EXECUTOR_DESCRIPTORS_H_

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "takt/tests/support/test.h"

namespace takt::test {

/// Two descriptors that are closed at the end of the scope.
class DescriptorPair {
 public:
  DescriptorPair() = default;
  ~DescriptorPair() {
    close_here();
    close_there();
  }
  DescriptorPair(const DescriptorPair&) = delete;
  DescriptorPair& operator=(const DescriptorPair&) = delete;

  void put() const { EXPECT_EQ(::write(there, "x", 1), 1); }
  void close_here() { close_one(here); }
  void close_there() { close_one(there); }

  int here = -1;
  int there = -1;

 private:
  static void close_one(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
};

/// What is written to `there` can be read from `here`.
struct Pipe : DescriptorPair {
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    here = ends[0];
    there = ends[1];
  }
};

struct SocketPair : DescriptorPair {
  SocketPair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    here = ends[0];
    there = ends[1];
  }
};

/// Reads one byte; whether there was one.
inline bool take_byte(int descriptor) {
  char byte = 0;
  return ::read(descriptor, &byte, 1) == 1;
}

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_DESCRIPTORS_H_
