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

}  // namespace
