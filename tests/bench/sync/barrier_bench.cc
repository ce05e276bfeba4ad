// SPDX-License-Identifier: Apache-2.0
// A barrier beside its twins. A cost is the time that passes for one phase, measured in the first
// of its threads, after all have met once.
#include <pthread.h>

#include <barrier>
#include <cstddef>
#include <optional>
#include <vector>

#include "takt/platform/check.h"
#include "takt/sync/barrier.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

constexpr int kSpinBudget = 2'000;
constexpr int kSpinningPhases = 1'000'000;
constexpr int kSleepingPhases = 10'000;

class PthreadBarrier {
 public:
  explicit PthreadBarrier(std::ptrdiff_t parties) {
    ::pthread_barrier_init(&barrier_, nullptr, static_cast<unsigned>(parties));
  }
  PthreadBarrier(const PthreadBarrier&) = delete;
  PthreadBarrier& operator=(const PthreadBarrier&) = delete;
  ~PthreadBarrier() { ::pthread_barrier_destroy(&barrier_); }
  void arrive_and_wait() { ::pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_{};
};

/// Nanoseconds of one phase of `threads` threads, spread over the CPUs.
template <class AnyBarrier>
double phase(std::size_t threads, int phases) {
  alignas(64) AnyBarrier barrier(static_cast<std::ptrdiff_t>(threads));
  const auto meet = [&barrier, phases] {
    for (int i = 0; i < phases; ++i) static_cast<void>(barrier.arrive_and_wait());
  };
  std::vector<std::optional<PinnedThread>> others(threads - 1);
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i].emplace(Place{i + 1, kPriority}, [&] {
      static_cast<void>(barrier.arrive_and_wait());
      meet();
    });
  }
  return measured_at({0, kPriority}, [&] {
    static_cast<void>(barrier.arrive_and_wait());
    const TimePoint begin = now();
    meet();
    return static_cast<double>((now() - begin).count()) / phases;
  });
}

void two_spinning_row(Suite& suite) {
  const char* row = "barrier: a phase of 2 threads on 2 CPUs, spin budget";
  if (!suite.wants(row)) return;
  if (cpu_count() < 2) return suite.skip(row, "needs two CPUs");
  suite.cost(row, {{"std::barrier", {}, [] { return phase<std::barrier<>>(2, kSpinningPhases); }},
                   {"takt::Barrier, spins", {{"std::barrier", 0.3}}, [] {
                      return phase<Barrier<NoCompletion, kSpinBudget>>(2, kSpinningPhases);
                    }}});
}

void sleeping_row(Suite& suite, const char* row, std::size_t threads) {
  if (!suite.wants(row)) return;
  if (cpu_count() < 2) return suite.skip(row, "needs two CPUs");
  suite.cost(row, {{"pthread_barrier_t",
                    {},
                    [threads] { return phase<PthreadBarrier>(threads, kSleepingPhases); }},
                   {"takt::Barrier", {{"pthread_barrier_t", 1.0}}, [threads] {
                      return phase<Barrier<>>(threads, kSleepingPhases);
                    }}});
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("barrier", argc, argv);
  takt::bench::two_spinning_row(suite);
  takt::bench::sleeping_row(suite, "barrier: a phase of 2 threads on 2 CPUs, no spin", 2);
  takt::bench::sleeping_row(suite, "barrier: a phase of 4 threads on 2 CPUs, no spin", 4);
  return suite.finish();
}
