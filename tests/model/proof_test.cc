// SPDX-License-Identifier: Apache-2.0
// The checker's self-test, part four: a proof finds mutants that survive, sites that no model
// executes, and models that lost executions.
#include "takt/tests/model/proof.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "takt/tests/model/model.h"
#include "takt/tests/model/prove.h"
#include "takt/tests/model/toy_gate.h"

namespace takt::model {
namespace {

using Gate = ToyGate<ModelEnv>;

void opens() {
  Gate gate;
  Variable<int> data(0);
  const auto wait = [&] {
    gate.wait();
    require(data.get() == 1 && gate.is_open(), "what came before is seen");
  };
  concurrently(wait, wait, [&] { data.set(1), gate.open(); });
}

constexpr const char* kSource = "tests/model/toy_gate.h";
constexpr const char* kSurvivor =
    "tests/model/toy_gate.h | bool is_open() const noexcept { return "
    "word_.load(std::memory_order_seq_cst) != 0; } | load seq_cst -> acquire";

const Model kModels[] = {{"toy gate: opens", opens, {.preemptions = 2}, 20}};

/// A survivors file of its own for each use; removed at the end.
class SurvivorsFile {
 public:
  explicit SurvivorsFile(const std::string& text) {
    path_ += std::to_string(::getpid());
    if (const char* directory = std::getenv("TEST_TMPDIR")) path_ = std::string(directory) + "/s";
    std::ofstream(path_) << "# comment\n" << text;
  }
  ~SurvivorsFile() { std::remove(path_.c_str()); }
  SurvivorsFile(const SurvivorsFile&) = delete;
  SurvivorsFile& operator=(const SurvivorsFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/takt-survivors-";
};

bool any_says(const Proof& proof, const char* text) {
  return std::any_of(
      proof.failures().begin(), proof.failures().end(),
      [&](const std::string& failure) { return failure.find(text) != std::string::npos; });
}

TEST(Proof, names_the_sites_that_no_model_executes) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  Proof proof(kModels, {kSource});
  proof.explore();
  ASSERT_TRUE(proof.sound());
  EXPECT_EQ(proof.failures().size(), 0U);
  proof.check_coverage();
  ASSERT_EQ(proof.failures().size(), 1U);
  EXPECT_TRUE(any_says(proof, "no model executes store: void forget() noexcept"));
}

TEST(Proof, names_the_mutants_that_survive) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const SurvivorsFile none("");
  Proof proof(kModels, {kSource});
  proof.explore();
  proof.check_mutants(none.path());
  // Killed: the release, the acquire, the dropped wake, the wake of one.
  ASSERT_EQ(proof.failures().size(), 1U);
  EXPECT_TRUE(any_says(proof, kSurvivor));
}

TEST(Proof, accepts_a_justified_survivor) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const SurvivorsFile justified(std::string(kSurvivor) + " | an example\n");
  Proof proof(kModels, {kSource});
  proof.explore();
  proof.check_mutants(justified.path());
  EXPECT_EQ(proof.failures().size(), 0U);
}

TEST(Proof, refuses_a_justification_of_nothing) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const SurvivorsFile wrong(
      std::string(kSurvivor) + " | an example\n" +
      "tests/model/toy_gate.h | word_.store(1, std::memory_order_release); | "
      "store release -> relaxed | but a model rejects it\n"
      "tests/model/toy_gate.h | gone | load acquire -> relaxed | no such line\n"
      "another/file.h | gone | load acquire -> relaxed | none of this proof's\n");
  Proof proof(kModels, {kSource});
  proof.explore();
  proof.check_mutants(wrong.path());
  EXPECT_EQ(proof.failures().size(), 2U);
  EXPECT_TRUE(any_says(proof, "justifies a mutant that is rejected (by 'toy gate: opens')"));
  EXPECT_TRUE(any_says(proof, "names a mutant that does not exist"));
}

TEST(Proof, fails_below_the_floor) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Model lazy[] = {{"toy gate: opens", opens, {.preemptions = 0}, 1'000'000}};
  Proof proof(lazy, {kSource});
  proof.explore();
  EXPECT_TRUE(any_says(proof, "below the committed floor of 1000000"));
}

TEST(Proof, cannot_go_without_its_sources) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const Proof proof(kModels, {"no/such/file.h"});
  EXPECT_TRUE(any_says(proof, "cannot read no/such/file.h"));
}

}  // namespace
}  // namespace takt::model
