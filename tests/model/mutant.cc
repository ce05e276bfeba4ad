// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/mutant.h"

namespace takt::model {
namespace {

std::vector<std::memory_order> one_step_weaker(std::memory_order order, bool reads, bool writes) {
  switch (order) {
    case std::memory_order_seq_cst:
      if (reads && writes) return {std::memory_order_acq_rel};
      return {reads ? std::memory_order_acquire : std::memory_order_release};
    case std::memory_order_acq_rel:
      return {std::memory_order_acquire, std::memory_order_release};
    case std::memory_order_acquire:
    case std::memory_order_consume:
    case std::memory_order_release:
      return {std::memory_order_relaxed};
    case std::memory_order_relaxed:
      break;
  }
  return {};
}

}  // namespace

std::string Mutant::text(const Site& at) const {
  std::string text = at.text() + ' ';
  switch (kind) {
    case Kind::none:
      return text + "unchanged";
    case Kind::order:
      return text + to_string(at.order) + " -> " + to_string(to);
    case Kind::failure_order:
      return text + "failure " + to_string(at.failure) + " -> " + to_string(to);
    case Kind::drop_wake:
      return text + "dropped";
    case Kind::wake_one:
      return text + "cut to one";
  }
  return text;
}

std::vector<Mutant> Mutant::of(const Site& at, int site, int most_woken) {
  std::vector<Mutant> mutants;
  if (has_order(at.operation)) {
    const bool both = updates(at.operation) || at.operation == Operation::fence;
    for (const auto to : one_step_weaker(at.order, both || at.operation == Operation::load,
                                         both || at.operation == Operation::store)) {
      mutants.push_back({Kind::order, site, to});
    }
  }
  if (compares(at.operation)) {
    for (const auto to : one_step_weaker(at.failure, true, false)) {
      mutants.push_back({Kind::failure_order, site, to});
    }
  }
  if (wakes(at.operation)) {
    mutants.push_back({Kind::drop_wake, site, {}});
    if (most_woken > 1) mutants.push_back({Kind::wake_one, site, {}});
  }
  return mutants;
}

}  // namespace takt::model
