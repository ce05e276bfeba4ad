// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/options.h"

#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "takt/platform/text.h"

namespace takt::run {
namespace {

Status invalid(std::string_view what, std::string_view argument) noexcept {
  Text<Status::kTextBytes> text;
  text << what << " '" << argument << "'; try --help";
  return {StatusCode::invalid_argument, text.view()};
}

// Up to 68 years, as in a file; fractions down to the nanosecond.
bool parse_seconds(std::string_view text, Duration& duration) noexcept {
  constexpr double kLongest = 2147483647;
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !(seconds > 0) || seconds > kLongest) return false;
  duration = Duration(static_cast<Duration::rep>(seconds * 1e9));
  return duration > Duration::zero();
}

}  // namespace

const char* const kUsage =
    R"(usage: boards/takt run [FILE] [--duration SECONDS] [--json FILE] [--strict] [--help]

Executes the task set of FILE, in rt-app's grammar, on takt's executor with real priorities and
reports what it held. Without FILE: the quickstart, an engine control's rates; "-": standard input.

  --duration SECONDS  ends after so long, whatever the file says
  --json FILE         writes the figures as JSON too; "-": to standard output, the tables to stderr.
                      Opened before the run, written after it
  --strict            exit status 1 when a deadline was missed or a release skipped

Ctrl-C ends the run early, with the report; a second one kills it.
Exit status: 0 executed, 1 it could not be (or --strict), 2 a wrong command line or file.
)";

Result<Options> parse_options(std::span<const char* const> arguments) noexcept {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    // Both forms of a value: "--json FILE" and "--json=FILE".
    const char* value = nullptr;
    const auto takes = [&](std::string_view name) {
      if (argument == name) {
        // The next option is not a value; "-" is a file, and "--json=--odd" says what it means.
        const bool there =
            i + 1 < arguments.size() && !std::string_view(arguments[i + 1]).starts_with("--");
        value = there ? arguments[++i] : nullptr;
        return true;
      }
      if (!argument.starts_with(name) || argument.substr(name.size(), 1) != "=") return false;
      value = arguments[i] + name.size() + 1;
      return true;
    };
    if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (argument == "--strict") {
      options.strict = true;
    } else if (takes("--duration")) {
      if (value == nullptr) return invalid("a number of seconds is missing after", argument);
      if (!parse_seconds(value, options.duration))
        return invalid("--duration takes seconds, above 0, up to 2147483647, not", value);
    } else if (takes("--json")) {
      if (value == nullptr || *value == '\0') return invalid("a file is missing after", argument);
      options.json_file = value;
    } else if (argument == "--") {
      if (i + 1 < arguments.size() && options.file == nullptr) options.file = arguments[++i];
    } else if (argument.size() > 1 && argument.front() == '-') {
      return invalid("unknown option", argument);
    } else if (options.file != nullptr) {
      return invalid("a second file:", argument);
    } else {
      options.file = arguments[i];
    }
  }
  return options;
}

}  // namespace takt::run
