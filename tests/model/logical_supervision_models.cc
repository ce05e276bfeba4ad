// SPDX-License-Identifier: Apache-2.0
// monitor/logical_supervision.h: a wrong step is one fault and the verdict names it; who keeps to
// the order is never accused, also where the watchdog lets it begin anywhere meanwhile.
#include "takt/monitor/logical_supervision.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

constexpr CheckpointId kRead{0}, kCompute{1}, kWrite{2};
constexpr Transition kOrder[] = {
    {kBegin, kRead}, {kRead, kCompute}, {kCompute, kWrite}, {kWrite, kBegin}};

/// A loop of three checkpoints, and its watchdog.
struct Loop {
  Loop() { supervision.allow(kOrder); }

  void reach(CheckpointId checkpoint) { supervision.reach(static_cast<std::uint32_t>(checkpoint)); }

  /// One glance. Of wrong steps there is only the one from `from` to `to`.
  void look(CheckpointId from, CheckpointId to) {
    Findings findings;
    supervision.judge(false, findings);
    if (findings.count == 0) return;
    const Finding& finding = findings.items[0];
    require(finding.from == static_cast<std::uint32_t>(from) &&
                finding.to == static_cast<std::uint32_t>(to),
            "the verdict names the step");
    wrong += finding.count;
  }
  void look() { look(kBegin, kBegin); }
  void forgive() { supervision.start_anywhere(); }

  BasicLogicalSupervision<ModelEnv> supervision;
  std::uint64_t wrong = 0;
};

void a_wrong_step_is_one_fault() {
  Loop loop;
  concurrently([&] { loop.reach(kRead), loop.reach(kWrite), loop.reach(kRead); },
               [&] { loop.look(kRead, kWrite), loop.look(kRead, kWrite); });
  loop.look(kRead, kWrite);
  require(loop.wrong == 1, "counted once, whoever looked when");
}

void two_wrong_steps() {
  Loop loop;
  concurrently([&] { loop.reach(kRead), loop.reach(kRead), loop.reach(kRead); },
               [&] { loop.look(kRead, kRead); });
  loop.look(kRead, kRead);
  require(loop.wrong == 2, "each of them");
}

// A change of mode in the midst of a round.
void begins_anywhere_in_the_midst() {
  Loop loop;
  concurrently([&] { loop.reach(kRead), loop.reach(kCompute), loop.reach(kWrite); },
               [&] { loop.forgive(), loop.look(); });
  loop.reach(kRead);
  loop.look();
  require(loop.wrong == 0, "who keeps to the order is never accused");
}

// Somebody new begins its first round when the watchdog has forgiven its predecessor.
void somebody_new_begins() {
  Loop loop;
  loop.reach(kRead);
  Atomic<std::uint32_t> told;
  concurrently(
      [&] {
        while (told.load(std::memory_order_acquire) == 0) ModelEnv::wait(told, 0, kNever);
        loop.reach(kRead), loop.reach(kCompute);
      },
      [&] {
        loop.forgive();
        told.store(1, std::memory_order_release);
        ModelEnv::wake(told, 1);
        loop.look();
      });
  loop.look();
  require(loop.wrong == 0, "its first step may be any");
}

// Somebody new begins where its predecessor could not go on, while the watchdog forgives: its step
// may be any, and the next wrong one is found.
void somebody_new_meanwhile() {
  Loop loop;
  loop.reach(kRead);
  concurrently([&] { loop.reach(kRead), loop.reach(kCompute); },
               [&] { loop.forgive(), loop.look(); });
  loop.look();
  require(loop.wrong == 0, "its first step may be any");
  loop.reach(kWrite), loop.reach(kWrite);
  loop.look(kWrite, kWrite);
  require(loop.wrong == 1, "a later one may not");
}

// It is ended in the midst of a wrong step. Those of its successor are found.
void one_that_is_ended() {
  Loop loop;
  loop.reach(kRead);
  concurrently([&] { loop.reach(kRead), loop.reach(kRead); }, [&] { loop.look(kRead, kRead); });
  loop.forgive();
  loop.look();
  loop.wrong = 0;
  loop.reach(kWrite), loop.reach(kWrite);
  loop.look(kWrite, kWrite);
  require(loop.wrong == 1, "one is wrong, whatever was left");
}

const Model kModels[] = {
    {"logical: a wrong step is one fault", a_wrong_step_is_one_fault, {}, 50},
    {"logical: two wrong steps", two_wrong_steps, {}, 11},
    {"logical: begins anywhere in the midst", begins_anywhere_in_the_midst, {}, 15},
    {"logical: somebody new begins", somebody_new_begins, {.preemptions = 3}, 140},
    {"logical: somebody new meanwhile", somebody_new_meanwhile, {}, 0},
    {"logical: one that is ended", one_that_is_ended, {.freezes = 1, .freezable = 1}, 31},
};

const ModelSet kSet(kModels, {"monitor/logical_supervision.h"});

}  // namespace
}  // namespace takt::model
