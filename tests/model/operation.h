// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_OPERATION_H_
#define TAKT_TESTS_MODEL_OPERATION_H_

#include <atomic>
#include <cstdint>

namespace takt::model {

/// What a model thread can do at a site of the source.
enum class Operation : std::uint8_t {
  construct,
  destroy,
  load,
  store,
  exchange,
  compare_exchange_weak,
  compare_exchange_strong,
  fetch_add,
  fetch_sub,
  fetch_and,
  fetch_or,
  fetch_xor,
  fence,
  wait,
  wake,
  requeue,
  lock_pi,
  try_lock_pi,
  unlock_pi,
  wait_requeue_pi,
  requeue_pi,
  now,
};

/// The operation's name as written in the source.
constexpr const char* to_string(Operation operation) {
  constexpr const char* kNames[] = {"construct",
                                    "destroy",
                                    "load",
                                    "store",
                                    "exchange",
                                    "compare_exchange_weak",
                                    "compare_exchange_strong",
                                    "fetch_add",
                                    "fetch_sub",
                                    "fetch_and",
                                    "fetch_or",
                                    "fetch_xor",
                                    "fence",
                                    "wait",
                                    "wake",
                                    "requeue",
                                    "lock_pi",
                                    "try_lock_pi",
                                    "unlock_pi",
                                    "wait_requeue_pi",
                                    "requeue_pi",
                                    "now"};
  return kNames[static_cast<int>(operation)];
}

constexpr const char* to_string(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

constexpr bool compares(Operation operation) {
  return operation == Operation::compare_exchange_weak ||
         operation == Operation::compare_exchange_strong;
}
constexpr bool updates(Operation operation) {
  return operation >= Operation::exchange && operation <= Operation::fetch_xor;
}
constexpr bool has_order(Operation operation) {
  return operation >= Operation::load && operation <= Operation::fence;
}
constexpr bool wakes(Operation operation) {
  return operation == Operation::wake || operation == Operation::requeue ||
         operation == Operation::requeue_pi;
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_OPERATION_H_
