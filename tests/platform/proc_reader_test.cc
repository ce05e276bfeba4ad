// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/proc_reader.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "takt/platform/futex.h"
#include "takt/platform/thread_id.h"
#include "takt/tests/platform/proc_samples.h"
#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/platform/wait_until_asleep.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Status;
using takt::StatusCode;
using namespace takt::platform;  // NOLINT(*-using-namespace): the whole header
using takt::test::kSchedulerStat;
using takt::test::kStat;
using takt::test::kStatus;

/// `text` with its first `from` replaced.
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  return result.replace(result.find(from), from.size(), to);
}

TEST(ProcReader, parses_stat) {
  const auto stat = parse_thread_stat(kStat);
  ASSERT_OK(stat);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->minor_faults, 103);
  EXPECT_EQ(stat->major_faults, 7);
  EXPECT_EQ(stat->user_ticks, 250);
  EXPECT_EQ(stat->system_ticks, 31);
  EXPECT_EQ(stat->processor, 3);
  EXPECT_EQ(stat->real_time_priority, 80);
  EXPECT_EQ(stat->policy, 1);
}

TEST(ProcReader, parses_status) {
  const auto status = parse_thread_status(kStatus);
  ASSERT_OK(status);
  EXPECT_EQ(status->voluntary_switches, 150);
  EXPECT_EQ(status->involuntary_switches, 545);
  EXPECT_EQ(status->resident_kib, 1700);
  EXPECT_EQ(status->locked_kib, 512);
  EXPECT_EQ(status->threads, 3);
  EXPECT_EQ(status->blocked_signals, 0xfffffffe7bfbf027);
}

TEST(ProcReader, parses_the_processs_status) {
  const auto status = parse_process_status(kStatus);
  ASSERT_OK(status);
  EXPECT_EQ(status->resident_kib, 1700);
  EXPECT_EQ(status->peak_resident_kib, 1704);
  EXPECT_EQ(status->locked_kib, 512);
  EXPECT_EQ(status->threads, 3);
}

TEST(ProcReader, reads_the_processs_status_below_another_root) {
  takt::test::TemporaryTree proc;
  EXPECT_EQ(read_process_status(proc.root()).code(), StatusCode::not_found);
  proc.write("self/status", kStatus);
  EXPECT_EQ(read_process_status(proc.root())->resident_kib, 1700);
  proc.write("self/status", std::string(8000, '\n'));
  EXPECT_EQ(read_process_status(proc.root()).code(), StatusCode::resource_exhausted);
}

TEST(ProcReader, parses_schedstat) {
  const auto stat = parse_scheduler_stat(kSchedulerStat);
  ASSERT_OK(stat);
  EXPECT_EQ(stat->running, 123456789ns);
  EXPECT_EQ(stat->waiting, 2345ns);
  EXPECT_EQ(stat->slices, 678);
}

TEST(ProcReader, parses_the_wait_channel) {
  EXPECT_EQ(*parse_wait_channel("futex_wait_queue"), "futex_wait_queue");
  EXPECT_EQ(*parse_wait_channel("0"), "");
  EXPECT_EQ(*parse_wait_channel(""), "");
}

TEST(ProcReader, parses_microseconds) {
  EXPECT_EQ(*parse_microseconds("file", "950000\n"), 950ms);
  EXPECT_EQ(*parse_microseconds("file", "-1\n"), -1us);
  EXPECT_EQ(parse_microseconds("file", "9223372036854776\n").code(), StatusCode::invalid_argument);
}

struct ErrorCase {
  std::string_view name;  // the error's text
  StatusCode code;
  Status (*parse)();
};
TEST_EACH(
    ProcReader, names_file_and_field,
    ErrorCase{"stat: comm is missing", StatusCode::not_found,
              [] { return parse_thread_stat("").status(); }},
    ErrorCase{"stat: state is missing", StatusCode::not_found,
              [] { return parse_thread_stat("1 (a)").status(); }},
    ErrorCase{"stat: state is not a letter", StatusCode::invalid_argument,
              [] { return parse_thread_stat("1 (a) 22 0").status(); }},
    ErrorCase{"stat: minflt is not a number that fits", StatusCode::invalid_argument,
              [] { return parse_thread_stat(replaced(kStat, " 103 ", " -103 ")).status(); }},
    ErrorCase{
        "stat: processor is not a number that fits", StatusCode::invalid_argument,
        [] { return parse_thread_stat(replaced(kStat, " 3 80 ", " 4294967296 80 ")).status(); }},
    ErrorCase{"stat: policy is missing", StatusCode::not_found,
              [] { return parse_thread_stat(kStat.substr(0, kStat.find(" 80 ") + 4)).status(); }},
    ErrorCase{"status: voluntary_ctxt_switches is missing", StatusCode::not_found,
              [] { return parse_thread_status("").status(); }},
    ErrorCase{"status: VmHWM is missing", StatusCode::not_found,
              [] { return parse_process_status(replaced(kStatus, "VmHWM", "VmXXX")).status(); }},
    // A key is a whole key, not the end of another one.
    ErrorCase{"status: voluntary_ctxt_switches is missing", StatusCode::not_found,
              [] { return parse_thread_status("nonvoluntary_ctxt_switches:\t5\n").status(); }},
    ErrorCase{"status: VmRSS is missing", StatusCode::not_found,
              [] { return parse_thread_status(replaced(kStatus, "VmRSS", "VmXXX")).status(); }},
    ErrorCase{"status: VmLck is not a number that fits", StatusCode::invalid_argument,
              [] { return parse_thread_status(replaced(kStatus, " 512 ", " 5x2 ")).status(); }},
    ErrorCase{
        "status: Threads is missing", StatusCode::not_found,
        [] { return parse_thread_status(replaced(kStatus, "Threads:\t3", "Threads:")).status(); }},
    ErrorCase{"status: SigBlk is missing", StatusCode::not_found,
              [] { return parse_thread_status(replaced(kStatus, "SigBlk", "SigXXX")).status(); }},
    ErrorCase{
        "status: SigBlk is not a number that fits", StatusCode::invalid_argument,
        [] { return parse_thread_status(replaced(kStatus, "7bfbf027", "7bfbf0270")).status(); }},
    ErrorCase{"schedstat: running is missing", StatusCode::not_found,
              [] { return parse_scheduler_stat("\n").status(); }},
    ErrorCase{"schedstat: waiting is not a number that fits", StatusCode::invalid_argument,
              [] { return parse_scheduler_stat("1 9223372036854775808 2").status(); }},
    ErrorCase{"schedstat: slices is missing", StatusCode::not_found,
              [] { return parse_scheduler_stat("1 2").status(); }},
    ErrorCase{"sched_rt_runtime_us: value is missing", StatusCode::not_found,
              [] { return parse_microseconds("sched_rt_runtime_us", " \n").status(); }},
    ErrorCase{"sched_rt_runtime_us: value is not a number that fits", StatusCode::invalid_argument,
              [] { return parse_microseconds("sched_rt_runtime_us", "95 0").status(); }}) {
  const Status status = param.parse();
  EXPECT_EQ(status.code(), param.code);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

TEST(ProcReader, reads_the_calling_thread) {
  const auto stat = read_thread_stat(thread_id());
  ASSERT_OK(stat);
  EXPECT_EQ(stat->state, 'R');
  const auto status = read_thread_status(thread_id());
  ASSERT_OK(status);
  EXPECT_GE(status->threads, 1);  // the thread sanitizer has one of its own
  EXPECT_GT(status->resident_kib, 0);
  char buffer[64];
  const auto channel = read_wait_channel(thread_id(), buffer);
  ASSERT_OK(channel);
  EXPECT_EQ(*channel, "");
}

TEST(ProcReader, reads_the_schedulers_figures) {
  const auto before = read_scheduler_stat(thread_id());
  if (before.code() == StatusCode::not_found) SKIP("%s", before.status().text());
  ASSERT_OK(before);
  takt::platform::sleep_until(takt::now() + 1ms);
  const auto after = read_scheduler_stat(thread_id());
  ASSERT_OK(after);
  EXPECT_GE(after->running, before->running);
}

TEST(ProcReader, sees_another_thread_asleep) {
  FutexWord word{0};
  std::atomic<std::int32_t> id{0};
  std::thread sleeper([&] {
    id = thread_id();
    futex_wait(word, 0, takt::kNever, FutexScope::process_private);
  });
  takt::test::wait_until_asleep(id);
  char buffer[64];
  const auto channel = read_wait_channel(id, buffer);
  ASSERT_OK(channel);
  // Empty where the kernel keeps addresses to itself.
  EXPECT_TRUE(channel->empty() || channel->find("futex") != std::string_view::npos);
  while (futex_wake(word, 1, FutexScope::process_private) == 0) continue;
  sleeper.join();
}

TEST(ProcReader, survives_a_status_that_comes_and_goes) {
  takt::test::TemporaryTree proc;
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int round = 0; round < 50; ++round) {
      proc.write("self/status", kStatus);
      std::filesystem::remove(proc.path("self/status"));
    }
    done = true;
  });
  while (!done.load()) {
    const auto status = read_process_status(proc.root());
    if (status.ok()) {
      EXPECT_EQ(status->resident_kib, 1700);
    } else {
      EXPECT_EQ(status.code(), StatusCode::not_found);  // the file, or a field of it
    }
  }
  changer.join();
}

TEST(ProcReader, survives_threads_that_end) {
  std::atomic<std::int32_t> id{thread_id()};
  std::atomic<bool> done{false};
  std::thread maker([&] {
    for (int round = 0; round < 50; ++round) std::thread([&] { id = thread_id(); }).join();
    done = true;
  });
  while (!done.load()) {
    const auto stat = read_thread_stat(id.load());
    if (!stat.ok()) EXPECT_EQ(stat.code(), StatusCode::not_found, "%s", stat.status().text());
  }
  maker.join();
}

TEST(ProcReader, says_when_there_is_no_such_thread) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(read_thread_stat(child).code(), StatusCode::not_found);
  EXPECT_EQ(read_thread_status(child).code(), StatusCode::not_found);
  EXPECT_EQ(read_scheduler_stat(child).code(), StatusCode::not_found);
  EXPECT_EQ(read_thread_stat(-1).code(), StatusCode::not_found);
}

TEST(ProcReader, reads_the_real_time_share) {
  const auto share = read_real_time_share();
  if (share.code() == StatusCode::not_found) SKIP("%s", share.status().text());
  ASSERT_OK(share);
  EXPECT_GT(share->period, 0ns);
  EXPECT_LE(share->runtime, share->period);
}

}  // namespace
