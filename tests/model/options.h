// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_OPTIONS_H_
#define TAKT_TESTS_MODEL_OPTIONS_H_

#include <cstdint>

namespace takt::model {

inline constexpr int kUnbounded = 1 << 14;

/// How far one model is explored. Every bound is printed with the result: a bound is a promise
/// about what was looked at, and about nothing beyond.
struct Options {
  /// How often an execution may switch away from a thread that could go on.
  int preemptions = kUnbounded;
  /// Sleep sets: of executions that differ only in the order of independent steps one is finished.
  /// Only without a bound on preemptions (under one it would miss executions), and only in models
  /// without timed waits, pauses and freezes, whose steps depend on the whole state.
  bool reduction = false;

  /// The order S of seq_cst operations follows all of happens-before, as in C++11 to C++17. Since
  /// C++20 (P0668) it follows only "strongly happens before": what is learnt through a mixture of
  /// seq_cst and weaker operations on one object does not count. Compilers for x86, Armv8 and
  /// RISC-V give the strong order, those for POWER only the weak one.
  bool strong_seq_cst = false;

  // Each is a number per thread and execution.
  int spurious_wakes = 1;  ///< futex waits that return though nobody woke them
  int weak_failures = 1;   ///< compare_exchange_weak that fails though the value is as expected
  int stale_rereads = 1;   ///< loads that read again a store known to be overwritten
  int reorderings = 1;     ///< stores placed before an already executed one of another thread
  int early_timeouts = 1;  ///< time-outs while other threads could go on

  /// Threads that may stop for ever, at any point, per execution; and which (bit i: the i-th body).
  int freezes = 0;
  std::uint32_t freezable = ~std::uint32_t{0};

  /// Steps after which an execution counts as truncated (a livelock, most likely): the model fails.
  std::uint32_t steps = 400;
  /// Executions after which the search is cut, which counts as one truncation.
  std::uint64_t executions = std::uint64_t{1} << 40;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_OPTIONS_H_
