// SPDX-License-Identifier: Apache-2.0
// The heap of timers against std::set, and what one change of it costs.
#include "takt/executor/timer_queue.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace takt::test {
namespace {

using takt::detail::Timer;
using takt::detail::TimerQueue;

/// A queue of `items` timers at most, beside the set that it must agree with.
class Checked {
 public:
  explicit Checked(std::uint32_t items) : timers_(items), places_(items), when_(items, INT64_MAX) {
    queue_.attach(timers_.data(), places_.data());
  }

  void set(std::uint32_t item, std::int64_t when) {
    if (when_[item] != INT64_MAX) expected_.erase({when_[item], item});
    if (when != INT64_MAX) expected_.insert({when, item});
    when_[item] = when;
    queue_.set(item, when);
  }
  void clear() {
    for (const auto& timer : expected_) when_[timer.second] = INT64_MAX;
    expected_.clear();
    queue_.clear();
  }

  bool holds() const {
    if (queue_.empty() != expected_.empty()) return false;
    if (expected_.empty()) return queue_.earliest() == INT64_MAX;
    const auto [when, item] = *expected_.begin();
    return queue_.earliest() == when && queue_.front().when == when && queue_.front().item == item;
  }
  /// Whether all come out, in the order of the set.
  bool drains() {
    for (; !expected_.empty(); set(queue_.front().item, INT64_MAX)) {
      if (!holds()) return false;
    }
    return holds();
  }

  std::uint32_t first() const { return expected_.begin()->second; }
  std::uint32_t last() const { return std::prev(expected_.end())->second; }
  std::size_t size() const { return expected_.size(); }
  /// Where each timer lies: a change writes the place of each that it moves, and no other.
  const std::vector<std::uint32_t>& places() const { return places_; }

 private:
  std::vector<Timer> timers_;
  std::vector<std::uint32_t> places_;
  std::vector<std::int64_t> when_;
  std::set<std::pair<std::int64_t, std::uint32_t>> expected_;
  TimerQueue queue_;
};

// Few times, so that many are equal, in one run and all different in another; a queue that is
// mostly full, mostly empty, and in between.
TEST_EACH(TimerQueue, agrees_with_a_set, 1, 2, 7, 40, 300) {
  const auto items = static_cast<std::uint32_t>(param);
  for (const std::int64_t times : {3, 50, 1'000'000}) {
    Random random(static_cast<std::uint64_t>(times));
    Checked timers(items);
    for (int round = 0; round < 4; ++round) {
      const std::uint64_t removed = 1 + static_cast<std::uint64_t>(round) * 3;  // of ten
      for (int step = 0; step < 300; ++step) {
        const auto item = static_cast<std::uint32_t>(random.below(items));
        const bool remove = random.below(10) < removed;
        timers.set(item, remove ? INT64_MAX : random.between(-times, times));
        ASSERT_TRUE(timers.holds(), "%u items, step %d of round %d", items, step, round);
      }
      if (round == 2) timers.clear();
      ASSERT_TRUE(timers.holds());
    }
    EXPECT_TRUE(timers.drains(), "%u items", items);
  }
}

/// How many timers change their place when `change` is made.
template <class Change>
std::uint32_t moved(const Checked& timers, const Change& change) {
  const std::vector<std::uint32_t> before = timers.places();
  change();
  std::uint32_t count = 0;
  for (std::size_t item = 0; item < before.size(); ++item) {
    count += before[item] != timers.places()[item] ? 1U : 0U;
  }
  return count;
}

// O(log n) as a count, not a time: a change goes one way through the levels of the heap, and each
// step moves one timer. Beside those the one that is set, and the last one, which fills a gap.
TEST_EACH(TimerQueue, moves_a_timer_a_level, 10, 60, 400) {
  const auto items = static_cast<std::uint32_t>(param);
  const auto levels = static_cast<std::uint32_t>(std::bit_width(items));
  Random random(items);
  Checked timers(items);
  std::uint32_t most = 0;
  const auto set = [&](std::uint32_t item, std::int64_t when) {
    const std::uint32_t count = moved(timers, [&] { timers.set(item, when); });
    EXPECT_LE(count, levels + 1);
    most = std::max(most, count);
  };
  // Each earlier than all before it, the way up; then each first one the last one, the way down.
  for (std::uint32_t item = 0; item < items; ++item) set(item, -std::int64_t{item});
  for (std::uint32_t turn = 0; turn < items; ++turn) set(timers.first(), std::int64_t{turn} + 1);
  for (std::uint32_t turn = 0; turn < items; ++turn) {
    set(timers.last(), -std::int64_t{items} - turn);
    set(static_cast<std::uint32_t>(random.below(items)), random.between(-1'000, 1'000));
  }
  EXPECT_EQ(timers.size(), items);
  while (timers.size() != 0) set(timers.first(), INT64_MAX);
  EXPECT_GE(most, levels - 1);  // and the levels are there: it is no bound that nothing comes near
}

}  // namespace
}  // namespace takt::test
