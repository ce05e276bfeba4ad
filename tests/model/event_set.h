// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_EVENT_SET_H_
#define TAKT_TESTS_MODEL_EVENT_SET_H_

#include <bit>
#include <cstdint>

#include "takt/tests/model/limits.h"

namespace takt::model {

/// A set of sequentially consistent operations of the running execution.
class EventSet {
 public:
  void add(int event) { words_[event / 64] |= std::uint64_t{1} << (event % 64); }
  bool contains(int event) const { return (words_[event / 64] >> (event % 64) & 1) != 0; }
  bool empty() const {
    std::uint64_t all = 0;
    for (const std::uint64_t word : words_) all |= word;
    return all == 0;
  }
  bool intersects(const EventSet& other) const {
    std::uint64_t both = 0;
    for (int i = 0; i < kWords; ++i) both |= words_[i] & other.words_[i];
    return both != 0;
  }
  EventSet& operator|=(const EventSet& other) {
    for (int i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
    return *this;
  }
  friend EventSet operator|(EventSet left, const EventSet& right) { return left |= right; }
  friend EventSet operator&(EventSet left, const EventSet& right) {
    for (int i = 0; i < kWords; ++i) left.words_[i] &= right.words_[i];
    return left;
  }
  /// What this set has and `other` has not.
  EventSet without(const EventSet& other) const {
    EventSet rest;
    for (int i = 0; i < kWords; ++i) rest.words_[i] = words_[i] & ~other.words_[i];
    return rest;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (int i = 0; i < kWords; ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(64 * i + std::countr_zero(word));
      }
    }
  }

 private:
  static constexpr int kWords = kMaxEvents / 64;

  std::uint64_t words_[kWords] = {};
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_EVENT_SET_H_
