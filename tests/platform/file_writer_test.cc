// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/file_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Status;
using takt::StatusCode;
using takt::platform::AtomicFile;
using takt::platform::SystemCall;
using takt::platform::write_all;
using takt::test::FaultInjection;

std::string path_of(const char* name) {
  const char* directory = ::getenv("TEST_TMPDIR");
  return std::string(directory != nullptr ? directory : "/tmp") + "/takt_writer_" +
         std::to_string(::getpid()) + "_" + name;
}

std::string content_of(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status replace(const std::string& path, const char* text) {
  return takt::platform::replace_file(path.c_str(), text);
}

TEST(AtomicFile, shows_the_old_content_until_the_commit) {
  const std::string path = path_of("old");
  std::ofstream(path) << "something longer";
  AtomicFile file;
  ASSERT_OK(file.open(path.c_str()));
  ASSERT_OK(file.write("sho"));
  ASSERT_OK(file.write("rt"));
  EXPECT_EQ(content_of(path), "something longer");
  ASSERT_OK(file.commit());
  EXPECT_EQ(content_of(path), "short");
  EXPECT_FALSE(exists(path + ".tmp"));
}

TEST(AtomicFile, without_a_commit_nothing_has_changed) {
  const std::string path = path_of("kept");
  std::ofstream(path) << "old";
  {
    AtomicFile file;
    ASSERT_OK(file.open(path.c_str()));
    ASSERT_OK(file.write("new"));
    EXPECT_TRUE(exists(path + ".tmp"));
  }
  EXPECT_EQ(content_of(path), "old");
  EXPECT_FALSE(exists(path + ".tmp"));
}

TEST(AtomicFile, one_object_writes_again_and_again) {
  const std::string path = path_of("again");
  AtomicFile file;
  for (const char* text : {"first", "second"}) {
    ASSERT_OK(file.open(path.c_str()));
    ASSERT_OK(file.write(text));
    ASSERT_OK(file.commit());
    EXPECT_EQ(content_of(path), text);
  }
}

TEST(AtomicFile, takes_the_place_of_what_a_killed_process_left) {
  const std::string path = path_of("left");
  std::ofstream(path + ".tmp") << "half of a longer text";
  ASSERT_OK(replace(path, "all"));
  EXPECT_EQ(content_of(path), "all");
}

struct Refusal {
  SystemCall call;
  int error;
  const char* text;
};

// Each call that may fail does, once: the old content stays, nothing else is left, the Status says
// which file and what.
TEST(AtomicFile, a_failed_call_leaves_all_as_it_was) {
  const Refusal refusals[] = {
      {SystemCall::open, EACCES, "cannot be created"},
      {SystemCall::write, ENOSPC, "cannot be written"},
      {SystemCall::fsync, EIO, "cannot be synced to the disk"},
      {SystemCall::close, EDQUOT, "cannot be closed"},
      {SystemCall::rename, EROFS, "cannot be renamed"},
  };
  const std::string path = path_of("refused");
  std::ofstream(path) << "old";
  for (const Refusal& refusal : refusals) {
    const FaultInjection fault(refusal.call, refusal.error);
    const Status status = replace(path, "new");
    EXPECT_EQ(fault.failures(), 1);
    EXPECT_EQ(status.error_number(), refusal.error);
    const std::string text = status.text();
    EXPECT_TRUE(text.find("refused.tmp: ") != std::string::npos, "%s", text.c_str());
    EXPECT_TRUE(text.ends_with(refusal.text), "%s", text.c_str());
    EXPECT_EQ(content_of(path), "old");
    EXPECT_FALSE(exists(path + ".tmp"));
  }
  ASSERT_OK(replace(path, "new"));
  EXPECT_EQ(content_of(path), "new");
}

TEST(AtomicFile, an_interrupted_call_goes_on) {
  const std::string path = path_of("interrupted");
  for (const SystemCall call :
       {SystemCall::open, SystemCall::write, SystemCall::fsync, SystemCall::rename}) {
    const FaultInjection fault(call, EINTR);
    EXPECT_OK(replace(path, "all"));
    EXPECT_EQ(fault.failures(), 1);
  }
  EXPECT_EQ(content_of(path), "all");
}

// The size limit of the process lets a write succeed in part and the next one fail.
TEST(AtomicFile, a_full_disk_leaves_the_old_content) {
  const std::string path = path_of("full");
  std::ofstream(path) << "old";
  const takt::test::ChildOutcome outcome = takt::test::run_in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
    ::_exit(replace(path, std::string(5000, 'x').c_str()).error_number() == EFBIG ? 0 : 1);
  });
  EXPECT_TRUE(outcome.exited_with(0), "%s", outcome.output.c_str());
  EXPECT_EQ(content_of(path), "old");
  EXPECT_FALSE(exists(path + ".tmp"));
}

TEST(AtomicFile, refuses_what_a_rename_would_destroy) {
  const std::string link = path_of("link");
  ASSERT_EQ(::symlink("/dev/null", link.c_str()), 0);
  for (const std::string& path : {std::string("/dev/full"), std::string("/tmp"), link}) {
    const Status status = replace(path, "new");
    EXPECT_TRUE(status.code() == StatusCode::invalid_argument);
    EXPECT_TRUE(std::string(status.text()).ends_with(": no regular file"), "%s", status.text());
    EXPECT_FALSE(exists(path + ".tmp"));
  }
  EXPECT_TRUE(exists("/dev/full"));
}

TEST(AtomicFile, does_not_wait_for_who_reads_a_pipe_in_the_temporary_file_s_place) {
  const std::string path = path_of("piped");
  const std::string pipe = path + ".tmp";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(replace(path, "new").error_number(), ENXIO);
  // Nor does it write there.
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(replace(path, "new").code() == StatusCode::invalid_argument);
  EXPECT_TRUE(exists(pipe));
  EXPECT_FALSE(exists(path));
  ::close(reader);
  ::unlink(pipe.c_str());
}

TEST(AtomicFile, names_a_wrong_path) {
  EXPECT_TRUE(replace("", "x").code() == StatusCode::invalid_argument);
  EXPECT_TRUE(replace(std::string(501, 'x'), "x").code() == StatusCode::invalid_argument);
  const Status status = replace("/nonexistent/f.prom", "x");
  EXPECT_EQ(status.error_number(), ENOENT);
  EXPECT_EQ(std::string(status.text()), "/nonexistent/f.prom.tmp: cannot be created");
  AtomicFile closed;
  EXPECT_TRUE(closed.write("x").code() == StatusCode::failed_precondition);
  EXPECT_TRUE(closed.commit().code() == StatusCode::failed_precondition);
}

TEST(WriteAll, goes_on_until_all_is_written) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FaultInjection fault(SystemCall::write, EINTR);
  EXPECT_OK(write_all(ends[1], "text"));
  char text[8];
  EXPECT_EQ(::read(ends[0], text, sizeof text), 4);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(write_all(ends[1], "text").error_number(), EBADF);
  EXPECT_EQ(std::string_view(write_all(-3, "text").text()), "descriptor -3: write failed");
  const int full = ::open("/dev/full", O_WRONLY);
  EXPECT_EQ(write_all(full, "text").error_number(), ENOSPC);
  EXPECT_OK(write_all(full, ""));
  ::close(full);
}

}  // namespace
