// SPDX-License-Identifier: Apache-2.0
// rt-app's published examples, as Debian's package rt-app installs them: each runs, or says which
// key of which line it would need.
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "takt/boards/run/program.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

constexpr const char* kExamples = "/usr/share/doc/rt-app";

std::vector<std::string> example_files() {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kExamples, error)) {
    const std::string path = entry.path().string();
    if (path.ends_with(".json") || path.ends_with(".json.gz")) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char part[4096];
  for (std::size_t size = 0; (size = ::fread(part, 1, sizeof part, pipe)) > 0;) {
    output.append(part, size);
  }
  ::pclose(pipe);
  return output;
}

std::string content_of(const std::string& file) {
  return output_of((file.ends_with(".gz") ? "gzip -dc '" : "cat '") + file + "'");
}

// What stands at a place "LINE:COLUMN" of the text.
std::string_view at_place(std::string_view text, std::size_t line, std::size_t column) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return column <= text.size() ? text.substr(column - 1) : std::string_view();
}

// Each error line leads to the key that it names, or says that a CPU or all tasks are missing.
void check_errors(const std::string& file, const std::string& output) {
  constexpr std::string_view kName = "stdin";
  const std::string content = content_of(file);
  std::istringstream lines(output);
  int errors = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(" more")) continue;
    unsigned long at_line = 0;
    unsigned long at_column = 0;
    int text_begin = 0;
    const std::string place = line.substr(std::min(kName.size(), line.size()));
    ASSERT_EQ(::sscanf(place.c_str(), ":%lu:%lu: error: %n", &at_line, &at_column, &text_begin), 2,
              "%s", line.c_str());
    std::string_view error = place;
    error.remove_prefix(static_cast<std::size_t>(text_begin));
    ++errors;
    if (error.starts_with("there is no ") || error.starts_with("\"cpus\": there ")) continue;
    const std::string_view there = at_place(content, at_line, at_column);
    const std::string_view key = error.substr(0, error.find('"', 1));
    if (error.ends_with(" is not supported yet")) {
      EXPECT_TRUE(there.starts_with(key), "%s", line.c_str());
    } else {  // a value that only the grammar of 2010 knew
      EXPECT_TRUE(error.find(" expects ") != std::string_view::npos, "%s", line.c_str());
    }
  }
  EXPECT_GT(errors, 0, "%s", output.c_str());
}

TEST(Examples, run_or_name_the_unsupported_key) {
  const std::vector<std::string> files = example_files();
  if (files.empty()) SKIP("%s has no examples: run boards/takt setup test", kExamples);
  std::size_t executed = 0;
  for (const std::string& file : files) {
    const test::ChildOutcome outcome = test::run_in_child([&] {
      const std::string content = content_of(file);
      // By standard input, so that packed ones run as well.
      int ends[2];
      if (::pipe(ends) != 0 || ::write(ends[1], content.data(), content.size()) < 0) ::_exit(3);
      ::close(ends[1]);
      ::dup2(ends[0], STDIN_FILENO);
      const std::vector<const char*> arguments = {"-", "--duration", "0.05"};
      ::_exit(run_program(arguments));
    });
    const bool ran = outcome.exited_with(0);
    executed += ran ? 1 : 0;
    const std::string shown = ran ? "ran" : outcome.output.substr(0, outcome.output.find('\n'));
    ::printf("%s: %s\n", file.c_str() + std::string_view(kExamples).size() + 1, shown.c_str());
    if (ran) continue;
    EXPECT_TRUE(outcome.exited_with(2), "%s: %s", file.c_str(), outcome.output.c_str());
    check_errors(file, outcome.output);
  }
  EXPECT_GE(executed, 6);  // dvfs.json needs a second CPU, example8.json a third one
}

}  // namespace
}  // namespace takt::run
