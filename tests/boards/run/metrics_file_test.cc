// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/metrics_file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "takt/executor/stats.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin = from_ns(1'000'000'000);

MetricsFile file;
TaskStats stats;

std::string path_of(const char* name) {
  const char* directory = ::getenv("TEST_TMPDIR");
  return std::string(directory != nullptr ? directory : "/tmp") + "/takt_metrics_" +
         std::to_string(::getpid()) + "_" + name;
}

/// The number of releases that the file has; empty: there is no file.
std::string releases_in(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  const std::string text = content.str();
  const std::string name = "\ntakt_task_releases_total{task=\"t\",number=\"0\"} ";
  const std::size_t found = text.find(name);
  if (found == std::string::npos) return {};
  const std::size_t begin = found + name.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(MetricsFile, is_written_each_second_and_at_the_end) {
  const std::string path = path_of("t.prom");
  ASSERT_OK(file.open(path.c_str()));
  ASSERT_OK(file.sampler().add_task("t", stats));
  EXPECT_NE(::access(path.c_str(), F_OK), 0);  // not by open()
  stats.releases.add(1);
  file.update(kBegin);
  EXPECT_EQ(releases_in(path), "1");
  stats.releases.add(1);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  file.update(kBegin + 999ms);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);  // not due
  file.update(kBegin + 1s);
  EXPECT_EQ(releases_in(path), "2");
  stats.releases.add(1);
  ASSERT_OK(file.finish(kBegin + 1200ms));  // not due yet
  EXPECT_EQ(releases_in(path), "3");
  EXPECT_NE(::access((path + ".tmp").c_str(), F_OK), 0);
}

TEST(MetricsFile, goes_on_after_a_failure_that_it_reports_once) {
  const test::ChildOutcome outcome = test::run_in_child([] {
    const std::string folder = path_of("folder");
    const std::string path = folder + "/t.prom";
    ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
    ASSERT_OK(file.open(path.c_str()));
    ASSERT_OK(file.sampler().add_task("t", stats));
    ASSERT_EQ(::rmdir(folder.c_str()), 0);
    file.update(kBegin);
    file.update(kBegin + 1s);
    EXPECT_FALSE(file.finish(kBegin + 2s).ok());
    ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
    file.update(kBegin + 4s);
    EXPECT_EQ(releases_in(path), "0");
    EXPECT_OK(file.finish(kBegin + 5s));
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  const std::string_view complaint = "t.prom.tmp: cannot be created (ENOENT";
  const std::size_t first = outcome.output.find(complaint);
  EXPECT_TRUE(first != std::string::npos, "%s", outcome.output.c_str());
  EXPECT_TRUE(outcome.output.find(complaint, first + 1) == std::string::npos, "%s",
              outcome.output.c_str());
}

}  // namespace
}  // namespace takt::run
