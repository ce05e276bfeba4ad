// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SHADOW_TABLE_H_
#define TAKT_TESTS_MODEL_SHADOW_TABLE_H_

#include <cstdint>
#include <memory>

#include "takt/tests/model/clock_vector.h"

namespace takt::model {

/// Who last wrote and read each plain variable, by address: a cell of a queue keeps its history
/// over the objects that live in it one after the other.
class ShadowTable {
 public:
  struct Shadow {
    const void* address = nullptr;
    std::uint32_t generation = 0;
    ClockVector writes;  ///< each thread's last write; 0: none
    ClockVector reads;   ///< each thread's last read; 0: none
  };
  static constexpr std::uint32_t kEntries = 4096;

  ShadowTable() : entries_(std::make_unique<Shadow[]>(kEntries)) {}

  void reset() {
    ++generation_;
    used_ = 0;
  }
  /// The shadow of `address`, fresh at its first use in this execution; null when full.
  Shadow* find(const void* address) {
    const auto key = reinterpret_cast<std::uintptr_t>(address);
    for (auto at = static_cast<std::uint32_t>((key >> 2) * 2654435761U >> 16);; ++at) {
      Shadow& shadow = entries_[at % kEntries];
      if (shadow.generation != generation_) {
        if (++used_ == kEntries) return nullptr;
        shadow = {address, generation_, ClockVector::none(), ClockVector::none()};
      }
      if (shadow.address == address) return &shadow;
    }
  }

 private:
  std::unique_ptr<Shadow[]> entries_;
  std::uint32_t generation_ = 0;
  std::uint32_t used_ = 0;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SHADOW_TABLE_H_
