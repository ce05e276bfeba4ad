// SPDX-License-Identifier: Apache-2.0
// A harness that cannot fail proves nothing: cases that misbehave, run by the harness itself in a
// child process, judged by exit status, output and XML.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::test::Case;

struct Outcome {
  int status = -1;
  std::string output;
  std::string xml;

  [[nodiscard]] bool says(const char* text) const { return output.find(text) != std::string::npos; }
  [[nodiscard]] bool records(const char* text) const { return xml.find(text) != std::string::npos; }
  [[nodiscard]] bool ends_with(const std::string& text) const {
    return output.size() >= text.size() &&
           output.compare(output.size() - text.size(), text.size(), text) == 0;
  }
};

/// Runs one misbehaving case and after it one that passes, in a run of the harness of their own.
Outcome run_misbehaving(const char* name, void (*body)(const void*)) {
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(directory != nullptr ? directory : "/tmp") + "/failures-" +
                           std::to_string(getpid()) + ".xml";
  const auto child = takt::test::run_in_child([&] {
    const Case misbehaving("Deliberate", name, {body});
    const Case passing("Deliberate", "passes", {[](const void*) {}});
    const std::string xml = "--xml=" + path;
    const char* const arguments[] = {"test", "--filter=Deliberate.*", "--timeout-scale=1",
                                     xml.c_str()};
    const int status = takt::test::run(4, arguments);
    std::fflush(stdout);
    _exit(status);
  });
  Outcome outcome{child.exited_with(1) ? 1 : child.exited_with(0) ? 0 : -1, child.output, ""};
  std::stringstream xml;
  xml << std::ifstream(path).rdbuf();
  outcome.xml = xml.str();
  std::remove(path.c_str());
  std::istringstream lines(outcome.output);
  for (std::string line; std::getline(lines, line);) {
    std::printf("    | %s\n", line.c_str());  // set off from what this program says of itself
  }
  return outcome;
}

#define EXPECT_ONE_FAILED(outcome)                                                          \
  do {                                                                                      \
    EXPECT_EQ((outcome).status, 1);                                                         \
    EXPECT_TRUE((outcome).ends_with("\n1 passed, 1 failed, 0 skipped\n"));                  \
    EXPECT_TRUE((outcome).records("<testsuites name=\"takt\" tests=\"2\" failures=\"1\"")); \
  } while (false)

TEST(Misbehaving, expectation_fails) {
  const Outcome outcome = run_misbehaving("fails", [](const void*) {
    EXPECT_EQ(1 + 1, 3, "in round %d", 5);
    EXPECT_TRUE(1 > 2);
    std::puts("goes on");
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("harness_failures_test.cc:"));
  EXPECT_TRUE(outcome.says("expected 1 + 1 == 3\n  left:  2\n  right: 3\n  in round 5\n"));
  EXPECT_TRUE(outcome.says("expected 1 > 2 is true\n  value: false\n"));
  EXPECT_TRUE(outcome.says("goes on"));
  EXPECT_TRUE(outcome.says("[ failed  ] Deliberate.fails"));
  EXPECT_TRUE(outcome.says("[ passed  ] Deliberate.passes"));
  EXPECT_TRUE(outcome.records("expected 1 + 1 == 3&#10;  left:  2&#10;  right: 3"));
  EXPECT_TRUE(outcome.records("expected 1 &gt; 2 is true"));
}

TEST(Misbehaving, assertion_returns) {
  const Outcome outcome = run_misbehaving("asserts", [](const void*) {
    ASSERT_EQ(1, 2);
    std::puts("never reached");
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_FALSE(outcome.says("never reached"));
}

TEST(Misbehaving, FAIL_returns) {
  const Outcome outcome = run_misbehaving("gives_up", [](const void*) {
    FAIL("gave up at %d%%", 50);
    std::puts("never reached");
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.records("gave up at 50%"));
  EXPECT_FALSE(outcome.says("never reached"));
}

TEST(Misbehaving, expectation_fails_in_a_thread) {
  const Outcome outcome = run_misbehaving("fails_in_threads", [](const void*) {
    std::thread first([] {
      for (int i = 0; i < 30; ++i) EXPECT_EQ(i, -1);
    });
    std::thread second([] {
      for (int i = 0; i < 30; ++i) EXPECT_EQ(i, -2);
    });
    first.join();
    second.join();
  });
  EXPECT_ONE_FAILED(outcome);
  for (const char* right : {"right: -1", "right: -2"}) {
    int shown = 0;
    for (std::size_t at = 0; (at = outcome.xml.find(right, at)) != std::string::npos; ++at) {
      ++shown;
    }
    EXPECT_EQ(shown, 30, "%s", right);
  }
}

TEST(Misbehaving, expectation_fails_in_a_child) {
  const Outcome outcome = run_misbehaving(
      "fails_in_a_child", [](const void*) { takt::test::run_in_child([] { EXPECT_EQ(1, 2); }); });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.records("expected 1 == 2"));
}

TEST(Misbehaving, failures_flood) {
  const Outcome outcome = run_misbehaving("floods", [](const void*) {
    for (int index = 0; index < 100'000; ++index) EXPECT_EQ(index, -1);
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("further failures of this case are not shown"));
}

TEST(Misbehaving, case_is_skipped) {
  const Outcome outcome = run_misbehaving("does_not_apply", [](const void*) {
    SKIP("needs <hardware> %d", 3);
    std::abort();
  });
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.says("SKIPPED: needs <hardware> 3"));
  EXPECT_TRUE(outcome.ends_with("\n1 passed, 0 failed, 1 skipped\n"));
  EXPECT_TRUE(outcome.records("<skipped message=\"needs &lt;hardware&gt; 3"));
}

TEST(Misbehaving, case_aborts) {
  const Outcome outcome = run_misbehaving("aborts", [](const void*) { std::abort(); });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("thread 'main' got SIGABRT") || outcome.says("got SIGABRT"));
  EXPECT_TRUE(outcome.says("FAILED: Deliberate.aborts: crashed: SIGABRT"));
  EXPECT_TRUE(outcome.records("<failure message=\"crashed: SIGABRT\"/>"));
}

TEST(Misbehaving, case_reads_a_wild_pointer) {
  const Outcome outcome = run_misbehaving("reads_wild", [](const void*) {
    volatile std::uintptr_t wild = 16;  // volatile: else g++ sees through it
    *reinterpret_cast<volatile int*>(std::uintptr_t{wild}) = 1;
  });
  EXPECT_ONE_FAILED(outcome);
  // A sanitizer reports in its own words and exits.
  EXPECT_TRUE(outcome.says("FAILED: Deliberate.reads_wild: crashed: SIGSEGV") ||
              outcome.says("FAILED: Deliberate.reads_wild: its process left with status"));
}

TEST(Misbehaving, case_throws) {
  const Outcome outcome =
      run_misbehaving("throws", [](const void*) { throw std::runtime_error("too hot"); });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.records("uncaught exception: too hot"));
}

TEST(Misbehaving, thread_throws) {
  const Outcome outcome = run_misbehaving("throws_in_a_thread", [](const void*) {
    std::thread([] { throw std::runtime_error("too hot"); }).join();
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("too hot"));
  EXPECT_TRUE(outcome.records("crashed: SIGABRT"));
}

TEST(Misbehaving, case_exits) {
  const Outcome outcome = run_misbehaving("exits", [](const void*) { _exit(3); });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.records("its process left with status 3"));
}

TEST(Misbehaving, case_exits_as_if_it_had_passed) {
  const Outcome outcome = run_misbehaving("exits_well", [](const void*) { _exit(0); });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.records("its process left before the case had ended"));
}

TEST(Misbehaving, case_hangs) {
  const Outcome outcome = run_misbehaving("hangs", [](const void*) {
    takt::test::set_time_limit(1s);
    std::thread([] {
      pthread_setname_np(pthread_self(), "sleeper");
      for (;;) pause();
    }).join();
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("still running after its time limit of 1.000000 s"));
  EXPECT_TRUE(outcome.says("'sleeper': "));
  EXPECT_TRUE(outcome.records("still running after its time limit"));
}

TEST(Misbehaving, case_hangs_and_ignores_signals) {
  const Outcome outcome = run_misbehaving("hangs_hard", [](const void*) {
    takt::test::set_time_limit(1s);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    for (;;) pause();
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("still running after its time limit"));
}

TEST(Misbehaving, process_is_left_behind) {
  const Outcome outcome = run_misbehaving("leaves_a_process", [](const void*) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    EXPECT_EQ(child, 0);  // its number, for the check below
  });
  EXPECT_ONE_FAILED(outcome);
  const std::size_t at = outcome.output.find("left:  ");
  ASSERT_NE(at, std::string::npos);
  const pid_t orphan = std::atoi(outcome.output.c_str() + at + 7);
  EXPECT_EQ(kill(orphan, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(Misbehaving, filter_matches_nothing) {
  const auto child = takt::test::run_in_child([] {
    const char* const arguments[] = {"test", "--filter=No.such"};
    _exit(takt::test::run(2, arguments));
  });
  EXPECT_TRUE(child.exited_with(1));
  EXPECT_NE(child.output.find("no case matches No.such"), std::string::npos);
}

TEST(Misbehaving, statement_does_not_abort) {
  const Outcome outcome = run_misbehaving("stays_alive", [](const void*) {
    EXPECT_ABORT([] { std::fputs("all is well", stderr); }, "all is well");
    EXPECT_ABORT([] { std::abort(); }, "famous last words");
    EXPECT_ABORT([] { raise(SIGKILL); }, "");
  });
  EXPECT_ONE_FAILED(outcome);
  EXPECT_TRUE(outcome.says("it left with status 0, it said: \"all is well\""));
  EXPECT_TRUE(outcome.says("it aborted, but said: "));
  EXPECT_TRUE(outcome.says("signal 9 ended it"));
}

}  // namespace
