// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/cpu_set.h"

#include <cstddef>
#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using takt::CpuSet;

constexpr std::size_t kEnd = CpuSet::kCapacity;

static_assert(CpuSet().empty() && CpuSet().count() == 0 && CpuSet().first() == kEnd);
static_assert(CpuSet::of(1, 3).count() == 2 && CpuSet::of(1, 3).contains(3));
static_assert(CpuSet::of(0U, 1023L).next(0) == 1023 && CpuSet::of(1023).next(1023) == kEnd);
static_assert(CpuSet::range(60, 70).count() == 11 && CpuSet::range(60, 70).next(63) == 64);
static_assert(CpuSet::all().count() == kEnd && CpuSet::range(0, 1023) == CpuSet::all());
static_assert(!CpuSet::all().contains(1024) && !CpuSet::all().contains(kEnd * kEnd));
static_assert(CpuSet::range(0, 3).contains(CpuSet::of(1, 2)));
static_assert(!CpuSet::range(0, 3).contains(CpuSet::of(1, 4)));
static_assert((CpuSet::range(0, 3) & CpuSet::range(2, 5)) == CpuSet::of(2, 3));
static_assert((CpuSet::of(0) | CpuSet::of(64)) == CpuSet::of(0, 64));
static_assert(CpuSet::range(0, 3) - CpuSet::of(1, 9) == CpuSet::of(0, 2, 3));
static_assert(CpuSet::of(5).remove(5).empty() && CpuSet().add(5) == CpuSet::of(5));

TEST(CpuSet, rejects_cpus_out_of_range) {
  CpuSet set;
  volatile int negative = -1;
  EXPECT_ABORT([&] { set.add(kEnd); }, "CPUs are numbered up to 1023");
  EXPECT_ABORT([&] { set.remove(kEnd); }, "CPUs are numbered up to 1023");
  EXPECT_ABORT([&] { set = CpuSet::of(static_cast<int>(negative)); }, "numbered from 0");
  EXPECT_ABORT([&] { set = CpuSet::range(2, 1); }, "runs upwards");
}

struct TextCase {
  const char* name;
  std::string_view text;
  CpuSet cpus;
  std::string_view written;
};
TEST_EACH(CpuSet, parses_and_writes_the_kernels_format, TextCase{"one", "0\n", CpuSet::of(0), "0"},
          TextCase{"range", "0-3", CpuSet::range(0, 3), "0-3"},
          TextCase{"mixed", "0-3,8\n", CpuSet::range(0, 3).add(8), "0-3,8"},
          TextCase{"pair", "4,5", CpuSet::of(4, 5), "4,5"},
          TextCase{"unordered", "8,1", CpuSet::of(1, 8), "1,8"},
          TextCase{"overlapping", "0-3,2-5", CpuSet::range(0, 5), "0-5"},
          TextCase{"ends", "0,1023", CpuSet::of(0, 1023), "0,1023"},
          TextCase{"all", "0-1023", CpuSet::all(), "all"}, TextCase{"empty", "", CpuSet(), "none"},
          TextCase{"blank", " \n", CpuSet(), "none"},
          TextCase{"spaces around", "\t 7 \r\n", CpuSet::of(7), "7"},
          TextCase{"single range", "3-3", CpuSet::of(3), "3"}) {
  const takt::Result<CpuSet> parsed = CpuSet::parse(param.text);
  ASSERT_OK(parsed);
  EXPECT_TRUE(*parsed == param.cpus);
  takt::Text<64> text;
  text << *parsed;
  EXPECT_EQ(text.view(), param.written);
}

struct ErrorCase {
  std::string_view name;  // the text itself
  std::string_view error;
};
TEST_EACH(CpuSet, says_where_a_list_is_wrong,
          ErrorCase{"x", "character 1: expected a CPU from 0 to 1023"},
          ErrorCase{"1024", "character 1: expected a CPU from 0 to 1023"},
          ErrorCase{"99999999999999999999", "character 1: expected a CPU from 0 to 1023"},
          ErrorCase{"-1", "character 1: expected a CPU from 0 to 1023"},
          ErrorCase{"0,,1", "character 3: expected a CPU from 0 to 1023"},
          ErrorCase{"0,", "character 3: expected a CPU from 0 to 1023"},
          ErrorCase{"  0;", "character 4: expected ',' or '-' or the end"},
          ErrorCase{"3-", "character 3: expected the end of an upward range"},
          ErrorCase{"3-1", "character 4: expected the end of an upward range"},
          ErrorCase{"0-1024", "character 3: expected the end of an upward range"},
          ErrorCase{"0-1-2", "character 4: expected ',' or '-' or the end"},
          ErrorCase{"0 1", "character 2: expected ',' or '-' or the end"}) {
  const takt::Result<CpuSet> parsed = CpuSet::parse(param.name);
  ASSERT_EQ(parsed.code(), takt::StatusCode::invalid_argument);
  EXPECT_NE(std::string_view(parsed.status().text()).find(param.error), std::string_view::npos,
            "%s", parsed.status().text());
}

TEST(CpuSet, visits_its_cpus_in_order) {
  const CpuSet set = CpuSet::of(0, 31, 32, 63, 64, 1023);
  const std::size_t expected[] = {0, 31, 32, 63, 64, 1023};
  std::size_t index = 0;
  for (std::size_t cpu = set.first(); cpu < kEnd; cpu = set.next(cpu)) {
    ASSERT_LT(index, 6);
    EXPECT_EQ(cpu, expected[index++]);
  }
  EXPECT_EQ(index, 6);
}

}  // namespace
