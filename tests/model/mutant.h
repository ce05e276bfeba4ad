// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_MUTANT_H_
#define TAKT_TESTS_MODEL_MUTANT_H_

#include <atomic>
#include <string>
#include <vector>

#include "takt/tests/model/site.h"

namespace takt::model {

/// One deliberate fault at one site, applied while the shipped code runs: no copy of it exists.
struct Mutant {
  enum class Kind {
    none,
    order,          ///< the (success) order is `to`
    failure_order,  ///< the failure order is `to`
    drop_wake,      ///< the call does nothing
    wake_one,       ///< a wake of several wakes one
  };

  Kind kind = Kind::none;
  int site = -1;
  std::memory_order to = std::memory_order_relaxed;

  /// "sync/mutex.h:83:load acquire -> relaxed"
  std::string text(const Site& at) const;

  /// The mutants of a site: each order one step weaker (what is weaker still allows everything
  /// that one step allows, so killing one step kills the rest), each wake dropped or cut to one.
  static std::vector<Mutant> of(const Site& at, int site, int most_woken);
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_MUTANT_H_
