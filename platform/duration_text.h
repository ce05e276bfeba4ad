// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_PLATFORM_DURATION_TEXT_H_
#define TAKT_PLATFORM_DURATION_TEXT_H_

#include <string_view>

#include "takt/platform/text.h"
#include "takt/platform/time.h"

namespace takt::inline v0 {

/// Appends `duration` in the largest unit that shows it exactly, ns, us, ms or s: "1500us", "2s",
/// "0ns"; with `space` between number and unit: "1500 us" for " ".
/// Blocks: no. Bound: O(characters). Callable from: the writer's owner, signal handlers included.
void write_duration(TextWriter& writer, Duration duration, std::string_view space = {}) noexcept;

/// Appends `duration` rounded, to be read: three digits below a minute ("81.8ms", "1.5s", "999ns"),
/// then minutes and seconds, from an hour on hours and minutes: "1min", "1min30s", "25h10min"; with
/// `space` between all of them: "1 min 30 s" for " ".
/// Blocks: no. Bound: O(characters). Callable from: the writer's owner, signal handlers included.
void write_rounded_duration(TextWriter& writer, Duration duration,
                            std::string_view space = {}) noexcept;

}  // namespace takt::inline v0

#endif  // TAKT_PLATFORM_DURATION_TEXT_H_
