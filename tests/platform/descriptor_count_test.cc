// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/descriptor_count.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>

#include "takt/tests/platform/directory_entry.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using takt::StatusCode;
using takt::platform::count_descriptors;
using takt::platform::DescriptorCount;
using takt::platform::SystemCall;
using takt::platform::take_directory_entry;
using takt::test::directory_entry;
using takt::test::FaultInjection;
using takt::test::TemporaryTree;

/// A made-up /proc whose process has the descriptors that were added.
class ProcTree : public TemporaryTree {
 public:
  ProcTree() { std::filesystem::create_directories(path("self/fd")); }
  ProcTree& descriptor(const std::string& name, const std::string& target) {
    std::filesystem::create_symlink(target, path("self/fd/" + name));
    return *this;
  }
};

TEST(DescriptorCount, counts_those_of_this_process) {
  const auto before = count_descriptors();
  ASSERT_OK(before);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const auto with = count_descriptors();
  ASSERT_OK(with);
  EXPECT_EQ(with->open, before->open + 3);
  EXPECT_EQ(with->sockets, before->sockets + 2);
  for (const int descriptor : {file, pair[0], pair[1]}) ::close(descriptor);
  const auto after = count_descriptors();
  ASSERT_OK(after);
  EXPECT_EQ(after->open, before->open);
  EXPECT_EQ(after->sockets, before->sockets);
}

TEST(DescriptorCount, reads_targets) {
  ProcTree proc;
  proc.descriptor("2000", "socket:[123]").descriptor("2001", "/dev/null");
  proc.descriptor("2002", "socket").descriptor("2003", "anon_inode:[eventpoll]");
  proc.descriptor("2004", "socket:").descriptor("no_number", "socket:[1]");
  proc.descriptor("99999999999", "socket:[1]");
  const auto count = count_descriptors(proc.root());
  ASSERT_OK(count);
  EXPECT_EQ(count->open, 5U);
  EXPECT_EQ(count->sockets, 2U);
}

TEST(DescriptorCount, has_a_bound) {
  ProcTree proc;
  for (std::uint32_t i = 0; i < takt::platform::kMaxCountedDescriptors + 10; ++i) {
    proc.descriptor(std::to_string(10'000 + i), "x");
  }
  const auto count = count_descriptors(proc.root());
  ASSERT_OK(count);
  EXPECT_EQ(count->open, takt::platform::kMaxCountedDescriptors);
}

TEST(DescriptorCount, says_what_is_missing) {
  EXPECT_EQ(count_descriptors("/nowhere").code(), StatusCode::not_found);
  const std::string too_long(300, 'x');
  EXPECT_FALSE(count_descriptors(too_long.c_str()).ok());
  const TemporaryTree file;
  EXPECT_FALSE(count_descriptors(TemporaryTree().write("self/fd", "a file").root()).ok());
}

TEST(DescriptorCount, says_what_was_refused) {
  {
    const FaultInjection fault(SystemCall::open, EMFILE);
    EXPECT_EQ(count_descriptors().code(), StatusCode::resource_exhausted);
  }
  {
    const FaultInjection fault(SystemCall::getdents64, EIO);
    const auto count = count_descriptors();
    EXPECT_EQ(count.code(), StatusCode::system_error);
    EXPECT_EQ(count.status().error_number(), EIO);
  }
  const auto after = count_descriptors();
  // What was refused left no descriptor behind.
  EXPECT_EQ(after->open, count_descriptors()->open);
}

// Listed, and gone when its target is asked for: it counts, as no socket.
TEST(DescriptorCount, survives_one_that_vanishes) {
  ProcTree proc;
  proc.descriptor("2000", "socket:[1]").descriptor("2001", "socket:[2]");
  const FaultInjection fault(SystemCall::readlinkat, ENOENT);
  const auto count = count_descriptors(proc.root());
  ASSERT_OK(count);
  EXPECT_EQ(count->open, 2U);
  EXPECT_EQ(count->sockets, 1U);
}

TEST(DescriptorCount, survives_a_directory_that_changes) {
  ProcTree proc;
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 10; ++i) proc.descriptor(std::to_string(3000 + i), "socket:[1]");
      for (int i = 0; i < 10; ++i)
        std::filesystem::remove(proc.path("self/fd/" + std::to_string(3000 + i)));
    }
    done = true;
  });
  while (!done.load()) {
    const auto count = count_descriptors(proc.root());
    EXPECT_OK(count);
    EXPECT_LE(count->sockets, count->open);
  }
  changer.join();
}

TEST(DirectoryEntry, is_taken_as_long_as_it_is_whole) {
  const std::string two = directory_entry("12") + directory_entry("socket-long-name");
  auto entries = std::as_bytes(std::span(two.data(), two.size()));
  std::string_view name;
  ASSERT_TRUE(take_directory_entry(entries, name));
  EXPECT_EQ(name, "12");
  ASSERT_TRUE(take_directory_entry(entries, name));
  EXPECT_EQ(name, "socket-long-name");
  EXPECT_TRUE(entries.empty());
  EXPECT_FALSE(take_directory_entry(entries, name));
  // Cut anywhere, the last one is not there.
  for (std::size_t length = 0; length < two.size(); ++length) {
    const std::string cut(two.data(), length);
    auto rest = std::as_bytes(std::span(cut.data(), cut.size()));
    int taken = 0;
    while (take_directory_entry(rest, name)) ++taken;
    EXPECT_LE(taken, 1);
  }
}

}  // namespace
