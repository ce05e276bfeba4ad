// SPDX-License-Identifier: Apache-2.0
// latency [SAMPLES]                (1000 by default)
//
// takt's delays beside those of others, on the board whose clock counts instructions
// (boards/hil/README.md): on a CPU that is kept free of everybody else, on one that is not but is
// idle (twice as many samples), and on that one with a load. Prints a table, and a JSON object a
// row to latency.json among the artefacts. Exit status 1 when a ratio of averages is beyond its
// target. One of maxima is only told: who meets what the kernel does once in ten seconds is luck
// (verify.sh judges those of several seeds together).
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "takt/platform/check.h"
#include "takt/platform/this_thread.h"
#include "takt/tests/boards/virtual_time/contestants.h"
#include "takt/tests/boards/virtual_time/load.h"

namespace takt::virtual_time {
namespace {

constexpr double kAverageTarget = 1.2;
constexpr double kMaximumTarget = 1.5;

/// Where, and with what beside it.
struct Situation {
  const char* name;
  Places places;
  bool loaded;
  int samples;  ///< of each contestant, for each that is asked for
};
// Loads have no business on a CPU without a tick (nohz_full), whose timers go to other CPUs as soon
// as it is busy: what is measured then is how the emulator takes turns. Beside a load the waker is
// on the same CPU, for the same reason.
constexpr Situation kSituations[] = {
    {"isolated", {{2, kPriority}, {3, kPriority}}, false, 2},
    {"shared", {{1, kPriority}, {0, kPriority}}, false, 2},
    {"loaded", {{1, kPriority}, {1, kPriority - 1}}, true, 1},
};

class Table {
 public:
  Table() {
    if (const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
      json_ = std::fopen((std::string(folder) + "/latency.json").c_str(), "w");
    }
    std::printf("%-10s%-24s%8s%9s%9s%9s%21s\n", "CPU", "delay in ns", "samples", "min", "average",
                "max", "ratios: average, max");
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    if (json_ != nullptr) std::fclose(json_);
  }

  /// With a reference for its average, and one for its maximum, the row has ratios.
  void row(const Situation& situation, const char* name, const Figures& figures,
           const Figures* reference = nullptr, const Figures* of_maximum = nullptr) {
    std::printf("%-10s%-24s%8lld%9lld%9.0f%9lld", situation.name, name, whole(figures.samples),
                whole(figures.min), figures.average, whole(figures.max));
    note(situation.name, name, figures);
    if (reference != nullptr) compare(figures, *reference, *of_maximum);
    std::printf("\n");
    std::fflush(stdout);
  }

  /// Whether a ratio of averages was beyond its target.
  [[nodiscard]] bool beyond() const { return beyond_; }

 private:
  static long long whole(std::int64_t value) { return value; }

  void compare(const Figures& figures, const Figures& reference, const Figures& of_maximum) {
    const double average = figures.average / reference.average;
    const double maximum = static_cast<double>(figures.max) / static_cast<double>(of_maximum.max);
    std::printf("%13.3f%8.3f%s%s", average, maximum, average > kAverageTarget ? "  AVERAGE" : "",
                maximum > kMaximumTarget ? "  (max)" : "");
    beyond_ = beyond_ || average > kAverageTarget;
  }

  void note(const char* cpu, const char* name, const Figures& figures) {
    if (json_ == nullptr) return;
    std::fprintf(json_,
                 "{\"cpu\": \"%s\", \"name\": \"%s\", \"samples\": %lld, \"min_ns\": %lld, "
                 "\"average_ns\": %.0f, \"max_ns\": %lld}\n",
                 cpu, name, whole(figures.samples), whole(figures.min), figures.average,
                 whole(figures.max));
  }

  std::FILE* json_ = nullptr;
  bool beyond_ = false;
};

int run(int wanted) {
  // Also the CPUs that the system keeps free.
  const Status wide = platform::set_affinity(CpuSet::range(0, kCpus - 1));
  TAKT_CHECK(wide.ok() && bench::cpu_count() == kCpus, "not the board that this is for");
  TAKT_CHECK(bench::fifo_granted(), "not the board that this is for: no SCHED_FIFO");
  Table table;
  for (const Situation& situation : kSituations) {
    const Places& places = situation.places;
    const int samples = wanted * situation.samples;
    std::optional<Load> load;
    if (situation.loaded) load.emplace(places.measured.slot);
    const Figures cyclic = cyclictest(places, samples);
    table.row(situation, "cyclictest", cyclic);
    table.row(situation, "takt: task's release", task_release(places, samples), &cyclic, &cyclic);
    table.row(situation, "bare futex time-out", futex_time_out(places, samples));
    const Figures futex = futex_wake(places, samples);
    table.row(situation, "bare futex wake", futex);
    table.row(situation, "takt: post to job", post_dispatch(places, samples), &futex, &cyclic);
  }
  std::printf(
      "targets: %.1f times the average of cyclictest or futex wake, %.1f times cyclictest's max\n",
      kAverageTarget, kMaximumTarget);
  return table.beyond() ? 1 : 0;
}

}  // namespace
}  // namespace takt::virtual_time

int main(int argc, char** argv) {
  return takt::virtual_time::run(argc > 1 ? std::atoi(argv[1]) : 1'000);
}
