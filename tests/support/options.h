// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_OPTIONS_H_
#define TAKT_TESTS_SUPPORT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt::test {

/// What one run of a test program is to do, from the command line and from Bazel's environment.
struct Options {
  std::string filter;           ///< globs separated by ':', those after '-' exclude; empty: all
  bool filter_is_ours = false;  ///< given to this program alone, so it has to match something
  std::uint64_t seed = 1;
  unsigned repeat = 1;
  unsigned shard_index = 0;
  unsigned shard_count = 1;
  double time_scale = 1;
  bool list = false;
  bool fail_fast = false;
  std::string xml_path;  ///< empty: none

  /// Prints what is wrong and returns nothing when an argument is unknown or malformed.
  static std::optional<Options> parse(int argument_count, const char* const* arguments);

  /// Whether the filter selects the case "suite.name". '*' stands for any text, '?' for a
  /// character.
  [[nodiscard]] bool selects(std::string_view full_name) const noexcept;
};

extern const char kOptionsHelp[];

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_OPTIONS_H_
