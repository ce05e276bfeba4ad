// SPDX-License-Identifier: Apache-2.0
// The checker's self-test, part two: it shows exactly the outcomes that C++20 allows (Batty et al.
// POPL 2011; Lahav et al. PLDI 2017), load buffering excepted, and the reduction loses none.
#include <cstdint>
#include <cstdio>
#include <set>
#include <vector>

#include "takt/tests/model/model.h"
#include "takt/tests/model/prove.h"

namespace takt::model {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

using Word = Atomic<std::uint32_t>;
using Outcome = std::vector<std::uint32_t>;

/// The set of outcomes; the same with and without reduction, or the test fails.
template <class Test>
std::set<Outcome> outcomes(const char* name, const Test& litmus, bool strong_seq_cst = false) {
  std::set<Outcome> found[2];
  for (const bool reduction : {false, true}) {
    const Options options{.reduction = reduction,
                          .strong_seq_cst = strong_seq_cst,
                          .weak_failures = 0,
                          .stale_rereads = kUnbounded,
                          .reorderings = kUnbounded};
    const Report report = explore(options, [&] {
      std::uint32_t r[4] = {};
      const int count = litmus(r);
      found[reduction ? 1 : 0].insert(Outcome(r, r + count));
    });
    std::printf("%s\n    outcomes %zu\n", report.line(name, options).c_str(),
                found[reduction ? 1 : 0].size());
    EXPECT_FALSE(report.failed, "%s", report.failure.c_str());
  }
  EXPECT_TRUE(found[0] == found[1], "the reduction changes the outcomes");
  return found[0];
}

std::size_t store_buffering(std::memory_order store, std::memory_order load) {
  return outcomes("store buffering",
                  [&](std::uint32_t* r) {
                    Word x, y;
                    concurrently([&] { x.store(1, store), r[0] = y.load(load); },
                                 [&] { y.store(1, store), r[1] = x.load(load); });
                    return 2;
                  })
      .size();
}

TEST(Litmus, store_buffering) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_EQ(store_buffering(kRelaxed, kRelaxed), 4U);
  EXPECT_EQ(store_buffering(kRelease, kAcquire), 4U);
  EXPECT_EQ(store_buffering(kSeqCst, kSeqCst), 3U);
  EXPECT_EQ(store_buffering(kSeqCst, kAcquire), 4U);
}

TEST(Litmus, store_buffering_with_fences) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto run = [](std::memory_order first, std::memory_order second) {
    return outcomes(
               "store buffering, fences",
               [&](std::uint32_t* r) {
                 Word x, y;
                 concurrently(
                     [&] { x.store(1, kRelaxed), ModelEnv::fence(first), r[0] = y.load(kRelaxed); },
                     [&] {
                       y.store(1, kRelaxed), ModelEnv::fence(second), r[1] = x.load(kRelaxed);
                     });
                 return 2;
               })
        .size();
  };
  EXPECT_EQ(run(kSeqCst, kSeqCst), 3U);
  EXPECT_EQ(run(kSeqCst, kAcqRel), 4U);
  EXPECT_EQ(run(kAcqRel, kAcqRel), 4U);
}

TEST(Litmus, store_buffering_with_a_fence_and_seq_cst_accesses) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto found = outcomes("store buffering, mixed", [&](std::uint32_t* r) {
    Word x, y;
    concurrently([&] { x.store(1, kRelaxed), ModelEnv::fence(kSeqCst), r[0] = y.load(kRelaxed); },
                 [&] { y.store(1, kSeqCst), r[1] = x.load(kSeqCst); });
    return 2;
  });
  EXPECT_EQ(found.size(), 3U);
}

TEST(Litmus, store_buffering_with_updates) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto run = [](std::memory_order order) {
    return outcomes("store buffering, exchanges",
                    [&](std::uint32_t* r) {
                      Word x, y;
                      concurrently([&] { x.exchange(1, order), r[0] = y.load(kSeqCst); },
                                   [&] { y.exchange(1, order), r[1] = x.load(kSeqCst); });
                      return 2;
                    })
        .size();
  };
  EXPECT_EQ(run(kSeqCst), 3U);
  EXPECT_EQ(run(kAcqRel), 4U);
}

std::size_t message_passing(std::memory_order store, std::memory_order load) {
  return outcomes("message passing",
                  [&](std::uint32_t* r) {
                    Word data, flag;
                    concurrently([&] { data.store(1, kRelaxed), flag.store(1, store); },
                                 [&] { r[0] = flag.load(load), r[1] = data.load(kRelaxed); });
                    return 2;
                  })
      .size();
}

TEST(Litmus, message_passing) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_EQ(message_passing(kRelaxed, kRelaxed), 4U);
  EXPECT_EQ(message_passing(kRelease, kRelaxed), 4U);
  EXPECT_EQ(message_passing(kRelaxed, kAcquire), 4U);
  EXPECT_EQ(message_passing(kRelease, kAcquire), 3U);
}

TEST(Litmus, message_passing_with_fences) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto run = [](std::memory_order release, std::memory_order acquire) {
    return outcomes("message passing, fences",
                    [&](std::uint32_t* r) {
                      Word data, flag;
                      concurrently(
                          [&] {
                            data.store(1, kRelaxed), ModelEnv::fence(release),
                                flag.store(1, kRelaxed);
                          },
                          [&] {
                            r[0] = flag.load(kRelaxed), ModelEnv::fence(acquire),
                            r[1] = data.load(kRelaxed);
                          });
                      return 2;
                    })
        .size();
  };
  EXPECT_EQ(run(kRelease, kAcquire), 3U);
  EXPECT_EQ(run(kRelease, kRelease), 4U);
  EXPECT_EQ(run(kAcquire, kAcquire), 4U);
}

TEST(Litmus, a_release_sequence_goes_through_updates_only) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // T2 changes the flag between T1's release and T3's acquire of the changed value.
  const auto broken = [](bool update) {
    const auto found = outcomes("release sequence", [&](std::uint32_t* r) {
      Word data, flag;
      concurrently([&] { data.store(1, kRelaxed), flag.store(1, kRelease); },
                   [&] {
                     std::uint32_t one = 1;
                     if (update) {
                       flag.compare_exchange_strong(one, 2, kRelaxed);
                     } else if (flag.load(kRelaxed) == 1) {
                       flag.store(2, kRelaxed);
                     }
                   },
                   [&] { r[0] = flag.load(kAcquire), r[1] = data.load(kRelaxed); });
      return 2;
    });
    return found.count({2, 0}) != 0;
  };
  EXPECT_FALSE(broken(true));
  EXPECT_TRUE(broken(false));
}

TEST(Litmus, reads_of_one_location_cohere) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto found = outcomes("CoRR", [&](std::uint32_t* r) {
    Word x;
    concurrently([&] { x.store(1, kRelaxed); },
                 [&] { r[0] = x.load(kRelaxed), r[1] = x.load(kRelaxed); });
    return 2;
  });
  EXPECT_EQ(found.size(), 3U);
}

std::size_t independent_reads(std::memory_order store, std::memory_order load) {
  return outcomes("IRIW",
                  [&](std::uint32_t* r) {
                    Word x, y;
                    concurrently([&] { x.store(1, store); }, [&] { y.store(1, store); },
                                 [&] { r[0] = x.load(load), r[1] = y.load(load); },
                                 [&] { r[2] = y.load(load), r[3] = x.load(load); });
                    return 4;
                  })
      .size();
}

TEST(Litmus, independent_reads_of_independent_writes) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_EQ(independent_reads(kRelease, kAcquire), 16U);
  EXPECT_EQ(independent_reads(kSeqCst, kSeqCst), 15U);
}

TEST(Litmus, load_buffering_is_not_explored) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto found = outcomes("load buffering", [&](std::uint32_t* r) {
    Word x, y;
    concurrently([&] { r[0] = x.load(kRelaxed), y.store(1, kRelaxed); },
                 [&] { r[1] = y.load(kRelaxed), x.store(1, kRelaxed); });
    return 2;
  });
  EXPECT_EQ(found.size(), 3U);
}

std::size_t two_plus_two_writes(std::memory_order order) {
  return outcomes("2+2W",
                  [&](std::uint32_t* r) {
                    Word x, y;
                    concurrently([&] { x.store(1, order), y.store(2, order); },
                                 [&] { y.store(1, order), x.store(2, order); });
                    r[0] = x.load(kRelaxed), r[1] = y.load(kRelaxed);
                    return 2;
                  })
      .size();
}

TEST(Litmus, two_plus_two_writes) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  EXPECT_EQ(two_plus_two_writes(kRelaxed), 4U);
  EXPECT_EQ(two_plus_two_writes(kRelease), 4U);
  EXPECT_EQ(two_plus_two_writes(kSeqCst), 3U);
}

TEST(Litmus, causality_is_transitive) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto found = outcomes("WRC", [&](std::uint32_t* r) {
    Word x, y;
    concurrently([&] { x.store(1, kRelaxed); },
                 [&] { r[0] = x.load(kAcquire), y.store(1, kRelease); },
                 [&] { r[1] = y.load(kAcquire), r[2] = x.load(kRelaxed); });
    return 3;
  });
  // Reading x before the release of y makes it known to who acquires y, by coherence.
  EXPECT_EQ(found.count({1, 1, 0}), 0U);
  EXPECT_EQ(found.size(), 7U);
}

TEST(Litmus, seq_cst_order_may_differ_from_the_order_of_execution) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // T2 learns of T1's step by a relaxed pair only, which orders nothing: T3 may see z before x.
  // (Armv8 shows it: a store-release does not order a later plain store.)
  const auto found = outcomes("seq_cst beside relaxed", [&](std::uint32_t* r) {
    Word x, y, z;
    concurrently([&] { x.store(1, kSeqCst), y.store(1, kRelaxed); },
                 [&] { r[0] = y.load(kRelaxed), z.store(1, kSeqCst); },
                 [&] { r[1] = z.load(kSeqCst), r[2] = x.load(kSeqCst); });
    return 3;
  });
  EXPECT_EQ(found.count({1, 1, 0}), 1U);
  EXPECT_EQ(found.size(), 8U);
}

TEST(Litmus, a_seq_cst_load_does_not_read_over_a_seq_cst_store_that_it_follows) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // T1's plain release store of x is behind T2's knowledge when T3 overwrites it; T4 must not read
  // it over T3's seq_cst store and miss y (C++20: coherence-ordered-before is part of the order).
  const auto found = outcomes("coherence in S", [&](std::uint32_t* r) {
    Word x, y, gate;
    concurrently([&] { x.store(1, kRelease); },
                 [&] { r[0] = x.load(kAcquire), gate.store(1, kRelease); },
                 [&] {
                   if (gate.load(kAcquire) == 0) return;
                   x.store(2, kSeqCst), r[1] = 1 + y.load(kSeqCst);
                 },
                 [&] { y.store(1, kSeqCst), r[2] = x.load(kSeqCst); });
    return 3;
  });
  EXPECT_EQ(found.count({1, 1, 1}), 0U);
  EXPECT_EQ(found.count({1, 2, 1}), 1U);
  EXPECT_EQ(found.count({1, 1, 2}), 1U);
}

TEST(Litmus, seq_cst_beside_weaker_operations_on_one_location) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  // Z6.U of Lahav et al.: forbidden by C++11, allowed since C++20.
  const auto z6 = [](std::uint32_t* r) {
    Word x, y;
    concurrently([&] { x.store(1, kSeqCst), y.store(1, kRelease); },
                 [&] { r[0] = y.fetch_add(1, kSeqCst), r[1] = y.load(kRelaxed); },
                 [&] { y.store(3, kSeqCst), r[2] = x.load(kSeqCst); });
    return 3;
  };
  EXPECT_EQ(outcomes("Z6.U", z6).count({1, 3, 0}), 1U);
  EXPECT_EQ(outcomes("Z6.U, strong", z6, true).count({1, 3, 0}), 0U);
}

TEST(Litmus, acquire_loads_count_in_the_strong_order) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto iriw = [](std::uint32_t* r) {
    Word x, y;
    concurrently([&] { x.store(1, kSeqCst); }, [&] { y.store(1, kSeqCst); },
                 [&] { r[0] = x.load(kAcquire), r[1] = y.load(kSeqCst); },
                 [&] { r[2] = y.load(kAcquire), r[3] = x.load(kSeqCst); });
    return 4;
  };
  // Through acquire loads only the strong order sees both writers in one order.
  EXPECT_EQ(outcomes("IRIW, mixed", iriw).size(), 16U);
  EXPECT_EQ(outcomes("IRIW, mixed, strong", iriw, true).size(), 15U);
}

TEST(Litmus, read_modify_writes_are_atomic) {
  TAKT_SKIP_MODELS_ELSEWHERE();
  const auto found = outcomes("two exchanges and a store", [&](std::uint32_t* r) {
    Word x;
    concurrently([&] { r[0] = x.exchange(1, kRelaxed); }, [&] { r[1] = x.exchange(2, kRelaxed); },
                 [&] { x.store(3, kRelaxed); });
    r[2] = x.load(kRelaxed);
    return 3;
  });
  // Each of the 3! orders of modification has one outcome.
  EXPECT_EQ(found.size(), 6U);
}

}  // namespace
}  // namespace takt::model
