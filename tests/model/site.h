// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SITE_H_
#define TAKT_TESTS_MODEL_SITE_H_

#include <atomic>
#include <string>

#include "takt/tests/model/operation.h"

namespace takt::model {

/// A place in a source file, as the call's default arguments give it.
struct Where {
  const char* file;
  int line;
};

/// A place and what it does there; the unit of coverage and of mutation. A call whose order is a
/// parameter is one site for each order that it is given.
struct Site {
  const char* file;  ///< from the repository's root, for example "sync/mutex.h"
  int line;
  Operation operation;
  std::memory_order order;    ///< the one that the source says
  std::memory_order failure;  ///< of a compare-exchange that fails; else relaxed

  /// "sync/mutex.h:83:load"
  std::string text() const {
    return std::string(file) + ':' + std::to_string(line) + ':' + to_string(operation);
  }
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SITE_H_
