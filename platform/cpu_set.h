// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_CPU_SET_H_
#define TAKT_PLATFORM_CPU_SET_H_

#include <bit>
#include <climits>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "takt/platform/check.h"
#include "takt/platform/result.h"
#include "takt/platform/text.h"

namespace takt::inline v0 {

/// A set of CPUs by number, of the fixed size that glibc's cpu_set_t has. A value; usable in
/// constant expressions, where a CPU out of range does not compile.
/// Blocks: no. Bound: O(kCapacity / 64). Callable from: the owner.
class CpuSet {
 public:
  /// CPUs are numbered from 0 to kCapacity - 1.
  static constexpr std::size_t kCapacity = 1024;

  /// No CPU.
  constexpr CpuSet() noexcept = default;

  /// Exactly these CPUs: `CpuSet::of(0, 2)`.
  template <std::integral... Cpus>
  static constexpr CpuSet of(Cpus... cpus) noexcept {
    CpuSet set;
    (set.add(checked(cpus)), ...);
    return set;
  }
  /// `first` to `last`, both included.
  static constexpr CpuSet range(std::size_t first, std::size_t last) noexcept {
    TAKT_CHECK(first <= last, "a range of CPUs runs upwards");
    CpuSet set;
    for (std::size_t cpu = first; cpu <= last; ++cpu) set.add(cpu);
    return set;
  }
  /// Every CPU that there may be: as an affinity, no restriction.
  static constexpr CpuSet all() noexcept {
    CpuSet set;
    for (Word& word : set.words_) word = ~Word{0};
    return set;
  }
  /// Reads the kernel's list format, "0-3,8", with white space around it; empty text is the empty
  /// set. Errors: invalid_argument with the place of the first character that does not fit.
  static Result<CpuSet> parse(std::string_view text) noexcept;

  constexpr CpuSet& add(std::size_t cpu) noexcept {
    word_of(cpu) |= bit_of(cpu);
    return *this;
  }
  constexpr CpuSet& remove(std::size_t cpu) noexcept {
    word_of(cpu) &= ~bit_of(cpu);
    return *this;
  }
  /// False for a CPU beyond the capacity.
  constexpr bool contains(std::size_t cpu) const noexcept {
    return cpu < kCapacity && (words_[cpu / kWordBits] & bit_of(cpu)) != 0;
  }
  constexpr bool contains(const CpuSet& other) const noexcept { return (other & *this) == other; }
  constexpr std::size_t count() const noexcept {
    std::size_t sum = 0;
    for (const Word word : words_) sum += static_cast<std::size_t>(std::popcount(word));
    return sum;
  }
  constexpr bool empty() const noexcept { return *this == CpuSet(); }

  /// The lowest CPU of the set; kCapacity when it is empty.
  constexpr std::size_t first() const noexcept { return at_or_after(0); }
  /// The lowest CPU above `cpu`; kCapacity when there is none. To visit all:
  /// `for (auto cpu = set.first(); cpu < CpuSet::kCapacity; cpu = set.next(cpu))`.
  constexpr std::size_t next(std::size_t cpu) const noexcept {
    return cpu >= kCapacity ? kCapacity : at_or_after(cpu + 1);
  }

  friend constexpr CpuSet operator&(CpuSet left, const CpuSet& right) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) left.words_[i] &= right.words_[i];
    return left;
  }
  friend constexpr CpuSet operator|(CpuSet left, const CpuSet& right) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) left.words_[i] |= right.words_[i];
    return left;
  }
  /// What is in `left` and not in `right`.
  friend constexpr CpuSet operator-(CpuSet left, const CpuSet& right) noexcept {
    for (std::size_t i = 0; i < kWords; ++i) left.words_[i] &= ~right.words_[i];
    return left;
  }
  friend constexpr bool operator==(const CpuSet&, const CpuSet&) noexcept = default;

  /// Writes the kernel's list format: "0-3,8"; "all" for all(), "none" for the empty set.
  friend TextWriter& operator<<(TextWriter& writer, const CpuSet& set) noexcept {
    set.write(writer);
    return writer;
  }

  /// The bits as sched_setaffinity(2) takes them.
  static constexpr std::size_t kBytes = kCapacity / CHAR_BIT;
  constexpr const unsigned long* kernel_mask() const noexcept { return words_; }
  constexpr unsigned long* kernel_mask() noexcept { return words_; }

 private:
  // The kernel's own unit, so that the mask is right on every byte order and word size.
  using Word = unsigned long;
  static constexpr std::size_t kWordBits = sizeof(Word) * CHAR_BIT;
  static constexpr std::size_t kWords = kCapacity / kWordBits;

  template <std::integral Cpu>
  static constexpr std::size_t checked(Cpu cpu) noexcept {
    TAKT_CHECK(std::in_range<std::size_t>(cpu), "CPUs are numbered from 0");
    return static_cast<std::size_t>(cpu);
  }
  constexpr Word& word_of(std::size_t cpu) noexcept {
    TAKT_CHECK(cpu < kCapacity, "CPUs are numbered up to 1023");
    return words_[cpu / kWordBits];
  }
  static constexpr Word bit_of(std::size_t cpu) noexcept { return Word{1} << (cpu % kWordBits); }
  constexpr std::size_t at_or_after(std::size_t start) const noexcept {
    for (std::size_t index = start / kWordBits; index < kWords; ++index) {
      const Word skipped = index == start / kWordBits ? bit_of(start) - 1 : 0;
      const Word rest = words_[index] & ~skipped;
      if (rest != 0) return index * kWordBits + static_cast<std::size_t>(std::countr_zero(rest));
    }
    return kCapacity;
  }
  void write(TextWriter& writer) const noexcept;

  Word words_[kWords] = {};
};
static_assert(sizeof(CpuSet) == CpuSet::kBytes);

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_CPU_SET_H_
