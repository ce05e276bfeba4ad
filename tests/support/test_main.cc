// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "takt/tests/support/case_process.h"
#include "takt/tests/support/junit.h"
#include "takt/tests/support/options.h"
#include "takt/tests/support/test.h"

namespace takt::test {

namespace {

std::string full_name(const Case& test_case) {
  Message name;
  name.append(test_case.suite()).append('.');
  test_case.append_name(name);
  return std::string(name.view());
}

std::vector<const Case*> select_cases(const Options& options) {
  std::vector<const Case*> selected;
  unsigned index = 0;
  for (const Case* test_case = Case::first(); test_case != nullptr; test_case = test_case->next()) {
    if (options.selects(full_name(*test_case)) &&
        index++ % options.shard_count == options.shard_index) {
      selected.push_back(test_case);
    }
  }
  return selected;
}

/// Bazel wants to see that the program knows about shards.
void touch_shard_status_file() {
  const char* path = std::getenv("TEST_SHARD_STATUS_FILE");
  if (path == nullptr) {
    return;
  }
  if (std::FILE* file = std::fopen(path, "w"); file != nullptr) {
    std::fclose(file);
  }
}

CaseResult run_case(const Case& test_case) {
  const std::string name = full_name(test_case);
  std::printf("[ run     ] %s\n", name.c_str());
  CaseResult result = run_case_in_process(test_case);
  const double milliseconds = std::chrono::duration<double, std::milli>(result.duration).count();
  if (result.skipped()) {
    std::printf("SKIPPED: %s\n", result.skip_reason.c_str());
  }
  const char* outcome = result.failed() ? "failed " : result.skipped() ? "skipped" : "passed ";
  std::printf("[ %s ] %s (%.1f ms)\n", outcome, name.c_str(), milliseconds);
  std::fflush(stdout);
  return result;
}

std::vector<CaseResult> run_cases(const Options& options, const std::vector<const Case*>& cases) {
  std::vector<CaseResult> results;
  for (unsigned repetition = 0; repetition < options.repeat; ++repetition) {
    set_seed(options.seed + repetition);
    std::printf("seed %ju\n", static_cast<std::uintmax_t>(seed()));
    for (const Case* test_case : cases) {
      results.push_back(run_case(*test_case));
      if (interrupted() || (options.fail_fast && results.back().failed())) {
        return results;
      }
    }
  }
  return results;
}

/// Names what did not pass once more, where it is found without scrolling; false if one failed.
bool summarise(const std::vector<CaseResult>& results) {
  unsigned failed = 0;
  unsigned skipped = 0;
  for (const CaseResult& result : results) {
    if (result.skipped()) {
      ++skipped;
      std::printf("SKIPPED: %s: %s\n", result.full_name().c_str(), result.skip_reason.c_str());
    }
  }
  for (const CaseResult& result : results) {
    if (result.failed()) {
      ++failed;
      const std::string& first = result.failures.front();
      std::printf("FAILED: %s: %s\n", result.full_name().c_str(),
                  first.substr(0, first.find('\n')).c_str());
    }
  }
  std::printf("%zu passed, %u failed, %u skipped\n", results.size() - failed - skipped, failed,
              skipped);
  return failed == 0;
}

}  // namespace

int run(int argument_count, const char* const* arguments) {
  const std::optional<Options> options = Options::parse(argument_count, arguments);
  if (!options.has_value()) {
    return 2;
  }
  set_time_scale(options->time_scale);
  touch_shard_status_file();
  const std::vector<const Case*> cases = select_cases(*options);
  if (options->list) {
    for (const Case* test_case : cases) {
      std::printf("%s\n", full_name(*test_case).c_str());
    }
    return 0;
  }
  if (cases.empty() && options->filter_is_ours) {
    std::fprintf(stderr, "no case matches %s\n", options->filter.c_str());
    return 1;
  }
  const std::vector<CaseResult> results = run_cases(*options, cases);
  const bool written = options->xml_path.empty() || write_junit(options->xml_path, results);
  return summarise(results) && written && !interrupted() ? 0 : 1;
}

}  // namespace takt::test

int main(int argument_count, char** arguments) {
  // Lines appear in order when stdout is a file or a pipe, too, and survive a crash.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return takt::test::run(argument_count, arguments);
}
