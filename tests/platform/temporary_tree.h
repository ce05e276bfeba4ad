// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_TEMPORARY_TREE_H_
#define TAKT_TESTS_PLATFORM_TEMPORARY_TREE_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "takt/tests/support/test.h"

namespace takt::test {

/// A directory of its own below the temporary one, gone with the object.
class TemporaryTree {
 public:
  TemporaryTree() {
    const char* const parent = std::getenv("TEST_TMPDIR");
    std::string pattern = (parent != nullptr ? std::string(parent) : "/tmp") + "/takt_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE("no directory below %s", pattern.c_str());
    root_ = pattern;
  }
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;
  ~TemporaryTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const char* root() const { return root_.c_str(); }
  std::string path(const std::string& file) const { return root_ + "/" + file; }

  /// Writes a file and the directories above it.
  TemporaryTree& write(const std::string& file, std::string_view content) {
    const std::filesystem::path whole = path(file);
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << content;
    return *this;
  }

 private:
  std::string root_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_TEMPORARY_TREE_H_
