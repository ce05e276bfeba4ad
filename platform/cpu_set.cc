// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/cpu_set.h"

#include <charconv>
#include <cstddef>

#include "takt/platform/number_text.h"

namespace takt::inline v0 {
namespace {

/// Walks over the list "0-3,8", one range at a time.
class ListReader {
 public:
  explicit ListReader(std::string_view text) noexcept : text_(text) {}

  bool at_end() const noexcept { return position_ == text_.size(); }
  std::size_t position() const noexcept { return position_; }

  bool take(char wanted) noexcept {
    if (at_end() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }
  /// A CPU number; false, without moving, when there is none or it exceeds the capacity.
  bool take_cpu(std::size_t& cpu) noexcept {
    const char* const begin = text_.data() + position_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), cpu);
    if (error != std::errc() || cpu >= CpuSet::kCapacity) return false;
    position_ += static_cast<std::size_t>(end - begin);
    return true;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

Status error_at(std::size_t position, std::string_view expected) noexcept {
  Text<Status::kTextBytes> text;
  text << "CPU list, character " << position + 1 << ": expected " << expected;
  return {StatusCode::invalid_argument, text.view()};
}

}  // namespace

Result<CpuSet> CpuSet::parse(std::string_view text) noexcept {
  const std::string_view list = platform::detail::trimmed(text);
  if (list.empty()) return CpuSet();
  const auto begin = static_cast<std::size_t>(list.data() - text.data());

  CpuSet set;
  ListReader reader(list);
  do {
    std::size_t first = 0;
    if (!reader.take_cpu(first)) {
      return error_at(begin + reader.position(), "a CPU from 0 to 1023");
    }
    std::size_t last = first;
    if (reader.take('-') && (!reader.take_cpu(last) || last < first)) {
      return error_at(begin + reader.position(), "the end of an upward range");
    }
    for (std::size_t cpu = first; cpu <= last; ++cpu) set.add(cpu);
  } while (reader.take(','));
  if (!reader.at_end()) return error_at(begin + reader.position(), "',' or '-' or the end");
  return set;
}

void CpuSet::write(TextWriter& writer) const noexcept {
  if (empty()) {
    writer << "none";
    return;
  }
  if (*this == all()) {
    writer << "all";
    return;
  }
  bool separate = false;
  for (std::size_t cpu = first(); cpu < kCapacity; cpu = next(cpu)) {
    if (separate) writer << ',';
    separate = true;
    writer << cpu;
    const std::size_t range_begin = cpu;
    while (contains(cpu + 1)) ++cpu;
    if (cpu > range_begin) writer << (cpu == range_begin + 1 ? ',' : '-') << cpu;
  }
}

}  // namespace takt::inline v0
