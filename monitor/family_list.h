// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_FAMILY_LIST_H_
#define TAKT_MONITOR_FAMILY_LIST_H_

#include <cstdint>
#include <span>

#include "takt/monitor/published_count.h"

// Entries of a fixed array, in the order in which they came, and each linked to the next one of its
// family (in Prometheus's terms: the metrics of one name, which come one after the other):
//
//   count      how many entries are complete
//   Entry::next, a BasicPublishedCount: the number of its successor and 1 more, 0 while it has none
//
// The link is published before the count: whoever has been told of an entry finds it in its family.

namespace takt::inline v0::detail {

/// `Entry` has `bool first_of_name` and `BasicPublishedCount<Env> next`.
template <class Entry, class Env>
class BasicFamilyList {
 public:
  /// `entries` are as default-constructed, and outlive this.
  explicit BasicFamilyList(std::span<Entry> entries) noexcept : entries_(entries) {}

  /// How many there are; each stays. Blocks: no. Bound: wait-free. Callable from: any thread.
  std::uint32_t size() const noexcept { return count_.get(); }
  std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
  /// Entry `number`, which is below size().
  const Entry& operator[](std::uint32_t number) const noexcept { return entries_[number]; }

  /// Calls `act` for each entry, those of a family one after the other: each that is there when it
  /// begins once, later ones at most once. Bound: O(size). Callable from: any thread.
  template <class Act>
  void for_each(const Act& act) const noexcept {
    for (const Entry& first : entries_.first(size())) {
      if (!first.first_of_name) continue;
      act(first);
      for (std::uint32_t next = first.next.get(); next != 0;) {
        const Entry& entry = entries_[next - 1];
        act(entry);
        next = entry.next.get();
      }
    }
  }

  // Callable from: one at a time, under a lock of the caller's.

  /// Those that are there.
  std::span<Entry> taken() noexcept { return entries_.first(count_.taken()); }
  /// Where the next one belongs, to be completed and appended; null: the array is full.
  Entry* vacant() noexcept {
    const std::uint32_t number = count_.taken();
    return number == entries_.size() ? nullptr : &entries_[number];
  }
  /// The vacant entry is complete; `last`: the last one of its family until now, null: it is the
  /// first one, and says so.
  void append(Entry* last) noexcept {
    const std::uint32_t count = count_.taken() + 1;
    if (last != nullptr) last->next.publish(count);
    count_.publish(count);
  }

 private:
  const std::span<Entry> entries_;
  BasicPublishedCount<Env> count_;
};

}  // namespace takt::inline v0::detail

#endif  // TAKT_MONITOR_FAMILY_LIST_H_
