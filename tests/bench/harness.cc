// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/bench/harness.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "takt/platform/check.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

[[noreturn]] void usage(const std::string& name) {
  std::fprintf(stderr, "usage: %s [--filter TEXT] [--rounds COUNT] [--json FILE] [--gate]\n",
               name.c_str());
  std::exit(2);
}

/// The value below which `fraction` of all values lie.
template <class Value>
double quantile(std::vector<Value> values, double fraction) {
  TAKT_CHECK(!values.empty(), "benchmark: a contestant measured nothing");
  const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), place, values.end());
  return static_cast<double>(*place);
}

template <class Value>
double median(std::vector<Value> values) {
  return quantile(std::move(values), 0.5);
}

}  // namespace

Suite::Suite(std::string name, int argc, char** argv) : name_(std::move(name)) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--gate") {
      gate_ = true;
      continue;
    }
    if (i + 1 == argc) usage(name_);
    const std::string_view value = argv[++i];
    if (option == "--filter") {
      filter_ = value;
    } else if (option == "--json") {
      json_ = value;
    } else if (option == "--rounds") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rounds_);
      if (error != std::errc() || end != value.data() + value.size() || rounds_ < 1) usage(name_);
    } else {
      usage(name_);
    }
  }
  std::printf("%s: median of %d rounds, %zu CPUs, %s\n", name_.c_str(), rounds_, cpu_count(),
              fifo_granted() ? "SCHED_FIFO"
                             : "time sharing: SCHED_FIFO WAS REFUSED, THE FIGURES ARE NOT TO BE "
                               "TRUSTED (run as root or grant CAP_SYS_NICE)");
}

bool Suite::wants(std::string_view row) const { return row.find(filter_) != row.npos; }

void Suite::cost(const std::string& row, const std::vector<Contestant>& contestants) {
  Row result{row, "", {}};
  for (const Contestant& contestant : contestants) {
    static_cast<void>(contestant.round());  // warms caches, stacks and lazy binding
    result.lines.push_back({contestant.name, {}, 0, 0, 0, {}});
  }
  for (int round = 0; round < rounds_; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      result.lines[i].rounds.push_back(contestants[i].round());
    }
  }
  judge(result, contestants);
  print(result);
  rows_.push_back(std::move(result));
}

void Suite::latency(const std::string& row, const std::vector<Contestant>& contestants,
                    const std::function<void(std::span<Samples>)>& round) {
  Row result{row, "", {}};
  for (const Contestant& contestant : contestants) {
    result.lines.push_back({contestant.name, {}, 0, 0, 0, {}});
  }
  std::vector<Samples> all(contestants.size());
  for (int number = 0; number <= rounds_; ++number) {
    std::vector<Samples> samples(contestants.size());
    round(samples);
    if (number == 0) continue;  // the warm-up
    for (std::size_t i = 0; i < samples.size(); ++i) {
      result.lines[i].rounds.push_back(median(samples[i]));
      all[i].insert(all[i].end(), samples[i].begin(), samples[i].end());
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    result.lines[i].p99 = quantile(all[i], 0.99);
    result.lines[i].maximum = quantile(all[i], 1.0);
  }
  judge(result, contestants);
  print(result);
  rows_.push_back(std::move(result));
}

void Suite::judge(Row& row, const std::vector<Contestant>& contestants) {
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    Line& line = row.lines[i];
    line.median = median(line.rounds);
    for (const Target& target : contestants[i].targets) {
      const auto reference =
          std::find_if(row.lines.begin(), row.lines.end(),
                       [&](const Line& other) { return other.contestant == target.reference; });
      TAKT_CHECK(reference != row.lines.end(), "benchmark: a target names nobody of its row");
      std::vector<double> ratios;
      for (std::size_t round = 0; round < line.rounds.size(); ++round) {
        ratios.push_back(line.rounds[round] / reference->rounds[round]);
      }
      line.verdicts.push_back({target.reference, median(ratios), target.at_most});
    }
  }
}

void Suite::skip(const std::string& row, const std::string& reason) {
  rows_.push_back({row, reason, {}});
  std::printf("\n%s\n  NOT MEASURED: %s\n", row.c_str(), reason.c_str());
}

void Suite::print(const Row& row) {
  const bool sampled = row.lines.front().maximum > 0;
  std::printf("\n%-44s %12s", row.name.c_str(), sampled ? "p50 ns" : "ns");
  if (sampled) std::printf(" %12s %12s", "p99", "max");
  std::printf("   ratio\n");
  for (const Line& line : row.lines) {
    std::printf("  %-42s %12.*f", line.contestant.c_str(), sampled ? 0 : 2, line.median);
    if (sampled) std::printf(" %12.0f %12.0f", line.p99, line.maximum);
    for (std::size_t i = 0; i < line.verdicts.size(); ++i) {
      const Verdict& verdict = line.verdicts[i];
      if (i > 0) std::printf("\n%*s", sampled ? 83 : 57, "");
      std::printf("   %.3f of %s", verdict.ratio, verdict.reference.c_str());
      if (verdict.at_most != 0) {
        std::printf(", target %.2f: %s", verdict.at_most, verdict.reached() ? "reached" : "MISSED");
      }
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

// The names in the program's own tables need no escaping.
bool Suite::write_json() const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(json_.c_str(), "w"),
                                                             &std::fclose);
  if (file == nullptr) return false;
  std::fprintf(file.get(), "{\"suite\": \"%s\", \"rounds\": %d, \"fifo\": %s, \"rows\": [",
               name_.c_str(), rounds_, fifo_granted() ? "true" : "false");
  const char* row_comma = "";
  for (const Row& row : rows_) {
    std::fprintf(file.get(), "%s\n  {\"name\": \"%s\", \"skipped\": \"%s\", \"contestants\": [",
                 std::exchange(row_comma, ","), row.name.c_str(), row.skipped.c_str());
    const char* line_comma = "";
    for (const Line& line : row.lines) {
      std::fprintf(file.get(),
                   "%s\n    {\"name\": \"%s\", \"median_ns\": %.3f, \"p99_ns\": %.0f, "
                   "\"max_ns\": %.0f, \"rounds_ns\": [",
                   std::exchange(line_comma, ","), line.contestant.c_str(), line.median, line.p99,
                   line.maximum);
      const char* comma = "";
      for (const double round : line.rounds) {
        std::fprintf(file.get(), "%s%.3f", std::exchange(comma, ", "), round);
      }
      std::fprintf(file.get(), "], \"targets\": [");
      comma = "";
      for (const Verdict& verdict : line.verdicts) {
        std::fprintf(file.get(),
                     "%s{\"reference\": \"%s\", \"ratio\": %.4f, \"at_most\": %.3f, "
                     "\"reached\": %s}",
                     std::exchange(comma, ", "), verdict.reference.c_str(), verdict.ratio,
                     verdict.at_most, verdict.reached() ? "true" : "false");
      }
      std::fprintf(file.get(), "]}");
    }
    std::fprintf(file.get(), "]}");
  }
  std::fprintf(file.get(), "\n]}\n");
  return std::ferror(file.get()) == 0;
}

int Suite::finish() {
  int missed = 0;
  for (const Row& row : rows_) {
    missed += row.skipped.empty() ? 0 : 1;
    for (const Line& line : row.lines) {
      for (const Verdict& verdict : line.verdicts) missed += verdict.reached() ? 0 : 1;
    }
  }
  std::printf("\n%s: %d missed or not measured\n", name_.c_str(), missed);
  if (!json_.empty() && !write_json()) {
    std::fprintf(stderr, "%s: cannot write %s\n", name_.c_str(), json_.c_str());
    return 1;
  }
  return gate_ && missed != 0 ? 1 : 0;
}

void alternate(int samples, std::span<Samples> contestants,
               const std::function<std::int64_t(std::size_t contestant)>& body) {
  for (int sample = 0; sample < samples; ++sample) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const std::size_t contestant = sample % 2 == 0 ? i : contestants.size() - 1 - i;
      contestants[contestant].push_back(body(contestant));
    }
  }
}

}  // namespace takt::bench
