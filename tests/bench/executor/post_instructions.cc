// SPDX-License-Identifier: Apache-2.0
// Posts to a worker that is awake, for callgrind to count (instructions.sh).
// Argument: "stamps" for time stamps, "plain" without.
#include <array>
#include <string_view>

#include "takt/executor/executor.h"
#include "takt/platform/status.h"
#include "takt/sync/latch.h"

namespace {

constexpr int kPosts = 512;  // instructions.sh divides by it

constinit takt::Latch posted{1};

// Named for callgrind's --toggle-collect; the call itself is not part of the post.
[[gnu::noinline]] bool counted_post(takt::Executor& executor) {
  return executor.post([] {}).ok();
}

}  // namespace

int main(int argc, char** argv) {
  static takt::StaticExecutor<takt::ExecutorLimits{.workers = 1, .jobs_per_lane = 1'024}> executor;
  const bool time_stamps = argc == 2 && argv[1] == std::string_view("stamps");
  const std::array workers{takt::WorkerConfig{.name = "bench"}};
  if (const takt::Status started =
          executor.start(workers, {.lock_memory = false, .time_stamps = time_stamps});
      !started.ok()) {
    return takt::report(started);
  }
  // Inside a job a worker counts as awake, whatever it does there.
  takt::Latch awake{1};
  if (const takt::Status status = executor.post([&awake] {
        awake.count_down();
        posted.wait();
      });
      !status.ok()) {
    return takt::report(status);
  }
  awake.wait();
  bool ok = true;
  for (int i = 0; i < kPosts; ++i) ok = counted_post(executor) && ok;
  posted.count_down();
  const takt::Status stopped = executor.stop(takt::StopMode::drain, std::chrono::seconds(10));
  return ok ? takt::report(stopped) : 1;
}
