// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/output_file.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

#include "takt/platform/file_writer.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

std::string path_of(const char* name) {
  const char* directory = ::getenv("TEST_TMPDIR");
  return std::string(directory != nullptr ? directory : "/tmp") + "/takt_output_" +
         std::to_string(::getpid()) + "_" + name;
}

std::string content_of(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

TEST(OutputFile, replaces_what_it_held) {
  const std::string path = path_of("held");
  std::ofstream(path) << "something longer";
  OutputFile file;
  ASSERT_OK(file.open(path.c_str()));
  EXPECT_EQ(content_of(path), "something longer");
  ASSERT_OK(file.write("short"));
  EXPECT_EQ(content_of(path), "short");
}

TEST(OutputFile, leaves_no_trace_when_nothing_is_written) {
  const std::string fresh = path_of("fresh");
  const std::string old = path_of("old");
  std::ofstream(old) << "old";
  {
    OutputFile files[2];
    ASSERT_OK(files[0].open(fresh.c_str()));
    ASSERT_OK(files[1].open(old.c_str()));
    EXPECT_TRUE(exists(fresh));  // so that it cannot be refused later
  }
  EXPECT_FALSE(exists(fresh));
  EXPECT_EQ(content_of(old), "old");
}

TEST(OutputFile, a_created_file_stays_once_it_is_written) {
  const std::string path = path_of("created");
  {
    OutputFile file;
    ASSERT_OK(file.open(path.c_str()));
    ASSERT_OK(file.write("all"));
  }
  EXPECT_EQ(content_of(path), "all");
}

// The size limit of the process lets a write succeed in part and the next one fail.
TEST(OutputFile, is_written_completely_or_not_at_all) {
  const std::string fresh = path_of("part");
  const std::string old = path_of("part_of_old");
  std::ofstream(old) << "old";
  const test::ChildOutcome outcome = test::run_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
    const std::string text(5000, 'x');
    for (const std::string& path : {fresh, old}) {
      OutputFile file;
      if (!file.open(path.c_str()).ok()) ::_exit(4);
      if (file.write(text).error_number() != EFBIG) ::_exit(5);
    }
    ::_exit(0);
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_FALSE(exists(fresh));
  EXPECT_EQ(content_of(old), "");
}

TEST(OutputFile, names_a_refused_path) {
  OutputFile file;
  const Status status = file.open("/nonexistent/file");
  EXPECT_EQ(status.error_number(), ENOENT);
  EXPECT_TRUE(std::string(status.text()).starts_with("/nonexistent/file"), "%s", status.text());
}

TEST(OutputFile, follows_a_link) {
  const std::string target = path_of("target");
  const std::string link = path_of("link");
  ASSERT_EQ(::symlink(target.c_str(), link.c_str()), 0);
  OutputFile file;
  ASSERT_OK(file.open(link.c_str()));
  ASSERT_OK(file.write("through"));
  EXPECT_EQ(content_of(target), "through");
}

TEST(OutputFile, a_dash_is_standard_output) {
  const test::ChildOutcome outcome = test::run_in_child([] {
    OutputFile file;
    const bool written = file.open("-").ok() && file.write("figures\n").ok();
    // Still open for whoever writes next.
    ::_exit(written && platform::write_all(STDOUT_FILENO, "more\n").ok() ? 0 : 1);
  });
  EXPECT_TRUE(outcome.exited_with(0));
  EXPECT_EQ(outcome.output, "figures\nmore\n");
}

}  // namespace
}  // namespace takt::run
