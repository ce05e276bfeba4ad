// SPDX-License-Identifier: Apache-2.0
// watch(), and start() with watched descriptors, when the system refuses: what and which lane.
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "takt/tests/executor/descriptors.h"
#include "takt/tests/executor/running.h"
#include "takt/tests/support/child.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using takt::LaneId;
using takt::Readiness;
using takt::Status;
using takt::StatusCode;
using takt::WorkerConfig;
using takt::platform::SystemCall;
using takt::test::FaultInjection;
using takt::test::kAnyMemory;
using takt::test::Pipe;

constexpr takt::ExecutorLimits kLimits{.workers = 1, .lanes = 2, .descriptors = 2};
constexpr LaneId kSecond{1};

struct WatchRefusal {
  const char* name;
  SystemCall call;
  int error_number;
  unsigned nth;
  StatusCode code;
  const char* text;  // #: the descriptor
};
// The first watch of a lane opens its poll, with a descriptor to wake who waits there.
TEST_EACH(WatchFault, says_what_is_refused,
          WatchRefusal{"poll", SystemCall::epoll_create1, EMFILE, 1, StatusCode::resource_exhausted,
                       "watch: epoll_create1 failed"},
          WatchRefusal{"wake", SystemCall::eventfd, ENFILE, 1, StatusCode::resource_exhausted,
                       "watch: eventfd failed"},
          WatchRefusal{"wake_in_the_poll", SystemCall::epoll_ctl, ENOMEM, 1,
                       StatusCode::resource_exhausted, "watch: epoll_ctl failed"},
          WatchRefusal{"too_many_watches", SystemCall::epoll_ctl, ENOSPC, 2,
                       StatusCode::resource_exhausted,
                       "watch: descriptor # cannot be watched: raise fs.epoll.max_user_watches"},
          WatchRefusal{"other", SystemCall::epoll_ctl, EIO, 2, StatusCode::system_error,
                       "watch: descriptor # cannot be watched: epoll_ctl failed"}) {
  const auto executor = std::make_unique<takt::StaticExecutor<kLimits>>();
  Pipe pipe;
  const auto watch = [&] {
    return executor->watch(kSecond, pipe.here, Readiness::readable, [] {}).status();
  };
  std::string text(param.text);
  if (const std::size_t mark = text.find('#'); mark != std::string::npos) {
    text.replace(mark, 1, std::to_string(pipe.here));
  }
  {
    const FaultInjection fault(param.call, param.error_number, param.nth);
    const Status status = watch();
    EXPECT_EQ(fault.failures(), 1);
    EXPECT_EQ(status.code(), param.code);
    EXPECT_EQ(status.error_number(), param.error_number);
    EXPECT_EQ(std::string_view(status.text()), text);
  }
  EXPECT_OK(watch());  // nothing of the refused one is left
  EXPECT_EQ(watch().error_number(), EEXIST);
}

// A fork child that starts what its parent watched opens polls of its own.
TEST(WatchFault, start_names_the_lane_whose_poll_is_refused) {
  const auto executor = std::make_unique<takt::StaticExecutor<kLimits>>();
  Pipe pipe;
  ASSERT_OK(executor->watch(kSecond, pipe.here, Readiness::readable, [] {}));
  const takt::test::ChildOutcome outcome = takt::test::run_in_child([&executor] {
    const WorkerConfig workers[] = {{.name = "worker", .lane = kSecond}};
    const FaultInjection fault(SystemCall::epoll_create1, EMFILE);
    const Status status = executor->start(workers, kAnyMemory);
    EXPECT_EQ(fault.failures(), 1);
    EXPECT_EQ(status.code(), StatusCode::resource_exhausted);
    EXPECT_EQ(status.error_number(), EMFILE);
    EXPECT_EQ(std::string_view(status.text()), "start: lane 1: epoll_create1 failed");
    EXPECT_FALSE(executor->running());
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
}

}  // namespace
