// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/junit.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace takt::test {

namespace {

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        // XML has no way to write control characters, and the text may be no valid UTF-8.
        if (byte < 0x20 || byte > 0x7e) {
          char code[5];
          std::snprintf(code, sizeof code, "\\x%02x", byte);
          escaped += code;
        } else {
          escaped += character;
        }
    }
  }
  return escaped;
}

struct Totals {
  std::size_t cases = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;
  std::chrono::nanoseconds duration{};

  void add(const CaseResult& result) {
    ++cases;
    failed += result.failed() ? 1U : 0U;
    skipped += result.skipped() ? 1U : 0U;
    duration += result.duration;
  }
};

double seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

void write_totals(std::FILE* file, const char* element, const std::string& name,
                  const Totals& totals) {
  std::fprintf(file,
               "<%s name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" "
               "time=\"%.6f\">\n",
               element, escape(name).c_str(), totals.cases, totals.failed, totals.skipped,
               seconds(totals.duration));
}

void write_case(std::FILE* file, const CaseResult& result) {
  std::fprintf(file, "    <testcase classname=\"%s\" name=\"%s\" status=\"%s\" time=\"%.6f\">",
               escape(result.suite).c_str(), escape(result.name).c_str(),
               result.skipped() ? "notrun" : "run", seconds(result.duration));
  for (const std::string& failure : result.failures) {
    std::fprintf(file, "\n      <failure message=\"%s\"/>", escape(failure).c_str());
  }
  if (result.skipped()) {
    std::fprintf(file, "\n      <skipped message=\"%s\"/>", escape(result.skip_reason).c_str());
  }
  std::fputs("\n    </testcase>\n", file);
}

void write_document(std::FILE* file, const std::vector<CaseResult>& results) {
  std::vector<std::string> suites;
  Totals all;
  for (const CaseResult& result : results) {
    all.add(result);
    if (std::find(suites.begin(), suites.end(), result.suite) == suites.end()) {
      suites.push_back(result.suite);
    }
  }
  std::fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", file);
  write_totals(file, "testsuites", "takt", all);
  for (const std::string& suite : suites) {
    Totals totals;
    for (const CaseResult& result : results) {
      if (result.suite == suite) {
        totals.add(result);
      }
    }
    std::fputs("  ", file);
    write_totals(file, "testsuite", suite, totals);
    for (const CaseResult& result : results) {
      if (result.suite == suite) {
        write_case(file, result);
      }
    }
    std::fputs("  </testsuite>\n", file);
  }
  std::fputs("</testsuites>\n", file);
}

}  // namespace

bool write_junit(const std::string& path, const std::vector<CaseResult>& results) {
  const std::string unfinished = path + ".unfinished";
  std::FILE* file = std::fopen(unfinished.c_str(), "w");
  if (file != nullptr) {
    write_document(file, results);
    const bool written = std::ferror(file) == 0;
    if ((std::fclose(file) == 0) && written && std::rename(unfinished.c_str(), path.c_str()) == 0) {
      return true;
    }
  }
  std::fprintf(stderr, "cannot write %s: %s\n", path.c_str(), std::strerror(errno));
  return false;
}

}  // namespace takt::test
