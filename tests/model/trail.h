// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_TRAIL_H_
#define TAKT_TESTS_MODEL_TRAIL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "takt/tests/model/limits.h"

namespace takt::model {

/// The decisions of one execution, and with them the place in the depth-first search: the next
/// execution repeats all decisions but the last one that has an alternative left.
class Trail {
 public:
  Trail() : choices_(std::make_unique<Choice[]>(kMaxChoices)) {}

  /// Forgets everything: the search begins anew.
  void clear() { length_ = position_ = longest_ = 0; }
  /// The next execution begins.
  void rewind() { position_ = 0; }
  /// Whether there is an execution left; moves to it.
  bool advance();

  /// One of `count` alternatives, 0 first. Same calls, same answers: the model must not decide by
  /// anything else.
  int choose(int count) {
    if (position_ == length_) {
      if (length_ == kMaxChoices) return full_ = true, 0;
      choices_[length_++] = {static_cast<std::uint16_t>(count), 0};
      if (length_ > longest_) longest_ = length_;
    } else if (choices_[position_].count != count) {
      if (choices_[position_].count != kUnknown || choices_[position_].taken >= count) {
        return diverged_ = true, 0;
      }
      choices_[position_].count = static_cast<std::uint16_t>(count);
    }
    return choices_[position_++].taken;
  }

  std::size_t longest() const { return longest_; }
  bool full() const { return full_; }
  /// The model asked differently than at its last run over the same decisions.
  bool diverged() const { return diverged_; }

  /// The decisions up to the present one, as text for decode().
  std::string encode() const;
  /// Loads decisions to be repeated; false if the text is malformed.
  bool decode(std::string_view text);

 private:
  struct Choice {
    std::uint16_t count;
    std::uint16_t taken;
  };
  static constexpr std::uint16_t kUnknown = 0;  ///< alternatives of a decoded decision

  std::unique_ptr<Choice[]> choices_;
  std::size_t length_ = 0;
  std::size_t position_ = 0;
  std::size_t longest_ = 0;
  bool full_ = false;
  bool diverged_ = false;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_TRAIL_H_
