// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/file_reader.h"

#include <cerrno>
#include <string>
#include <string_view>

#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/test.h"

namespace {

using takt::StatusCode;
using takt::platform::read_file;
using takt::test::TemporaryTree;

TEST(FileReader, reads_a_whole_file) {
  TemporaryTree tree;
  tree.write("file", "0-3,8\n");
  char buffer[64];
  const auto text = read_file(tree.path("file").c_str(), buffer);
  ASSERT_OK(text);
  EXPECT_EQ(*text, "0-3,8\n");
}

TEST(FileReader, reads_an_empty_file) {
  TemporaryTree tree;
  tree.write("empty", "");
  char buffer[1];
  const auto text = read_file(tree.path("empty").c_str(), buffer);
  ASSERT_OK(text);
  EXPECT_EQ(*text, "");
  EXPECT_OK(read_file(tree.path("empty").c_str(), {}));
}

TEST(FileReader, says_when_the_buffer_is_too_small) {
  TemporaryTree tree;
  tree.write("file", "12345678");
  char exact[8];
  EXPECT_OK(read_file(tree.path("file").c_str(), exact));
  char small[7];
  const auto text = read_file(tree.path("file").c_str(), small);
  EXPECT_EQ(text.code(), StatusCode::resource_exhausted);
  EXPECT_EQ(text.status().error_number(), 0);
  EXPECT_EQ(std::string_view(small, sizeof small), "1234567");
}

TEST(FileReader, keeps_the_errno_and_the_end_of_the_path) {
  char buffer[8];
  const auto missing = read_file("/nowhere/file", buffer);
  EXPECT_EQ(missing.code(), StatusCode::not_found);
  EXPECT_EQ(missing.status().error_number(), ENOENT);
  EXPECT_EQ(std::string_view(missing.status().text()), "/nowhere/file: cannot be opened");

  const std::string deep = "/nowhere/" + std::string(100, 'x') + "/the_end";
  const takt::Status status = read_file(deep.c_str(), buffer).status();
  const std::string_view text = status.text();
  EXPECT_TRUE(text.starts_with("..."));
  EXPECT_TRUE(text.ends_with("xxx/the_end: cannot be opened"));

  const auto directory = read_file("/", buffer);
  EXPECT_EQ(directory.status().error_number(), EISDIR);
  EXPECT_EQ(std::string_view(directory.status().text()), "/: cannot be read");
}

}  // namespace
