// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/duration_text.h"

#include <chrono>
#include <string>
#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Duration;

std::string of(Duration duration, std::string_view space = {}) {
  takt::Text<32> text;
  write_duration(text, duration, space);
  return text.c_str();
}

std::string rounded(Duration duration, std::string_view space = {}) {
  takt::Text<32> text;
  write_rounded_duration(text, duration, space);
  return text.c_str();
}

TEST(DurationText, has_the_largest_whole_unit) {
  EXPECT_EQ(of(2s), "2s");
  EXPECT_EQ(of(1500ms), "1500ms");
  EXPECT_EQ(of(1ms), "1ms");
  EXPECT_EQ(of(16667us), "16667us");
  EXPECT_EQ(of(1ns), "1ns");
  EXPECT_EQ(of(0ns), "0ns");
  EXPECT_EQ(of(1h), "3600s");  // seconds are the largest
}

TEST(DurationText, negative_and_extreme) {
  EXPECT_EQ(of(-1500us), "-1500us");
  EXPECT_EQ(of(Duration::max()), "9223372036854775807ns");
  EXPECT_EQ(of(Duration::min()), "-9223372036854775808ns");
}

TEST(DurationText, with_a_space) {
  EXPECT_EQ(of(1500ms, " "), "1500 ms");
  EXPECT_EQ(of(0ns, " "), "0 ns");
}

TEST(DurationText, rounded_has_three_digits) {
  EXPECT_EQ(rounded(81'809'287ns), "81.8ms");
  EXPECT_EQ(rounded(217'993'020ns), "218ms");
  EXPECT_EQ(rounded(70'000'894ns), "70ms");
  EXPECT_EQ(rounded(120ms), "120ms");
  EXPECT_EQ(rounded(1500us), "1.5ms");
  EXPECT_EQ(rounded(1005us), "1.01ms");  // half up
  EXPECT_EQ(rounded(1004999ns), "1ms");
  EXPECT_EQ(rounded(999ns), "999ns");
  EXPECT_EQ(rounded(0ns), "0ns");
  EXPECT_EQ(rounded(12'345'678'900ns), "12.3s");
}

TEST(DurationText, rounding_carries_into_the_next_unit) {
  EXPECT_EQ(rounded(999'499ns), "999us");
  EXPECT_EQ(rounded(999'500ns), "1ms");
  EXPECT_EQ(rounded(59'949ms), "59.9s");
  EXPECT_EQ(rounded(59'950ms), "1min");
  EXPECT_EQ(rounded(60s + 499ms), "1min");
  EXPECT_EQ(rounded(60s + 500ms), "1min1s");
  EXPECT_EQ(rounded(1h - 501ms), "59min59s");
  EXPECT_EQ(rounded(1h - 500ms), "1h");
}

TEST(DurationText, rounded_has_minutes_and_hours) {
  EXPECT_EQ(rounded(1min, " "), "1 min");
  EXPECT_EQ(rounded(90s, " "), "1 min 30 s");
  EXPECT_EQ(rounded(1h, " "), "1 h");
  EXPECT_EQ(rounded(25h + 10min + 29s), "25h10min");
  EXPECT_EQ(rounded(10s, " "), "10 s");
}

TEST(DurationText, rounded_negative_and_extreme) {
  EXPECT_EQ(rounded(-1234567ns), "-1.23ms");
  EXPECT_EQ(rounded(Duration::max()), "2562047h47min");
  EXPECT_EQ(rounded(Duration::min()), "-2562047h47min");
}

}  // namespace
