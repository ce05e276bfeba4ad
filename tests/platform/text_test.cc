// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/text.h"

#include <cstdint>
#include <limits>
#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using takt::Text;
using takt::TextWriter;

TEST(Text, starts_empty_and_null_terminated) {
  const Text<8> text;
  EXPECT_EQ(text.view(), "");
  EXPECT_EQ(text.c_str()[0], '\0');
  EXPECT_EQ(text.size(), 0);
  EXPECT_FALSE(text.truncated());
}

TEST(Text, appends_text_characters_and_numbers) {
  Text<64> text;
  text << "worker " << 3 << ':' << std::string_view("control") << ' ' << -12L;
  EXPECT_EQ(text.view(), "worker 3:control -12");
}

TEST(Text, writes_the_ends_of_the_number_range) {
  Text<128> text;
  text << std::numeric_limits<std::int64_t>::min() << ' '
       << std::numeric_limits<std::int64_t>::max() << ' '
       << std::numeric_limits<std::uint64_t>::max() << ' ' << std::int8_t{-128} << ' ' << 0U;
  EXPECT_EQ(text.view(), "-9223372036854775808 9223372036854775807 18446744073709551615 -128 0");
}

TEST(Text, cuts_what_does_not_fit_and_says_so) {
  Text<5> text;
  text << "1234";
  EXPECT_FALSE(text.truncated());
  text << 5;
  EXPECT_TRUE(text.truncated());
  EXPECT_EQ(text.view(), "1234");
  EXPECT_EQ(text.c_str()[4], '\0');
}

TEST(Text, holds_nothing_in_the_smallest_buffer) {
  char buffer[1] = {'x'};
  TextWriter writer(buffer, sizeof buffer);
  writer << "a";
  EXPECT_EQ(writer.view(), "");
  EXPECT_EQ(buffer[0], '\0');
  EXPECT_TRUE(writer.truncated());
}

TEST(Text, takes_a_string_view_without_an_address) {
  Text<4> text;
  text << std::string_view();
  EXPECT_EQ(text.view(), "");
  EXPECT_FALSE(text.truncated());
}

}  // namespace
