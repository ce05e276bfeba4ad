// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/trail.h"

#include <charconv>

namespace takt::model {

bool Trail::advance() {
  // Decisions past the present one belong to an earlier, longer execution: they are none of this.
  length_ = position_;
  while (length_ > 0) {
    Choice& last = choices_[length_ - 1];
    if (last.taken + 1 < last.count) {
      ++last.taken;
      position_ = 0;
      return true;
    }
    --length_;
  }
  return false;
}

// Decisions joined by '-'; a run of equal ones as "decision x length".
std::string Trail::encode() const {
  std::string text;
  std::size_t end = position_;
  while (end > 0 && choices_[end - 1].taken == 0) --end;  // 0 is what choose() takes by itself
  for (std::size_t i = 0; i < end;) {
    std::size_t run = 1;
    while (i + run < end && choices_[i + run].taken == choices_[i].taken) ++run;
    if (!text.empty()) text += '-';
    text += std::to_string(choices_[i].taken);
    if (run > 1) text += 'x' + std::to_string(run);
    i += run;
  }
  return text.empty() ? "0" : text;
}

bool Trail::decode(std::string_view text) {
  clear();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint16_t taken = 0;
    std::size_t run = 1;
    auto [after, error] = std::from_chars(at, end, taken);
    if (error != std::errc()) return false;
    at = after;
    if (at != end && *at == 'x') {
      const auto [after_run, run_error] = std::from_chars(at + 1, end, run);
      if (run_error != std::errc()) return false;
      at = after_run;
    }
    if (at != end && *at++ != '-') return false;
    if (run > kMaxChoices - length_) return false;
    for (; run > 0; --run) choices_[length_++] = {kUnknown, taken};
  }
  return true;
}

}  // namespace takt::model
