// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/options.h"

#include <chrono>
#include <string_view>
#include <vector>

#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

Result<Options> parse(std::vector<const char*> arguments) { return parse_options(arguments); }

TEST(Options, are_all_optional) {
  const Result<Options> options = parse({});
  ASSERT_OK(options);
  EXPECT_EQ(options->file, nullptr);
  EXPECT_EQ(options->json_file, nullptr);
  EXPECT_EQ(options->metrics_file, nullptr);
  EXPECT_EQ(options->trace_file, nullptr);
  EXPECT_EQ(options->duration, 0ns);
  EXPECT_FALSE(options->strict);
  EXPECT_FALSE(options->help);
}

TEST(Options, come_in_any_order_and_both_forms) {
  const Result<Options> options =
      parse({"--json=out.json", "w.json", "--strict", "--duration", "0.25"});
  ASSERT_OK(options);
  EXPECT_EQ(std::string_view(options->file), "w.json");
  EXPECT_EQ(std::string_view(options->json_file), "out.json");
  EXPECT_EQ(options->duration, 250ms);
  EXPECT_TRUE(options->strict);
  const Result<Options> files = parse({"--metrics", "run.prom", "--trace=trace.json"});
  ASSERT_OK(files);
  EXPECT_EQ(std::string_view(files->metrics_file), "run.prom");
  EXPECT_EQ(std::string_view(files->trace_file), "trace.json");
  EXPECT_EQ(std::string_view(parse({"-"})->file), "-");
  EXPECT_EQ(std::string_view(parse({"--strict", "--", "--odd"})->file), "--odd");
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_EQ(std::string_view(parse({"--board=imx8m"})->board->name), "imx8m");
}

struct WrongOptions {
  const char* name;
  std::vector<const char*> arguments;
};

TEST(Options, wrong_ones_are_named) {
  const WrongOptions wrongs[] = {
      {"unknown option '--durations'", {"--durations", "1"}},
      {"no profile 'imx9', there are: beaglebone host imx8m qemu_virt_arm64 raspberrypi4",
       {"--board", "imx9"}},
      {"a board's name is missing after '--board'", {"--board"}},
      {"--duration takes seconds, above 0, up to 2147483647, not 'x'", {"--duration", "x"}},
      {"--duration takes seconds, above 0, up to 2147483647, not '0'", {"--duration=0"}},
      {"--duration takes seconds, above 0, up to 2147483647, not '-1'", {"--duration", "-1"}},
      {"--duration takes seconds, above 0, up to 2147483647, not '1s'", {"--duration", "1s"}},
      {"--duration takes seconds, above 0, up to 2147483647, not 'inf'", {"--duration", "inf"}},
      {"--duration takes seconds, above 0, up to 2147483647, not '99999999999'",
       {"--duration", "99999999999"}},
      {"a number of seconds is missing after '--duration'", {"--duration"}},
      {"a file is missing after '--json'", {"--json"}},
      {"a file to replace is missing after '--metrics'", {"--metrics", "--strict"}},
      {"a file to replace is missing after '--metrics'", {"--metrics", "-"}},
      {"a file to replace is missing after '--trace='", {"--trace="}},
      {"a file to replace is missing after '--trace=-'", {"--trace=-"}},
      {"two options name the file 'f'", {"--metrics", "f", "--trace", "f"}},
      {"two options name the file 'f'", {"--metrics", "f", "--json", "f"}},
      {"two options name the file 'f'", {"--trace", "f", "--json", "f"}},
      {"a second file: 'b'", {"a", "b"}},
  };
  for (const WrongOptions& wrong : wrongs) {
    const Result<Options> options = parse(wrong.arguments);
    EXPECT_TRUE(options.code() == StatusCode::invalid_argument, "%s", wrong.name);
    EXPECT_TRUE(std::string_view(options.status().text()).starts_with(wrong.name), "%s, not %s",
                options.status().text(), wrong.name);
  }
}

}  // namespace
}  // namespace takt::run
