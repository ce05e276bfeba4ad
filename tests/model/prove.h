// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_PROVE_H_
#define TAKT_TESTS_MODEL_PROVE_H_

#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "takt/tests/model/proof.h"
#include "takt/tests/support/sanitizer.h"
#include "takt/tests/support/test.h"

namespace takt::model {

/// The models do not depend on processor or compiler flags: they run where they are fast, in the
/// plain configuration of x86-64. (Sanitizers do not know the checker's stacks.)
#if defined(__x86_64__)
inline constexpr bool kModelsRunHere = !test::kSanitizerRuntime;
#else
inline constexpr bool kModelsRunHere = false;
#endif

#define TAKT_SKIP_MODELS_ELSEWHERE() \
  if (!::takt::model::kModelsRunHere) SKIP("models run in the plain configuration of x86-64")

/// The body of a test: explores the models, and checks coverage and mutants of the sources.
inline void prove(std::span<const Model> models, std::vector<std::string> sources) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  test::set_time_limit(deep() ? std::chrono::minutes(60) : std::chrono::minutes(10));
  Proof proof(models, std::move(sources));
  proof.explore();
  if (proof.complete()) proof.check_coverage();
  // A model that fails by itself rejects every mutant.
  if (proof.sound()) proof.check_mutants("tests/model/survivors.txt");
  for (const std::string& failure : proof.failures()) ADD_FAILURE("%s", failure.c_str());
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_PROVE_H_
