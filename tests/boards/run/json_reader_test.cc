// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/json_reader.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "takt/boards/run/quickstart.h"
#include "takt/tests/boards/run/reading.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace takt::run {
namespace {

Reading reading;

std::string error_of(std::string_view text) {
  reading.parse(text);
  EXPECT_FALSE(reading.ok, "%.*s", static_cast<int>(text.size()), text.data());
  return reading.errors();
}

TEST(JsonReader, reads_every_type) {
  reading.parse(R"({"a": -12, "b": 1.5e3, "c": "x", "d": true, "e": false, "f": null, "g": [1, 2],
                    "h": {}})");
  ASSERT_TRUE(reading.ok);
  const JsonNode& document = *reading.document;
  EXPECT_EQ(document.size, 8);
  EXPECT_TRUE(document.find("a")->is_integer);
  EXPECT_EQ(document.find("a")->integer, -12);
  EXPECT_FALSE(document.find("b")->is_integer);
  EXPECT_EQ(document.find("b")->number, 1500.0);
  EXPECT_EQ(document.find("b")->text, "1.5e3");
  EXPECT_EQ(document.find("c")->text, "x");
  EXPECT_TRUE(document.find("d")->boolean);
  EXPECT_FALSE(document.find("e")->boolean);
  EXPECT_EQ(document.find("e")->type, JsonType::boolean);
  EXPECT_EQ(document.find("f")->type, JsonType::null);
  EXPECT_EQ(document.find("g")->size, 2);
  EXPECT_EQ(document.find("g")->first_child->next->integer, 2);
  EXPECT_EQ(document.find("h")->type, JsonType::object);
  EXPECT_EQ(document.find("i"), nullptr);
}

TEST(JsonReader, reads_the_dialect_of_published_files) {
  reading.parse("/* one */ { // two\n \"suspend\", \"run\" : 1, \"run\" : 2, \"yield\" , }\n//end");
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const JsonNode* member = reading.document->first_child;
  EXPECT_EQ(member->key, "suspend");
  EXPECT_EQ(member->type, JsonType::absent);
  member = member->next;
  EXPECT_EQ(member->key, "run");
  EXPECT_EQ(member->integer, 1);
  member = member->next;
  EXPECT_EQ(member->key, "run");
  EXPECT_EQ(member->integer, 2);
  member = member->next;
  EXPECT_EQ(member->type, JsonType::absent);
  EXPECT_EQ(member->next, nullptr);
}

TEST(JsonReader, keeps_lines_and_columns) {
  reading.parse("{\n\t\"a\" : [\n\t\t7 ]\n}");
  ASSERT_TRUE(reading.ok);
  const JsonNode& array = *reading.document->first_child;
  EXPECT_TRUE((array.key_place == Place{2, 2}));
  EXPECT_TRUE((array.place == Place{2, 8}));
  EXPECT_TRUE((array.first_child->place == Place{3, 3}));
  EXPECT_EQ(array.first_child->depth, 2);
}

TEST(JsonReader, decodes_escapes) {
  reading.parse(R"(["\"\\\/\b\f\n\r\t", "\u00e9\u20ac\ud83d\ude00", "é€😀"])");
  ASSERT_TRUE(reading.ok, "%s", reading.errors().c_str());
  const JsonNode* text = reading.document->first_child;
  EXPECT_EQ(text->text, "\"\\/\b\f\n\r\t");
  EXPECT_EQ(text->next->text, "é€😀");
  EXPECT_EQ(text->next->next->text, "é€😀");
}

TEST(JsonReader, tells_integers_from_other_numbers) {
  reading.parse("[9223372036854775807, 9223372036854775808, -9223372036854775808, 1e2, 0, -0]");
  ASSERT_TRUE(reading.ok);
  const JsonNode* number = reading.document->first_child;
  EXPECT_TRUE(number->is_integer);
  EXPECT_EQ(number->integer, INT64_MAX);
  number = number->next;
  EXPECT_FALSE(number->is_integer);
  number = number->next;
  EXPECT_EQ(number->integer, INT64_MIN);
  number = number->next;
  EXPECT_FALSE(number->is_integer);
  EXPECT_TRUE(number->next->is_integer);
}

struct Broken {
  const char* name;
  const char* text;
  const char* error;
};

TEST_EACH(
    JsonReader, places_each_error,
    Broken{"empty", "", "w:1:1: error: expected a value, found the end of the file\n"},
    Broken{"blank", " \n ", "w:2:2: error: expected a value, found the end of the file\n"},
    Broken{"two_values", "{} {}", "w:1:4: error: expected the end of the file, found '{'\n"},
    Broken{"open_object", "{\"a\": 1\n",
           "w:2:1: error: the file ends inside the object that begins in line 1, column 1\n"},
    Broken{"open_array", " [[1]",
           "w:1:6: error: the file ends inside the array that begins in line 1, column 2\n"},
    Broken{"no_comma", "{\"a\": 1 \"b\": 2}", "w:1:9: error: expected ',' or '}', found '\"'\n"},
    Broken{"two_commas", "[1,,2]", "w:1:4: error: expected a value, found ','\n"},
    Broken{"only_comma", "{,}",
           "w:1:2: error: expected a key in double quotes, or '}', found ','\n"},
    Broken{"wrong_bracket", "[1}", "w:1:3: error: expected ',' or ']', found '}'\n"},
    Broken{"bare_key", "{a: 1}",
           "w:1:2: error: expected a key in double quotes, or '}', found 'a'\n"},
    Broken{"no_value", "{\"a\":}", "w:1:6: error: expected a value, found '}'\n"},
    Broken{"bare_word", "[yes]",
           "w:1:2: error: expected a value, found 'yes'; a string needs double quotes\n"},
    Broken{"leading_zero", "[007]", "w:1:2: error: a number begins with 0\n"},
    Broken{"plus", "[+1]", "w:1:2: error: expected a value, found '+'\n"},
    Broken{"lone_minus", "[-]", "w:1:3: error: expected a digit, found ']'\n"},
    Broken{"no_fraction", "[1.]", "w:1:4: error: expected a digit, found ']'\n"},
    Broken{"no_exponent", "[1e+]", "w:1:5: error: expected a digit, found ']'\n"},
    Broken{"huge_number", "[1e999]",
           "w:1:2: error: a number that no floating-point type can hold\n"},
    Broken{"open_string", "[\"ab\n\"]", "w:1:2: error: a string without its closing quote\n"},
    Broken{"control_character", "[\"a\x01\"]",
           "w:1:4: error: expected a printable character, found byte 0x01\n"},
    Broken{"wrong_escape", "[\"\\x\"]",
           "w:1:4: error: expected one of \" \\ / b f n r t u after a backslash, found 'x'\n"},
    Broken{"short_unicode", "[\"\\u12g4\"]",
           "w:1:7: error: expected four hexadecimal digits after \\u, found 'g'\n"},
    Broken{"lone_surrogate", "[\"\\ud800\"]",
           "w:1:3: error: half of a surrogate pair; expected \\u and the other half\n"},
    Broken{"second_surrogate", "[\"\\udc00\"]",
           "w:1:3: error: the second half of a surrogate pair without its first\n"},
    Broken{"null_character", "[\"\\u0000\"]", "w:1:3: error: \\u0000 in a string\n"},
    Broken{"overlong_utf8", "[\"\xc0\xaf\"]", "w:1:3: error: not well-formed UTF-8\n"},
    Broken{"cut_utf8", "[\"\xe2\x82\"]", "w:1:3: error: not well-formed UTF-8\n"},
    Broken{"open_comment", "{} /* x", "w:1:4: error: a comment without its closing */\n"},
    Broken{"half_comment", "{} / x", "w:1:4: error: expected // or /* and a comment after '/'\n"}) {
  EXPECT_EQ(error_of(param.text), param.error);
}

TEST(JsonReader, ends_at_its_limits) {
  std::string deep(100'000, '[');
  EXPECT_EQ(error_of(deep), "w:1:33: error: nested deeper than 32 levels\n");
  std::string many = "[";
  for (int i = 0; i < 5000; ++i) many += "1,";
  EXPECT_EQ(error_of(many + "]"), "w:1:8192: error: more than 4096 values\n");
  const std::string longest = "[\"" + std::string(70'000, 'x') + "\"]";
  EXPECT_EQ(error_of(longest), "w:1:65539: error: more than 65536 characters of keys and values\n");
}

TEST(JsonReader, forgets_the_document_before) {
  for (int i = 0; i < 1000; ++i) {
    reading.parse("[1, \"abc\", {\"k\": 2}]");
    ASSERT_TRUE(reading.ok);
    EXPECT_EQ(reading.json.nodes_used(), 5);
    EXPECT_EQ(reading.json.text_used(), 10);
  }
}

// Every node lies in the tree once, in the order of the text, below its parent.
std::size_t count_nodes(const JsonNode& node) {
  std::size_t sum = 1;
  std::uint32_t children = 0;
  for (const JsonNode* child = node.first_child; child != nullptr; child = child->next) {
    EXPECT_EQ(child->depth, node.depth + 1);
    sum += count_nodes(*child);
    ++children;
  }
  EXPECT_EQ(children, node.size);
  return sum;
}

TEST(JsonReader, survives_a_hundred_thousand_mutations) {
  constexpr std::string_view kPieces[] = {
      "{",  "}",  "[", "]",  ",",       ":",    "\"",       "\\",   "/*",    "*/",
      "//", "\n", "-", "1e", "\\ud800", "\xff", "\xf0\x9f", "null", "\"a\"", "9999999999999999999"};
  const std::string original(kQuickstart);
  test::Random random;
  const auto below = [&random](std::size_t bound) {
    return static_cast<std::size_t>(random.below(bound));
  };
  std::size_t accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    // A window of the file, so that a round stays short and the tail is mutated too.
    const std::size_t begin = below(original.size());
    std::string text = round % 16 == 0 ? original : original.substr(begin, 400);
    for (std::size_t change = below(6) + 1; change > 0 && !text.empty(); --change) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, below(20) + 1);
          break;
        case 2:
          text.insert(at, kPieces[below(std::size(kPieces))]);
          break;
        case 3:
          text.insert(at, text.substr(below(text.size()), below(60)));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    reading.deploy(text);
    EXPECT_TRUE(reading.ok == (reading.diagnostics.error_count() == 0));
    if (reading.document != nullptr) {
      ++accepted;
      EXPECT_EQ(count_nodes(*reading.document), reading.json.nodes_used());
    }
    for (const Diagnostics::Entry& error : reading.diagnostics.errors()) {
      EXPECT_GE(error.place.line, 1);
      EXPECT_GE(error.place.column, 1);
    }
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace takt::run
