// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/status.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using takt::Status;
using takt::StatusCode;

static_assert(sizeof(Status) == 104, "the layout that status.h promises");

TEST(Status, is_ok_by_default) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::ok);
  EXPECT_EQ(status.error_number(), 0);
  EXPECT_EQ(std::string_view(status.text()), "");
}

TEST(Status, keeps_code_errno_and_text_by_value) {
  Status copy;
  {
    char text[] = "worker 'control': SCHED_FIFO 80 denied";
    const Status status(StatusCode::permission_denied, text, EPERM);
    copy = status;
    std::memset(text, 0, sizeof text);
  }
  EXPECT_FALSE(copy.ok());
  EXPECT_EQ(copy.code(), StatusCode::permission_denied);
  EXPECT_EQ(copy.error_number(), EPERM);
  EXPECT_EQ(std::string_view(copy.text()), "worker 'control': SCHED_FIFO 80 denied");
}

TEST(Status, cuts_a_long_text) {
  char text[200];
  std::memset(text, 'x', sizeof text);
  const Status status(StatusCode::failed, std::string_view(text, sizeof text));
  EXPECT_EQ(std::strlen(status.text()), Status::kTextBytes - 1);
}

// "Unwritten when ok" is a promise about cost: the text's bytes keep what was there.
TEST(Status, does_not_write_the_text_of_an_ok_status) {
  Status status(StatusCode::failed, "what was there");
  status = Status();
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(std::string_view(status.text()), "");
  const char* const bytes = reinterpret_cast<const char*>(&status);
  EXPECT_EQ(std::string_view(bytes + 8), "what was there");
}

TEST(Status, survives_assignment_to_itself) {
  Status status(StatusCode::failed, "text");
  const Status& same = status;
  status = same;
  EXPECT_EQ(std::string_view(status.text()), "text");
}

struct ErrnoCase {
  const char* name;
  int error_number;
  StatusCode code;
};
TEST_EACH(Status, maps_an_errno_to_a_code, ErrnoCase{"EPERM", EPERM, StatusCode::permission_denied},
          ErrnoCase{"EACCES", EACCES, StatusCode::permission_denied},
          ErrnoCase{"ENOMEM", ENOMEM, StatusCode::resource_exhausted},
          ErrnoCase{"EAGAIN", EAGAIN, StatusCode::resource_exhausted},
          ErrnoCase{"EMFILE", EMFILE, StatusCode::resource_exhausted},
          ErrnoCase{"ENFILE", ENFILE, StatusCode::resource_exhausted},
          ErrnoCase{"ENOSPC", ENOSPC, StatusCode::resource_exhausted},
          ErrnoCase{"ETIMEDOUT", ETIMEDOUT, StatusCode::timed_out},
          ErrnoCase{"ENOENT", ENOENT, StatusCode::not_found},
          ErrnoCase{"ENXIO", ENXIO, StatusCode::not_found},
          ErrnoCase{"ESRCH", ESRCH, StatusCode::not_found},
          ErrnoCase{"ENODEV", ENODEV, StatusCode::not_found},
          ErrnoCase{"EINVAL", EINVAL, StatusCode::invalid_argument},
          ErrnoCase{"ENOSYS", ENOSYS, StatusCode::unsupported},
          ErrnoCase{"EOPNOTSUPP", EOPNOTSUPP, StatusCode::unsupported},
          ErrnoCase{"EBUSY", EBUSY, StatusCode::unavailable},
          ErrnoCase{"EIO", EIO, StatusCode::system_error}) {
  const Status status = Status::from_errno(param.error_number, "what");
  EXPECT_EQ(status.code(), param.code);
  EXPECT_EQ(status.error_number(), param.error_number);
  EXPECT_EQ(std::string_view(status.text()), "what");
}

TEST(Status, names_every_code) {
  for (auto code = StatusCode::ok; code <= StatusCode::system_error;
       code = static_cast<StatusCode>(static_cast<unsigned>(code) + 1)) {
    EXPECT_NE(std::string_view(to_string(code)), "unknown");
  }
  EXPECT_EQ(std::string_view(to_string(static_cast<StatusCode>(999))), "unknown");
  EXPECT_EQ(std::string_view(to_string(StatusCode::timed_out)), "timed_out");
}

TEST(Status, report_says_nothing_when_ok) {
  const auto outcome = takt::test::run_in_child([] { EXPECT_EQ(takt::report(Status()), 0); });
  EXPECT_TRUE(outcome.exited_with(0));
  EXPECT_EQ(outcome.output, "");
}

TEST(Status, report_writes_one_line) {
  const auto outcome = takt::test::run_in_child([] {
    EXPECT_EQ(takt::report(Status::from_errno(EPERM, "SCHED_FIFO 80 denied")), 1);
    EXPECT_EQ(takt::report(Status(StatusCode::closed, "queue")), 1);
  });
  EXPECT_EQ(outcome.output,
            "takt: permission_denied: SCHED_FIFO 80 denied (EPERM: Operation not permitted)\n"
            "takt: closed: queue\n");
}

}  // namespace
