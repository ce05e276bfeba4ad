// SPDX-License-Identifier: Apache-2.0
// What the harness offers to a test that behaves.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "takt/tests/support/options.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::test::append_value;
using takt::test::Message;
using takt::test::Options;
using takt::test::Random;

enum class Colour : unsigned char { red = 1, green };
[[maybe_unused]] const char* to_string(Colour colour) {
  return colour == Colour::red ? "red" : "green";
}

struct Point {
  int x;
  int y;
};
void describe(Message& message, const Point& point) {
  message.format("(%d, %d)", point.x, point.y);
}

struct Setup {
  std::string_view name;
  int value;
};

template <class T>
std::string text_of(const T& value) {
  Message message;
  append_value(message, value);
  return std::string(message.view());
}

TEST(Expect, compares_integers_by_value) {
  EXPECT_EQ(std::vector<int>(3).size(), 3);
  EXPECT_LT(-1, 1U);
  EXPECT_GT(1U, -1);
  EXPECT_NE(-1, ~0U);
  EXPECT_LE(2, 2L);
  EXPECT_GE(2ULL, 2);
}

TEST(Expect, evaluates_operands_once) {
  int evaluations = 0;
  EXPECT_EQ(++evaluations, 1);
  EXPECT_TRUE(++evaluations == 2);
}

TEST(Expect, compares_other_types) {
  const int* const nothing = nullptr;
  EXPECT_EQ(nothing, nullptr);
  EXPECT_EQ(std::string("one"), "one");
  EXPECT_EQ(1000us, 1ms);
  EXPECT_LT(999us, 1ms);
  EXPECT_EQ(Colour::red, Colour::red);
  EXPECT_TRUE(std::optional(0));
  EXPECT_FALSE(nothing);
}

TEST(Describe, shows_values_as_a_reader_wants_them) {
  EXPECT_EQ(text_of(true), "true");
  EXPECT_EQ(text_of(-7), "-7");
  EXPECT_EQ(text_of(255U), "255");
  EXPECT_EQ(text_of(65536), "65536 (0x10000)");
  EXPECT_EQ(text_of('a'), "\"a\" (97)");
  EXPECT_EQ(text_of("a\"b\n\x01"), R"("a\"b\n\x01")");
  EXPECT_EQ(text_of(static_cast<const char*>(nullptr)), "nullptr");
  EXPECT_EQ(text_of(nullptr), "nullptr");
  EXPECT_EQ(text_of(15ms), "15 ms");
  EXPECT_EQ(text_of(1.5), "1.5");
  EXPECT_EQ(text_of(Colour::green), "green (2)");
  EXPECT_EQ(text_of(std::optional<int>()), "empty");
  EXPECT_EQ(text_of(std::optional<int>(3)), "3");
  EXPECT_EQ(text_of(Point{1, 2}), "(1, 2)");
  EXPECT_EQ(text_of(Setup{"small", 1}), "small");
  struct Unknown {
    unsigned char bytes[2];
  };
  EXPECT_EQ(text_of(Unknown{{1, 255}}), "2 bytes: 01 ff");
}

TEST(Describe, cuts_off_what_does_not_fit) {
  const std::string text(Message::kCapacity + 1, 'x');
  Message message;
  message.append(text);
  EXPECT_EQ(message.view().size(), Message::kCapacity);
  EXPECT_EQ(message.view().substr(Message::kCapacity - 4), "x...");
}

TEST_EACH(Parameters, are_seen_as_param, 1, 2, 64) {
  EXPECT_TRUE(param == 1 || param == 2 || param == 64);
}
TEST_EACH(Parameters, may_be_structures, Setup{"small", 1}, Setup{"large", 1000}) {
  EXPECT_EQ(param.value, param.name == "small" ? 1 : 1000);
}
TEST_TYPES(Parameters, may_be_types, int, std::string) { EXPECT_EQ(Type(), Type()); }

TEST(Parameters, are_in_the_names) {
  std::vector<std::string> names;
  for (const auto* test_case = takt::test::Case::first(); test_case != nullptr;
       test_case = test_case->next()) {
    Message name;
    test_case->append_name(name);
    if (std::string_view(test_case->suite()) == "Parameters") {
      names.emplace_back(name.view());
    }
  }
  ASSERT_EQ(names.size(), 8);
  EXPECT_EQ(names[0], "are_seen_as_param/1");
  EXPECT_EQ(names[2], "are_seen_as_param/64");
  EXPECT_EQ(names[4], "may_be_structures/large");
  EXPECT_EQ(names[5], "may_be_types/int");
}

TEST(Process, is_of_the_case_alone) {
  static std::atomic<int> runs{0};
  EXPECT_EQ(++runs, 1);
  EXPECT_EQ(getpid(), getpgrp());
}

TEST(Child, tells_status_and_output) {
  const auto left = takt::test::run_in_child([] {
    std::puts("on its way");
    std::fflush(stdout);
    _exit(7);
  });
  EXPECT_TRUE(left.exited_with(7));
  EXPECT_EQ(left.output, "on its way\n");
  const auto killed = takt::test::run_in_child([] { raise(SIGKILL); });
  EXPECT_TRUE(killed.killed_by(SIGKILL));
  EXPECT_TRUE(takt::test::run_in_child([] {}).exited_with(0));
}

TEST(Child, aborts_as_expected) {
  const char* const text = "reason";
  EXPECT_ABORT(
      [text] {
        std::fprintf(stderr, "the %s\n", text);
        std::abort();
      },
      "the reason");
}

TEST(RandomNumbers, repeat_for_the_same_seed) {
  takt::test::set_seed(42);
  Random first;
  Random second;
  Random other_stream(1);
  EXPECT_EQ(first.next(), second.next());
  EXPECT_NE(first.next(), other_stream.next());
  takt::test::set_seed(43);
  EXPECT_NE(Random().next(), second.next());
}

TEST(RandomNumbers, stay_in_range) {
  Random random;
  for (int round = 0; round < 1000; ++round) {
    EXPECT_LT(random.below(3), 3);
    const auto value = random.between(-2, 2);
    EXPECT_GE(value, -2);
    EXPECT_LE(value, 2);
  }
  random.between(INT64_MIN, INT64_MAX);
}

struct Filtering {
  const char* filter;
  const char* name;
  bool selected;
};
void describe(Message& message, const Filtering& filtering) {
  message.format("%s_%s", filtering.filter, filtering.name);
}
TEST_EACH(Filter, selects, Filtering{"", "A.b", true}, Filtering{"A.*", "A.b", true},
          Filtering{"A.*", "B.b", false}, Filtering{"*.b:C.*", "C.d", true},
          Filtering{"A.?", "A.bc", false}, Filtering{"A.?c", "A.bc", true},
          Filtering{"-A.*", "A.b", false}, Filtering{"-A.*", "B.b", true},
          Filtering{"A.*-*.b:*.c", "A.c", false}, Filtering{"*a*b*", "xaxxabx", true},
          Filtering{"*a*b", "xaxxabx", false}) {
  Options options;
  options.filter = param.filter;
  EXPECT_EQ(options.selects(param.name), param.selected);
}

TEST(Options, of_the_command_line) {
  const char* const arguments[] = {"test",     "--filter=A.*",        "--repeat=3",
                                   "--seed=9", "--timeout-scale=2.5", "--xml=/tmp/x"};
  const std::optional<Options> options = Options::parse(6, arguments);
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->filter, "A.*");
  EXPECT_EQ(options->repeat, 3);
  EXPECT_EQ(options->seed, 9);
  EXPECT_EQ(options->time_scale, 2.5);
  EXPECT_EQ(options->xml_path, "/tmp/x");
}

TEST_EACH(Options, are_refused, "--repeat=0", "--repeat=x", "--seed=", "--colour",
          "--timeout-scale=0", "stray") {
  const auto child = takt::test::run_in_child([&] {
    const char* const arguments[] = {"test", param};
    EXPECT_FALSE(Options::parse(2, arguments).has_value());
  });
  EXPECT_NE(child.output.find(param), std::string::npos);
}

TEST(Options, of_bazel) {
  setenv("TESTBRIDGE_TEST_ONLY", "B.*", 1);
  setenv("TEST_SHARD_INDEX", "1", 1);
  setenv("TEST_TOTAL_SHARDS", "3", 1);
  setenv("TAKT_TIME_SCALE", "4", 1);
  const char* const arguments[] = {"test"};
  const std::optional<Options> options = Options::parse(1, arguments);
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->filter, "B.*");
  EXPECT_EQ(options->shard_index, 1);
  EXPECT_EQ(options->shard_count, 3);
  EXPECT_EQ(options->time_scale, 4);
}

}  // namespace
