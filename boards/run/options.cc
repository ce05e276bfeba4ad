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

Status no_profile(std::string_view name) noexcept {
  Text<Status::kTextBytes> text;
  text << "no profile '" << name << "', there are:";
  for (const boards::BoardProfile* profile : boards::all_profiles()) text << ' ' << profile->name;
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

bool is_file(const char* value) noexcept { return value != nullptr && *value != '\0'; }

/// Standard output cannot be replaced.
bool is_replaceable(const char* value) noexcept {
  return is_file(value) && std::string_view(value) != "-";
}

/// The file that two options name; null: there is none. Whoever writes last would win.
const char* shared_file(const Options& options) noexcept {
  const auto same = [](const char* a, const char* b) {
    return a != nullptr && b != nullptr && std::string_view(a) == b;
  };
  if (same(options.metrics_file, options.trace_file)) return options.metrics_file;
  if (same(options.json_file, options.metrics_file)) return options.json_file;
  if (same(options.json_file, options.trace_file)) return options.json_file;
  return nullptr;
}

}  // namespace

const char* const kUsage =
    R"(usage: boards/takt run [FILE] [--duration SECONDS] [--json FILE] [--metrics FILE] [--trace FILE]
                       [--board NAME] [--strict] [--help]

Executes the task set of FILE, in rt-app's grammar, on takt's executor with real priorities and
reports what it held. Without FILE: the quickstart, an engine control's rates; "-": standard input.

  --duration SECONDS  ends after so long, whatever the file says
  --json FILE         writes the figures as JSON too; "-": to standard output, the tables to stderr.
                      Opened before the run, written after it
  --metrics FILE      writes figures of process, workers, tasks and lanes in Prometheus's text
                      format, each second and at the end; FILE is replaced, never seen in part
  --trace FILE        writes what the workers did as a trace, which ui.perfetto.dev and
                      chrome://tracing open. As FILE.tmp until the run has ended
  --board NAME        first looks whether this machine is that board, set up as its profile says:
                      raspberrypi4, imx8m, beaglebone, qemu_virt_arm64, host
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
      if (!is_file(value)) return invalid("a file is missing after", argument);
      options.json_file = value;
    } else if (takes("--metrics")) {
      if (!is_replaceable(value)) return invalid("a file to replace is missing after", argument);
      options.metrics_file = value;
    } else if (takes("--trace")) {
      if (!is_replaceable(value)) return invalid("a file to replace is missing after", argument);
      options.trace_file = value;
    } else if (takes("--board")) {
      if (value == nullptr) return invalid("a board's name is missing after", argument);
      options.board = boards::find_profile(value);
      if (options.board == nullptr) return no_profile(value);
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
  if (const char* file = shared_file(options)) return invalid("two options name the file", file);
  return options;
}

}  // namespace takt::run
