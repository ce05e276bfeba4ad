// SPDX-License-Identifier: Apache-2.0
// latency [SAMPLES]
//
// takt's delays beside those of others, on the board whose clock counts instructions
// (boards/hil/README.md): an idle one, then a loaded one. Prints a table, and a JSON object a row to
// latency.json among the artefacts. Exit status 1 when a ratio is missed.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "takt/platform/check.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/boards/virtual_time/contestants.h"
#include "takt/tests/boards/virtual_time/load.h"

namespace takt::virtual_time {
namespace {

constexpr double kAverageAtMost = 1.2;
constexpr double kMaximumAtMost = 1.5;

class Table {
 public:
  Table() {
    if (const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
      json_ = std::fopen((std::string(folder) + "/latency.json").c_str(), "w");
    }
    std::printf("%-8s%-28s%9s%12s%12s%12s%22s\n", "load", "delay in ns", "samples", "min", "average",
                "max", "ratios: average, max");
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    if (json_ != nullptr) std::fclose(json_);
  }

  void row(const char* load, const char* name, const Figures& figures) {
    std::printf("%-8s%-28s%9lld%12lld%12.0f%12lld", load, name, whole(figures.samples),
                whole(figures.min), figures.average, whole(figures.max));
    note(load, name, figures);
    std::printf("\n");
  }

  /// A row that is bound to `reference`.
  void row(const char* load, const char* name, const Figures& figures, const Figures& reference) {
    std::printf("%-8s%-28s%9lld%12lld%12.0f%12lld", load, name, whole(figures.samples),
                whole(figures.min), figures.average, whole(figures.max));
    note(load, name, figures);
    const double average = figures.average / reference.average;
    const double maximum = static_cast<double>(figures.max) / static_cast<double>(reference.max);
    const bool held = average <= kAverageAtMost && maximum <= kMaximumAtMost;
    std::printf("%11.3f%11.3f%s\n", average, maximum, held ? "" : "  MISSED");
    missed_ = missed_ || !held;
  }

  [[nodiscard]] bool missed() const { return missed_; }

 private:
  static long long whole(std::int64_t value) { return value; }

  void note(const char* load, const char* name, const Figures& figures) {
    if (json_ == nullptr) return;
    std::fprintf(json_,
                 "{\"load\": \"%s\", \"name\": \"%s\", \"samples\": %lld, \"min_ns\": %lld, "
                 "\"average_ns\": %.0f, \"max_ns\": %lld}\n",
                 load, name, whole(figures.samples), whole(figures.min), figures.average,
                 whole(figures.max));
  }

  std::FILE* json_ = nullptr;
  bool missed_ = false;
};

int run(int samples) {
  // Also the CPUs that the system keeps free.
  const Status wide = platform::set_affinity(CpuSet::range(0, kCpus - 1));
  TAKT_CHECK(wide.ok() && bench::cpu_count() == kCpus, "not the board that this is for");
  TAKT_CHECK(bench::fifo_granted(), "not the board that this is for: no SCHED_FIFO");
  Table table;
  for (const char* load : {"idle", "loaded"}) {
    const Load hogs(std::string(load) == "loaded");
    const Figures cyclic = cyclictest(samples);
    table.row(load, "cyclictest", cyclic);
    table.row(load, "takt: task's release", task_release(samples), cyclic);
    const Figures futex = futex_wake(samples);
    table.row(load, "bare futex wake", futex);
    table.row(load, "takt: post to job", post_dispatch(samples), futex);
  }
  std::printf("at most %.1f times the average of who is named before it, %.1f times the maximum: %s\n",
              kAverageAtMost, kMaximumAtMost, table.missed() ? "MISSED" : "held");
  return table.missed() ? 1 : 0;
}

}  // namespace
}  // namespace takt::virtual_time

int main(int argc, char** argv) {
  return takt::virtual_time::run(argc > 1 ? std::atoi(argv[1]) : 1'000);
}
