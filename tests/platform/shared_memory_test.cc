// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/platform/fault.h"
#include "takt/platform/memory.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/shared_memory_name.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Result;
using takt::Status;
using takt::StatusCode;
using takt::platform::SharedMemory;
using takt::platform::SystemCall;
using takt::test::FaultInjection;

constexpr std::size_t kBytes = 10'000;  // not whole pages

static_assert(!std::is_copy_constructible_v<SharedMemory>);
static_assert(std::is_nothrow_move_constructible_v<SharedMemory>);
static_assert(std::is_nothrow_move_assignable_v<SharedMemory>);

/// A name of this case's own, gone with this object.
class Name {
 public:
  Name() : text_(takt::test::shared_memory_name()) {}
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  ~Name() { ::shm_unlink(text_.c_str()); }
  [[nodiscard]] const char* c_str() const { return text_.c_str(); }

 private:
  std::string text_;
};

bool contains(const Status& status, std::string_view part) {
  return std::string_view(status.text()).find(part) != std::string_view::npos;
}

/// Descriptors below this are open or not; a leak raises it.
int lowest_free_descriptor() {
  const int lowest = ::dup(STDERR_FILENO);
  ::close(lowest);
  return lowest;
}

TEST(SharedMemory, is_zero_and_seen_by_who_opens_it) {
  const Name name;
  Result<SharedMemory> created = SharedMemory::create(name.c_str(), kBytes);
  ASSERT_OK(created);
  ASSERT_EQ(created->memory().size(), kBytes);
  EXPECT_EQ(created->descriptor(), -1);
  EXPECT_TRUE(std::ranges::all_of(created->memory(), [](std::byte b) { return b == std::byte{}; }));
  Result<SharedMemory> opened = SharedMemory::open(name.c_str(), kBytes);
  ASSERT_OK(opened);
  EXPECT_NE(opened->memory().data(), created->memory().data());
  opened->memory()[kBytes - 1] = std::byte{7};
  EXPECT_EQ(std::to_integer<int>(created->memory()[kBytes - 1]), 7);
}

TEST(SharedMemory, outlives_its_creator_and_its_name) {
  const Name name;
  Result<SharedMemory> opened = Status(StatusCode::not_found, "not yet");
  {
    Result<SharedMemory> created = SharedMemory::create(name.c_str(), kBytes);
    ASSERT_OK(created);
    created->memory()[0] = std::byte{3};
    opened = SharedMemory::open(name.c_str(), kBytes);
    ASSERT_OK(opened);
  }
  EXPECT_OK(SharedMemory::unlink(name.c_str()));
  EXPECT_EQ(std::to_integer<int>(opened->memory()[0]), 3);
  EXPECT_EQ(SharedMemory::open(name.c_str(), kBytes).code(), StatusCode::not_found);
  EXPECT_EQ(SharedMemory::unlink(name.c_str()).code(), StatusCode::not_found);
}

TEST(SharedMemory, is_seen_by_another_process_at_another_address) {
  const Name name;
  Result<SharedMemory> created = SharedMemory::create(name.c_str(), kBytes);
  ASSERT_OK(created);
  const auto child = takt::test::run_in_child([&] {
    Result<SharedMemory> opened = SharedMemory::open(name.c_str(), kBytes);
    ASSERT_OK(opened);
    EXPECT_NE(opened->memory().data(), created->memory().data());
    opened->memory()[5] = std::byte{9};
  });
  EXPECT_TRUE(child.exited_with(0));
  EXPECT_EQ(std::to_integer<int>(created->memory()[5]), 9);
}

TEST(SharedMemory, anonymous_is_inherited_and_passed_on) {
  Result<SharedMemory> created = SharedMemory::create_anonymous("takt test", kBytes);
  ASSERT_OK(created);
  EXPECT_GE(created->descriptor(), 0);
  const auto child = takt::test::run_in_child([&] {
    created->memory()[1] = std::byte{1};  // the parent's, inherited
    Result<SharedMemory> opened = SharedMemory::from_descriptor(created->descriptor(), kBytes);
    ASSERT_OK(opened);
    EXPECT_EQ(opened->descriptor(), -1);
    opened->memory()[2] = std::byte{2};
  });
  EXPECT_TRUE(child.exited_with(0));
  EXPECT_EQ(std::to_integer<int>(created->memory()[1]), 1);
  EXPECT_EQ(std::to_integer<int>(created->memory()[2]), 2);
  // Sealed: nobody takes pages away under those who use them.
  EXPECT_EQ(::ftruncate(created->descriptor(), 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SharedMemory, moves) {
  Result<SharedMemory> created = SharedMemory::create_anonymous("takt test", kBytes);
  ASSERT_OK(created);
  std::byte* const address = created->memory().data();
  SharedMemory moved(std::move(*created));
  EXPECT_EQ(moved.memory().data(), address);
  EXPECT_TRUE(created->memory().empty());
  EXPECT_EQ(created->descriptor(), -1);
  Result<SharedMemory> other = SharedMemory::create_anonymous("other", kBytes);
  ASSERT_OK(other);
  const std::byte* const replaced = other->memory().data();
  *other = std::move(moved);
  EXPECT_EQ(other->memory().data(), address);
  EXPECT_FALSE(takt::platform::is_mapped(replaced));
  *other = SharedMemory();
  EXPECT_FALSE(takt::platform::is_mapped(address));
}

TEST(SharedMemory, releases_its_descriptors) {
  const Name name;
  const int lowest = lowest_free_descriptor();
  {
    ASSERT_OK(SharedMemory::create(name.c_str(), kBytes));
    ASSERT_OK(SharedMemory::open(name.c_str(), kBytes));
    ASSERT_OK(SharedMemory::create_anonymous("takt test", kBytes));
  }
  EXPECT_EQ(lowest_free_descriptor(), lowest);
}

TEST(SharedMemory, creation_is_exclusive) {
  const Name name;
  Result<SharedMemory> created = SharedMemory::create(name.c_str(), kBytes);
  ASSERT_OK(created);
  const Status status = SharedMemory::create(name.c_str(), kBytes).status();
  EXPECT_EQ(status.error_number(), EEXIST);
  EXPECT_TRUE(contains(status, name.c_str()) && contains(status, "unlink it first"));
  EXPECT_OK(SharedMemory::open(name.c_str(), kBytes));  // the refusal has not removed it
}

TEST(SharedMemory, another_size_is_refused) {
  const Name name;
  Result<SharedMemory> created = SharedMemory::create(name.c_str(), kBytes);
  ASSERT_OK(created);
  for (const std::size_t bytes : {kBytes - 1, kBytes + 1}) {
    const Status status = SharedMemory::open(name.c_str(), bytes).status();
    EXPECT_EQ(status.code(), StatusCode::failed_precondition);
    EXPECT_TRUE(contains(status, "has 10000 bytes, not "));
  }
  Result<SharedMemory> anonymous = SharedMemory::create_anonymous("takt test", kBytes);
  ASSERT_OK(anonymous);
  EXPECT_EQ(SharedMemory::from_descriptor(anonymous->descriptor(), 1).code(),
            StatusCode::failed_precondition);
}

// Between shm_open and fallocate of the process that creates it.
TEST(SharedMemory, one_that_is_being_created_is_unavailable) {
  const Name name;
  const int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  ASSERT_GE(descriptor, 0);
  EXPECT_EQ(SharedMemory::open(name.c_str(), kBytes).code(), StatusCode::unavailable);
  ::close(descriptor);
}

TEST(SharedMemory, has_the_mode_that_was_asked_for) {
  const Name name;
  ::umask(0);
  ASSERT_OK(SharedMemory::create(name.c_str(), kBytes, 0640));
  struct stat file {};
  ASSERT_EQ(::stat(("/dev/shm" + std::string(name.c_str())).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0640U);
}

TEST_EACH(SharedMemory, names_that_are_none_are_refused, "", "/", "motor", "/motor/left", "//") {
  for (const Status& status :
       {SharedMemory::create(param, kBytes).status(), SharedMemory::open(param, kBytes).status(),
        SharedMemory::unlink(param)}) {
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_TRUE(contains(status, "a name is '/' and"));
  }
}

TEST(SharedMemory, a_long_name_is_refused_and_shown_by_its_end) {
  const std::string name = "/" + std::string(300, 'a') + "end";
  const Status status = SharedMemory::create(name.c_str(), kBytes).status();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_TRUE(contains(status, "aaaend': shm_open: a name is"));
}

TEST(SharedMemory, no_bytes_are_refused) {
  const Name name;
  EXPECT_EQ(SharedMemory::create(name.c_str(), 0).code(), StatusCode::invalid_argument);
  EXPECT_EQ(SharedMemory::open(name.c_str(), 0).code(), StatusCode::invalid_argument);
  EXPECT_EQ(SharedMemory::create_anonymous("takt test", 0).code(), StatusCode::invalid_argument);
  EXPECT_EQ(SharedMemory::create_anonymous("takt test", SIZE_MAX).code(),
            StatusCode::invalid_argument);
  EXPECT_EQ(SharedMemory::from_descriptor(-1, kBytes).status().error_number(), EBADF);
}

/// A call that the system refuses, and what the message says about it.
struct Refusal {
  const char* name;
  SystemCall call;
  int error;
  const char* text;
};

TEST_EACH(SharedMemory, a_refused_creation_leaves_nothing_behind,
          Refusal{"shm_open", SystemCall::shm_open, EMFILE, "shm_open failed"},
          Refusal{"denied", SystemCall::shm_open, EACCES, "shm_open: not permitted"},
          Refusal{"fallocate", SystemCall::fallocate, ENOSPC, "no room; see df /dev/shm"},
          Refusal{"mmap", SystemCall::mmap, ENOMEM, "mmap: no address space"}) {
  const Name name;
  const int lowest = lowest_free_descriptor();
  {
    const FaultInjection fault(param.call, param.error);
    const Status status = SharedMemory::create(name.c_str(), kBytes).status();
    EXPECT_EQ(status.error_number(), param.error);
    EXPECT_TRUE(contains(status, name.c_str()) && contains(status, param.text));
  }
  EXPECT_EQ(lowest_free_descriptor(), lowest);
  EXPECT_OK(SharedMemory::create(name.c_str(), kBytes));  // the name is free
}

TEST_EACH(SharedMemory, a_refused_opening_leaves_nothing_behind,
          Refusal{"shm_open", SystemCall::shm_open, EACCES, "shm_open: not permitted"},
          Refusal{"fstat", SystemCall::fstat, EIO, "fstat failed"},
          Refusal{"mmap", SystemCall::mmap, EAGAIN, "mmap failed"}) {
  const Name name;
  ASSERT_OK(SharedMemory::create(name.c_str(), kBytes));
  const int lowest = lowest_free_descriptor();
  {
    const FaultInjection fault(param.call, param.error);
    const Status status = SharedMemory::open(name.c_str(), kBytes).status();
    EXPECT_EQ(status.error_number(), param.error);
    EXPECT_TRUE(contains(status, name.c_str()) && contains(status, param.text));
  }
  EXPECT_EQ(lowest_free_descriptor(), lowest);
  EXPECT_OK(SharedMemory::open(name.c_str(), kBytes));
}

TEST_EACH(SharedMemory, a_refused_anonymous_creation_leaves_nothing_behind,
          Refusal{"memfd_create", SystemCall::memfd_create, ENOSYS, "memfd_create failed"},
          Refusal{"fallocate", SystemCall::fallocate, ENOSPC, "fallocate of 10000"},
          Refusal{"fcntl", SystemCall::fcntl, EPERM, "fcntl(F_ADD_SEALS) failed"},
          Refusal{"mmap", SystemCall::mmap, ENOMEM, "mmap: no address space"}) {
  const int lowest = lowest_free_descriptor();
  const FaultInjection fault(param.call, param.error);
  const Status status = SharedMemory::create_anonymous("ring", kBytes).status();
  EXPECT_EQ(status.error_number(), param.error);
  EXPECT_TRUE(contains(status, "'ring'") && contains(status, param.text));
  EXPECT_EQ(lowest_free_descriptor(), lowest);
}

TEST(SharedMemory, a_refused_unlink_keeps_its_errno) {
  const FaultInjection fault(SystemCall::shm_unlink, EACCES);
  const Status status = SharedMemory::unlink("/motor");
  EXPECT_EQ(status.code(), StatusCode::permission_denied);
  EXPECT_TRUE(contains(status, "'/motor': shm_unlink: only its owner may"));
}

TEST_EACH(SharedMemory, goes_on_after_a_signal, SystemCall::shm_open, SystemCall::fallocate,
          SystemCall::fstat, SystemCall::mmap) {
  const Name name;
  const FaultInjection fault(param, EINTR);
  ASSERT_OK(SharedMemory::create(name.c_str(), kBytes));
  ASSERT_OK(SharedMemory::open(name.c_str(), kBytes));
  EXPECT_EQ(fault.failures(), 1);
}

}  // namespace
