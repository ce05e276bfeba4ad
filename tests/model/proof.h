// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_PROOF_H_
#define TAKT_TESTS_MODEL_PROOF_H_

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "takt/tests/model/mutant.h"
#include "takt/tests/model/options.h"
#include "takt/tests/model/source_text.h"

namespace takt::model {

/// One model: a claim about shipped code, explored within bounds.
struct Model {
  const char* name;  ///< "what happens: what must hold", for the table
  void (*body)();
  Options options;
  /// Executions below which the exploration must have lost something: a committed figure.
  std::uint64_t floor;
};

/// Whether the bounds are raised: TAKT_MODEL_DEEP is in the environment, as it is in
/// `boards/takt check --deep`.
bool deep();

/// A mutant may have far more executions than the original; a model that does not reject it within
/// so many is taken not to reject it.
inline constexpr std::uint64_t most_executions_of_a_mutant(std::uint64_t executions) {
  return 4 * executions + 50'000;
}

/// Most mutants are rejected within so many executions of some model: first all models are tried
/// so far.
inline constexpr std::uint64_t kQuickExecutions = 2'000;

/// What is believed of some shipped sources, and why: models that hold; every atomic and futex
/// site of the sources executed by one of them; every generated mutant of those sites rejected by
/// one, or justified in a survivors file. That no model rejects a justified mutant, so that its
/// justification is needed, is tried quickly, and in full where deep().
///
/// Prints a table. What is wrong is collected in failures(), one message each.
///
/// The survivors file has a line a mutant: "file | line of source | mutation | reason", with "#2"
/// behind the line of source when an equal one comes before it in the file. '#' begins a comment.
class Proof {
 public:
  /// `sources` are paths from the repository's root, where the test runs.
  Proof(std::span<const Model> models, std::vector<std::string> sources);

  /// Explores all models; with TAKT_MODEL in the environment only those whose name contains it,
  /// with TAKT_MODEL_REPLAY besides it only the schedule that this holds.
  void explore();
  /// Whether all models were explored, and none failed.
  bool complete() const { return executions_.size() == models_.size(); }
  bool sound() const { return complete() && !refuted_; }
  /// Compares the sources' sites with the executed ones. After explore().
  void check_coverage();
  /// Explores all models again with each mutant. After explore().
  void check_mutants(const std::string& survivors_file);

  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Trial {
    Mutant mutant;
    std::string key;  ///< as in the survivors file, without the reason
    bool justified = false;
    bool killed = false;
    std::string by;
  };

  void replay(const Model& model, const char* schedule);
  /// The mutants of the sources that `survivors_file` justifies; reports a file that is not there.
  std::set<std::string> justifications(const std::string& survivors_file);
  std::vector<Trial> trials(const std::set<std::string>& justified) const;
  const SourceText* source_of(const Site& site) const;
  void run(std::vector<Trial>& trials) const;
  int try_mutant(const Trial& trial) const;
  void compare_survivors(const std::vector<Trial>& trials, std::set<std::string> justified,
                         const std::string& survivors_file);

  std::span<const Model> models_;
  bool refuted_ = false;
  std::vector<SourceText> sources_;
  std::vector<std::vector<bool>> executed_;  ///< by model and site
  std::vector<std::uint64_t> executions_;    ///< by model
  std::vector<std::string> failures_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_PROOF_H_
