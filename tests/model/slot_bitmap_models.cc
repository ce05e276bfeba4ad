// SPDX-License-Identifier: Apache-2.0
// executor/slot_bitmap.h: each slot has one owner, and what the last one wrote is over.
#include "takt/executor/slot_bitmap.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

void slots() {
  BasicSlotBitmap<ModelEnv>::Word words[1];
  BasicSlotBitmap<ModelEnv>::Hint hint;
  BasicSlotBitmap<ModelEnv> slots;
  slots.attach(words, 2);
  Variable<int> slot[2] = {0, 0};
  const auto work = [&] {
    for (int i = 0; i < 2; ++i) {
      const std::uint32_t mine = slots.acquire(hint);
      require(mine != BasicSlotBitmap<ModelEnv>::kNone, "one for each");
      slot[mine].set(slot[mine].get() + 1);
      slots.release(mine);
    }
  };
  concurrently(work, work);
  require(slots.acquire(hint) + slots.acquire(hint) == 1, "both are free");
  require(slots.acquire(hint) == BasicSlotBitmap<ModelEnv>::kNone, "and no more");
}

const Model kModels[] = {
    {"slots: each has one owner", slots, {.preemptions = 3}, 26'000},
};

const ModelSet kSet(kModels, {"executor/slot_bitmap.h"});

}  // namespace
}  // namespace takt::model
