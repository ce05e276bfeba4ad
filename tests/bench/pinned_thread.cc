// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/bench/pinned_thread.h"

#include "takt/platform/cpu_set.h"
#include "takt/platform/this_thread.h"

namespace takt::bench {
namespace {

const CpuSet& usable_cpus() {
  static const CpuSet kCpus = [] {
    const Result<CpuSet> allowed = platform::affinity();
    TAKT_CHECK(allowed.ok(), "benchmark: the process's CPUs cannot be read");
    return *allowed;
  }();
  return kCpus;
}

void settle(Place place) {
  const Status pinned = platform::set_affinity(CpuSet::of(cpu_of(place.slot)));
  TAKT_CHECK(pinned.ok(), "benchmark: the thread cannot be pinned");
  const Status scheduled = platform::set_scheduling(scheduling_of(place.priority));
  TAKT_CHECK(scheduled.ok(), "benchmark: the thread's priority was refused");
  platform::set_timer_slack(Duration(1));
}

}  // namespace

std::size_t cpu_count() { return usable_cpus().count(); }

std::size_t cpu_of(std::size_t slot) {
  const CpuSet& cpus = usable_cpus();
  std::size_t cpu = cpus.first();
  for (slot %= cpus.count(); slot != 0; --slot) cpu = cpus.next(cpu);
  return cpu;
}

bool fifo_granted() {
  static const bool kGranted = [] {
    bool ok = false;
    std::thread([&ok] { ok = platform::set_scheduling(Fifo{.priority = kPriority}).ok(); }).join();
    return ok;
  }();
  return kGranted;
}

Scheduling scheduling_of(int priority) {
  return fifo_granted() ? Scheduling(Fifo{.priority = priority}) : Scheduling(Other{});
}

PinnedThread::PinnedThread(Place place, std::function<void()> body) {
  // Both ask once, before anything is pinned.
  static_cast<void>(cpu_count());
  static_cast<void>(fifo_granted());
  thread_ = std::thread([place, body = std::move(body)] {
    settle(place);
    body();
  });
}

double measured_at(Place place, const std::function<double()>& body) {
  double result = 0;
  {
    const PinnedThread thread(place, [&] { result = body(); });
  }
  return result;
}

}  // namespace takt::bench
