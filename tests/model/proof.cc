// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/proof.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "takt/tests/model/engine.h"

namespace takt::model {
namespace {

/// Mutants that loop without a step are ended from outside.
constexpr unsigned kSecondsAMutant = 120;
constexpr int kAtOnce = 2;
constexpr int kSurvived = 0;
constexpr int kKilledBy = 1;  ///< plus the model's number: a child's exit status

void call_body(void* body) { (*reinterpret_cast<void (*)()>(body))(); }

Options deeper(Options options) {
  if (deep() && options.preemptions != kUnbounded) ++options.preemptions;
  return options;
}

Report explore_model(const Model& model, const Options& options) {
  return Engine::get().explore(options, &call_body, reinterpret_cast<void*>(model.body));
}

}  // namespace

bool deep() { return std::getenv("TAKT_MODEL_DEEP") != nullptr; }

Proof::Proof(std::span<const Model> models, std::vector<std::string> sources) : models_(models) {
  for (std::string& path : sources) {
    sources_.emplace_back(std::move(path));
    if (!sources_.back().readable()) failures_.push_back("cannot read " + sources_.back().path());
  }
}

void Proof::explore() {
  SiteTable& sites = Engine::get().sites();
  const char* const only = std::getenv("TAKT_MODEL");
  const char* const schedule = std::getenv("TAKT_MODEL_REPLAY");
  for (const Model& model : models_) {
    if (only != nullptr && std::strstr(model.name, only) == nullptr) continue;
    if (only != nullptr && schedule != nullptr) {
      replay(model, schedule);
      continue;
    }
    sites.start_collecting();
    const Options options = deeper(model.options);
    const Report report = explore_model(model, options);
    std::printf("%s\n", report.line(model.name, options).c_str());
    std::fflush(stdout);
    if (report.failed) {
      std::printf("%s", report.explanation(model.name).c_str());  // whole; a failure may be cut
      failures_.push_back(std::string(model.name) + ": " + report.failure);
      refuted_ = true;
    }
    if (report.executions < model.floor) {
      failures_.push_back(std::string(model.name) + ": " + std::to_string(report.executions) +
                          " executions, below the committed floor of " +
                          std::to_string(model.floor));
    }
    executions_.push_back(report.executions + report.pruned);
    std::vector<bool> executed(kMaxSites);
    for (int i = 0; i < sites.count(); ++i)
      executed[static_cast<std::size_t>(i)] = sites.executed(i);
    executed_.push_back(std::move(executed));
  }
}

void Proof::replay(const Model& model, const char* schedule) {
  const Report report = Engine::get().replay(deeper(model.options), &call_body,
                                             reinterpret_cast<void*>(model.body), schedule);
  std::printf("%s: %s\n%s", model.name, report.failed ? report.failure.c_str() : "holds",
              report.trace.c_str());
  if (report.failed) failures_.push_back(std::string(model.name) + ": " + report.failure);
}

void Proof::check_coverage() {
  const SiteTable& sites = Engine::get().sites();
  std::size_t calls = 0;
  std::size_t missing = 0;
  for (const SourceText& source : sources_) {
    for (const SourceText::Call& call : source.calls()) {
      ++calls;
      const auto covers = [&](const Site& site) {
        return site.operation == call.operation && source.path() == site.file &&
               site.line >= call.first_line && site.line <= call.last_line;
      };
      bool covered = false;
      for (int i = 0; i < sites.count() && !covered; ++i) {
        covered = covers(sites[i]) &&
                  std::any_of(executed_.begin(), executed_.end(), [&](const auto& executed) {
                    return executed[static_cast<std::size_t>(i)];
                  });
      }
      if (covered) continue;
      ++missing;
      failures_.push_back(source.path() + ':' + std::to_string(call.line) + ": no model executes " +
                          to_string(call.operation) + ": " + source.key(call.line));
    }
  }
  std::printf("sites: %zu of %zu executed\n", calls - missing, calls);
}

const SourceText* Proof::source_of(const Site& site) const {
  for (const SourceText& source : sources_) {
    if (source.path() == site.file) return &source;
  }
  return nullptr;
}

std::vector<Proof::Trial> Proof::trials(const std::set<std::string>& justified) const {
  std::vector<Trial> trials;
  SiteTable& sites = Engine::get().sites();
  for (int i = 0; i < sites.count(); ++i) {
    const SourceText* source = source_of(sites[i]);
    if (source == nullptr) continue;
    for (const Mutant& mutant : Mutant::of(sites[i], i, sites.most_woken(i))) {
      const std::string text = mutant.text(sites[i]);
      Trial trial{.mutant = mutant,
                  .key = source->path() + " | " + source->key(sites[i].line) + " | " +
                         to_string(sites[i].operation) + text.substr(text.find(' ')),
                  .by = {}};
      trial.justified = justified.count(trial.key) != 0;
      trials.push_back(std::move(trial));
    }
  }
  return trials;
}

/// In a child: the number of the first model that rejects the mutant, as exit status.
int Proof::try_mutant(const Trial& trial) const {
  Engine::get().set_mutant(trial.mutant);
  std::vector<std::size_t> undecided;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    if (executed_[i][static_cast<std::size_t>(trial.mutant.site)]) undecided.push_back(i);
  }
  // The cheap models first, and first all of them a little.
  std::sort(undecided.begin(), undecided.end(),
            [&](std::size_t a, std::size_t b) { return executions_[a] < executions_[b]; });
  for (const bool in_full : {false, true}) {
    if (in_full && trial.justified && !deep()) break;
    std::vector<std::size_t> cut;
    for (const std::size_t i : undecided) {
      Options options = models_[i].options;
      options.executions = most_executions_of_a_mutant(executions_[i]);
      if (!in_full) options.executions = std::min(options.executions, kQuickExecutions);
      const Report report = explore_model(models_[i], options);
      if (report.failed && !report.cut) return kKilledBy + static_cast<int>(i);
      if (report.cut) cut.push_back(i);
    }
    undecided = std::move(cut);
  }
  return kSurvived;
}

void Proof::run(std::vector<Trial>& trials) const {
  // A process a mutant: one that crashes or hangs is rejected, and takes nothing with it.
  std::fflush(stdout);
  std::vector<pid_t> children(trials.size(), 0);
  std::size_t next = 0;
  int running = 0;
  while (next < trials.size() || running > 0) {
    if (next < trials.size() && running < kAtOnce) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(kSecondsAMutant);
        ::_exit(try_mutant(trials[next]));
      }
      children[next++] = child;
      ++running;
      continue;
    }
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    const auto found = std::find(children.begin(), children.end(), ended);
    if (found == children.end()) continue;
    --running;
    Trial& trial = trials[static_cast<std::size_t>(found - children.begin())];
    if (WIFSIGNALED(status)) {
      trial.killed = true;
      trial.by = "signal " + std::to_string(WTERMSIG(status));
    } else if (WEXITSTATUS(status) != kSurvived) {
      trial.killed = true;
      trial.by = models_[static_cast<std::size_t>(WEXITSTATUS(status) - kKilledBy)].name;
    }
  }
}

void Proof::check_mutants(const std::string& survivors_file) {
  const std::set<std::string> justified = justifications(survivors_file);
  std::vector<Trial> all = trials(justified);
  run(all);
  const auto killed =
      std::count_if(all.begin(), all.end(), [](const Trial& t) { return t.killed; });
  compare_survivors(all, justified, survivors_file);
  std::printf("%-56s %12s %s\n", "model", "executions", "mutants killed first");
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const auto first = std::count_if(all.begin(), all.end(),
                                     [&](const Trial& t) { return t.by == models_[i].name; });
    std::printf("%-56s %12" PRIu64 " %td\n", models_[i].name, executions_[i], first);
  }
  std::printf("mutants: %zu, killed %td, survivors %td\n", all.size(), killed,
              static_cast<std::ptrdiff_t>(all.size()) - killed);
}

std::set<std::string> Proof::justifications(const std::string& survivors_file) {
  std::set<std::string> justified;
  std::ifstream file(survivors_file);
  if (!file) failures_.push_back("cannot read " + survivors_file);
  for (std::string line; std::getline(file, line);) {
    const auto reason = line.rfind(" | ");
    if (line.empty() || line.front() == '#' || reason == std::string::npos) continue;
    const std::string key = line.substr(0, reason);
    const bool ours = std::any_of(sources_.begin(), sources_.end(), [&](const SourceText& source) {
      return key.compare(0, source.path().size() + 3, source.path() + " | ") == 0;
    });
    if (ours) justified.insert(key);
  }
  return justified;
}

void Proof::compare_survivors(const std::vector<Trial>& trials, std::set<std::string> justified,
                              const std::string& survivors_file) {
  for (const Trial& trial : trials) {
    const Site& site = Engine::get().sites()[trial.mutant.site];
    if (!trial.killed) {
      std::printf("survivor: %s%s\n", trial.mutant.text(site).c_str(),
                  trial.justified ? " (justified)" : "");
    }
    if (!trial.killed && !trial.justified) {
      failures_.push_back("no model rejects " + trial.mutant.text(site) +
                          "\nweaken the code, strengthen a model, or justify it in " +
                          survivors_file + ":\n" + trial.key + " | <reason>");
    }
    if (trial.killed && trial.justified) {
      failures_.push_back(survivors_file + " justifies a mutant that is rejected (by '" + trial.by +
                          "'): " + trial.key);
    }
    justified.erase(trial.key);
  }
  for (const std::string& key : justified) {
    failures_.push_back(survivors_file);
    failures_.back().append(" names a mutant that does not exist: ").append(key);
  }
}

}  // namespace takt::model
