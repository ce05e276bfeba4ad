// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_RUN_JSON_READER_H_
#define TAKT_BOARDS_RUN_JSON_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/boards/run/diagnostics.h"

/// Reader of JSON as rt-app's published files write it: RFC 8259, and beyond it C and C++
/// comments, a trailing comma, keys without a value ("suspend",) and repeated keys, whose order
/// and number are kept. All of a document lives in a fixed arena; nothing is ever allocated.
namespace takt::run {

enum class JsonType : std::uint8_t { absent, null, boolean, number, string, array, object };

/// The type as prose, with its article: "a string", "nothing" for a key without a value.
const char* to_string(JsonType type) noexcept;

/// One value of a document, with its key if it is a member of an object.
struct JsonNode {
  JsonType type = JsonType::absent;
  bool boolean = false;
  bool is_integer = false;  ///< a number without fraction and exponent that fits in `integer`
  std::uint16_t depth = 0;  ///< 0 for the document's value
  std::uint32_t size = 0;   ///< children of an array or object
  Place place;              ///< of the value; of the key when there is no value
  Place key_place;
  std::string_view key;   ///< lives in the arena, null-terminated
  std::string_view text;  ///< a string's characters (likewise), a number's digits
  std::int64_t integer = 0;
  double number = 0;
  const JsonNode* first_child = nullptr;
  const JsonNode* next = nullptr;  ///< the next value of the same array or object

  /// The first member of that key; null when there is none.
  const JsonNode* find(std::string_view wanted) const noexcept;
};

/// Reads one document into storage that StaticJsonReader<> supplies.
/// Blocks: no. Bound: O(input). Callable from: the owner.
class JsonReader {
 public:
  static constexpr std::size_t kMaxDepth = 32;

  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  /// Reads `input`, which must hold one value. Null after an error, which `diagnostics` then says
  /// with its place. The nodes live until the next read() and do not refer to `input`.
  const JsonNode* read(std::string_view input, Diagnostics& diagnostics) noexcept;

  std::size_t nodes_used() const noexcept { return nodes_used_; }
  std::size_t text_used() const noexcept { return text_used_; }

 protected:
  JsonReader(std::span<JsonNode> nodes, std::span<char> text) noexcept
      : nodes_(nodes), text_(text) {}
  ~JsonReader() = default;

 private:
  static bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }
  static bool is_lower(char character) noexcept { return character >= 'a' && character <= 'z'; }

  bool at_end() const noexcept { return position_ >= input_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : input_[position_]; }
  char peek_next() const noexcept {
    return position_ + 1 < input_.size() ? input_[position_ + 1] : '\0';
  }
  void advance() noexcept;
  Place here() const noexcept;
  bool fail(Place place, std::string_view what) noexcept;
  /// "expected WHAT, found 'x'" at the current position.
  bool fail_expected(std::string_view what) noexcept;

  bool skip_blanks() noexcept;
  bool skip_comment() noexcept;
  bool read_member() noexcept;
  bool read_key(JsonNode& node) noexcept;
  bool read_value(JsonNode& node) noexcept;
  bool read_string(std::string_view& text) noexcept;
  bool read_escape() noexcept;
  bool read_code_unit(std::uint32_t& unit) noexcept;
  bool read_utf8() noexcept;
  bool read_number(JsonNode& node) noexcept;
  bool read_word(JsonNode& node) noexcept;
  bool open(JsonNode& node, JsonType type) noexcept;
  bool end_of_value() noexcept;

  JsonNode* new_node(Place place) noexcept;
  void append(JsonNode& node) noexcept;
  bool put(char character) noexcept;
  bool put_code_point(std::uint32_t code_point) noexcept;

  std::span<JsonNode> nodes_;
  std::span<char> text_;
  std::size_t nodes_used_ = 0;
  std::size_t text_used_ = 0;

  std::string_view input_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
  Diagnostics* diagnostics_ = nullptr;

  /// An array or object whose end has not come yet, and its last child.
  struct Open {
    JsonNode* node;
    JsonNode* last_child;
  };
  std::array<Open, kMaxDepth> open_{};
  std::size_t depth_ = 0;
};

/// A JsonReader with room for `Nodes` values and `TextBytes` characters of keys and strings.
template <std::size_t Nodes, std::size_t TextBytes>
class StaticJsonReader : public JsonReader {
 public:
  StaticJsonReader() noexcept : JsonReader(node_storage_, text_storage_) {}

 private:
  std::array<JsonNode, Nodes> node_storage_;
  std::array<char, TextBytes> text_storage_;
};

}  // namespace takt::run

#endif  // TAKT_BOARDS_RUN_JSON_READER_H_
