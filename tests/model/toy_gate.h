// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_TOY_GATE_H_
#define TAKT_TESTS_MODEL_TOY_GATE_H_

#include <atomic>
#include <climits>
#include <cstdint>

#include "takt/platform/time.h"

namespace takt::model {

/// A primitive written for the checker's own tests and README: threads wait until it opens.
/// Its orders are as weak as they can be, so that every mutant is wrong, except that is_open()'s
/// is stronger than anybody needs, and forget() is used by no model.
template <class Env>
class ToyGate {
 public:
  void open() noexcept {
    word_.store(1, std::memory_order_release);
    Env::wake(word_, INT_MAX);
  }
  void wait() noexcept {
    while (word_.load(std::memory_order_acquire) == 0) {
      Env::wait(word_, 0, kNever);
    }
  }
  bool is_open() const noexcept { return word_.load(std::memory_order_seq_cst) != 0; }
  void forget() noexcept { word_.store(0, std::memory_order_relaxed); }

 private:
  typename Env::Word word_{0};
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_TOY_GATE_H_
