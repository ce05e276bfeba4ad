// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_BENCH_HARNESS_H_
#define TAKT_TESTS_BENCH_HARNESS_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Rows of contestants that do the same work in one binary, round by round in turn. What counts is
/// the ratio to another contestant of the row: see README.md.
namespace takt::bench {

/// A bound on a contestant's figure, as a multiple of another contestant's of the same row.
struct Target {
  std::string reference;
  double at_most;
};

/// Someone who does the work of a row.
struct Contestant {
  std::string name;
  /// What its figure is compared with. An `at_most` of 0 makes it a ratio without a bound.
  std::vector<Target> targets;
  /// One round, for Suite::cost(): the nanoseconds of one operation, start and end read inside the
  /// measured threads.
  std::function<double()> round;
};

/// What each contestant measured in one round, in nanoseconds.
using Samples = std::vector<std::int64_t>;

/// The rows of one program.
class Suite {
 public:
  /// Reads `--filter TEXT`, `--rounds COUNT`, `--json FILE` and `--gate`; ends the program with a
  /// message when it cannot. Says on stdout where and how it measures.
  Suite(std::string name, int argc, char** argv);

  /// Whether the filter lets a row of this name run.
  bool wants(std::string_view row) const;

  /// A row of costs: one warm-up round, then each contestant in turn in each round. The figure is
  /// the median of the rounds, the ratio the median of the rounds' ratios.
  void cost(const std::string& row, const std::vector<Contestant>& contestants);

  /// A row of latencies: `round` appends samples for each contestant, alternating. The figure is
  /// the median of the rounds' medians; p99 and the maximum are of all samples.
  void latency(const std::string& row, const std::vector<Contestant>& contestants,
               const std::function<void(std::span<Samples>)>& round);

  /// A row that this machine cannot measure.
  void skip(const std::string& row, const std::string& reason);

  /// Writes the JSON file if one was asked for. The program's exit status: 1 when that failed, or
  /// with --gate when a target was missed or a row skipped.
  int finish();

 private:
  struct Verdict {
    std::string reference;
    double ratio;
    double at_most;  // 0: none
    bool reached() const { return at_most == 0 || ratio <= at_most; }
  };
  struct Line {
    std::string contestant;
    std::vector<double> rounds;
    double median;
    double p99;      // 0 in a row of costs
    double maximum;  // 0 in a row of costs
    std::vector<Verdict> verdicts;
  };
  struct Row {
    std::string name;
    std::string skipped;  // the reason; empty when measured
    std::vector<Line> lines;
  };

  static void judge(Row& row, const std::vector<Contestant>& contestants);
  void print(const Row& row);
  bool write_json() const;

  std::string name_;
  std::string filter_;
  std::string json_;
  int rounds_ = 5;
  bool gate_ = false;
  std::vector<Row> rows_;
};

/// Calls `body(contestant)` `samples` times for each of `contestants`, sample by sample in turn,
/// the other way round every second time: nobody always follows the same one.
void alternate(int samples, std::span<Samples> contestants,
               const std::function<std::int64_t(std::size_t contestant)>& body);

/// Makes the compiler believe that the object is read and written here.
template <class T>
void keep(T& object) {
  asm volatile("" : : "r"(&object) : "memory");
}

}  // namespace takt::bench

#endif  // TAKT_TESTS_BENCH_HARNESS_H_
