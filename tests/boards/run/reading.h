// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BOARDS_RUN_READING_H_
#define TAKT_TESTS_BOARDS_RUN_READING_H_

#include <string>
#include <string_view>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/json_reader.h"
#include "takt/boards/run/plan.h"
#include "takt/boards/run/workload.h"
#include "takt/boards/run/workload_reader.h"
#include "takt/platform/cpu_set.h"

namespace takt::run {

/// A text on its way through reader, interpreter and planner, as far as it gets.
struct Reading {
  StaticJsonReader<4096, 65536> json;
  Workload workload;
  Plan plan;
  Diagnostics diagnostics;
  const JsonNode* document = nullptr;
  bool ok = false;

  void parse(std::string_view text) {
    diagnostics.clear();
    document = json.read(text, diagnostics);
    ok = document != nullptr;
  }
  void interpret(std::string_view text) {
    parse(text);
    if (ok) ok = WorkloadReader(workload, diagnostics).read(*document);
  }
  void deploy(std::string_view text, const CpuSet& cpus = CpuSet::of(0, 1)) {
    interpret(text);
    if (ok) ok = make_plan(workload, cpus, plan, diagnostics);
  }
  /// "w:1:2: error: …" lines.
  std::string errors() const {
    static char text[16384];
    TextWriter out(text, sizeof text);
    diagnostics.write_errors("w", out);
    return std::string(out.view());
  }
  std::string notices() const {
    static char text[16384];
    TextWriter out(text, sizeof text);
    diagnostics.write_notices("w", out);
    return std::string(out.view());
  }
};

}  // namespace takt::run

#endif  // TAKT_TESTS_BOARDS_RUN_READING_H_
