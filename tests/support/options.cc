// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "takt/tests/support/report.h"

namespace takt::test {

const char kOptionsHelp[] =
    "usage: TEST [--filter=GLOB[:GLOB][-GLOB[:GLOB]]] [--list] [--repeat=N] [--seed=N]\n"
    "            [--timeout-scale=X] [--fail-fast] [--xml=FILE]\n"
    "Environment: XML_OUTPUT_FILE, TESTBRIDGE_TEST_ONLY, TEST_SHARD_INDEX, TEST_TOTAL_SHARDS,\n"
    "TEST_RANDOM_SEED, TAKT_TIME_SCALE.\n";

namespace {

bool matches(std::string_view pattern, std::string_view text) noexcept {
  // The last '*' seen and where its text began: on a mismatch it takes one character more.
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  std::size_t position = 0;
  for (std::size_t index = 0; index < text.size();) {
    if (position < pattern.size() && pattern[position] == '*') {
      star = position++;
      star_text = index;
    } else if (position < pattern.size() &&
               (pattern[position] == '?' || pattern[position] == text[index])) {
      ++position;
      ++index;
    } else if (star != std::string_view::npos) {
      position = star + 1;
      index = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.substr(position).find_first_not_of('*') == std::string_view::npos;
}

bool matches_any(std::string_view patterns, std::string_view text) noexcept {
  for (;;) {
    const std::size_t end = patterns.find(':');
    if (matches(patterns.substr(0, end), text)) {
      return true;
    }
    if (end == std::string_view::npos) {
      return false;
    }
    patterns.remove_prefix(end + 1);
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

template <class Number>
bool read_environment(const char* name, Number& number) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0' || read_number(text, number)) {
    return true;
  }
  std::fprintf(stderr, "%s=%s is not a number\n", name, text);
  return false;
}

bool environment_is_set(const char* name) noexcept {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0';
}

bool read_environment(Options& options) {
  if (environment_is_set("TESTBRIDGE_TEST_ONLY")) {
    options.filter = std::getenv("TESTBRIDGE_TEST_ONLY");
  }
  if (environment_is_set("XML_OUTPUT_FILE")) {
    options.xml_path = std::getenv("XML_OUTPUT_FILE");
  }
  const char* fail_fast = std::getenv("TESTBRIDGE_TEST_RUNNER_FAIL_FAST");
  options.fail_fast = fail_fast != nullptr && *fail_fast == '1';
  options.time_scale = time_scale();
  return read_environment("TEST_SHARD_INDEX", options.shard_index) &&
         read_environment("TEST_TOTAL_SHARDS", options.shard_count) &&
         read_environment("TEST_RANDOM_SEED", options.seed) &&
         read_environment("TAKT_TIME_SCALE", options.time_scale);
}

bool read_argument(std::string_view argument, Options& options) {
  const std::size_t equals = argument.find('=');
  const std::string_view name = argument.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : argument.substr(equals + 1);
  if (argument == "--list") {
    options.list = true;
  } else if (argument == "--fail-fast") {
    options.fail_fast = true;
  } else if (name == "--filter") {
    if (value.empty()) return false;
    options.filter = value;
    options.filter_is_ours = true;
  } else if (name == "--xml") {
    options.xml_path = value;
  } else if (name == "--repeat") {
    return read_number(value, options.repeat) && options.repeat > 0;
  } else if (name == "--seed") {
    return read_number(value, options.seed);
  } else if (name == "--timeout-scale") {
    return read_number(value, options.time_scale) && options.time_scale > 0;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<Options> Options::parse(int argument_count, const char* const* arguments) {
  Options options;
  if (!read_environment(options)) {
    return std::nullopt;
  }
  for (int index = 1; index < argument_count; ++index) {
    if (!read_argument(arguments[index], options)) {
      std::fprintf(stderr, "not understood: %s\n%s", arguments[index], kOptionsHelp);
      return std::nullopt;
    }
  }
  if (options.shard_count == 0 || options.shard_index >= options.shard_count) {
    std::fprintf(stderr, "shard %u of %u does not exist\n", options.shard_index,
                 options.shard_count);
    return std::nullopt;
  }
  return options;
}

bool Options::selects(std::string_view full_name) const noexcept {
  const std::string_view all = filter;
  const std::size_t minus = all.find('-');
  const std::string_view wanted = all.substr(0, minus);
  if (!wanted.empty() && !matches_any(wanted, full_name)) {
    return false;
  }
  return minus == std::string_view::npos || !matches_any(all.substr(minus + 1), full_name);
}

}  // namespace takt::test
