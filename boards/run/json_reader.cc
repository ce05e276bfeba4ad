// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/json_reader.h"

namespace takt::run {
namespace {

void describe(char character, TextWriter& out) noexcept {
  if (character >= ' ' && character <= '~') {
    out << '\'' << character << '\'';
    return;
  }
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(character);
  out << "byte 0x" << kHex[byte >> 4] << kHex[byte & 15];
}

}  // namespace

const char* to_string(JsonType type) noexcept {
  switch (type) {
    case JsonType::absent:
      return "nothing";
    case JsonType::null:
      return "null";
    case JsonType::boolean:
      return "true or false";
    case JsonType::number:
      return "a number";
    case JsonType::string:
      return "a string";
    case JsonType::array:
      return "an array";
    case JsonType::object:
      return "an object";
  }
  return "unknown";
}

const JsonNode* JsonNode::find(std::string_view wanted) const noexcept {
  for (const JsonNode* child = first_child; child != nullptr; child = child->next) {
    if (child->key == wanted) return child;
  }
  return nullptr;
}

const JsonNode* JsonReader::read(std::string_view input, Diagnostics& diagnostics) noexcept {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  input_ = input;
  position_ = input.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  line_start_ = position_;
  line_ = 1;
  nodes_used_ = 0;
  text_used_ = 0;
  depth_ = 0;
  diagnostics_ = &diagnostics;

  if (!skip_blanks()) return nullptr;
  JsonNode* root = new_node(here());
  if (root == nullptr || !read_value(*root)) return nullptr;
  while (depth_ > 0) {
    if (!read_member()) return nullptr;
  }
  if (!skip_blanks()) return nullptr;
  if (!at_end()) {
    fail_expected("the end of the file");
    return nullptr;
  }
  return root;
}

// Containers are kept in open_ instead of on the call stack: a hostile file cannot use it up.
bool JsonReader::read_member() noexcept {
  JsonNode& container = *open_[depth_ - 1].node;
  const bool is_object = container.type == JsonType::object;
  if (!skip_blanks()) return false;
  if (at_end()) {
    diagnostics_->error(here()) << "the file ends inside the " << (is_object ? "object" : "array")
                                << " that begins in line " << container.place.line << ", column "
                                << container.place.column;
    return false;
  }
  if (peek() == (is_object ? '}' : ']')) {
    advance();
    --depth_;
    return end_of_value();
  }
  JsonNode* node = new_node(here());
  if (node == nullptr) return false;
  if (is_object && !read_key(*node)) return false;
  append(*node);
  if (is_object) {
    if (!skip_blanks()) return false;
    if (peek() != ':') return end_of_value();  // a key without a value
    advance();
    if (!skip_blanks()) return false;
  }
  return read_value(*node);
}

bool JsonReader::read_key(JsonNode& node) noexcept {
  if (peek() != '"') return fail_expected("a key in double quotes, or '}'");
  node.key_place = node.place;
  return read_string(node.key);
}

bool JsonReader::read_value(JsonNode& node) noexcept {
  node.place = here();
  const char first = peek();
  if (first == '{') return open(node, JsonType::object);
  if (first == '[') return open(node, JsonType::array);
  if (first == '"') {
    node.type = JsonType::string;
    return read_string(node.text) && end_of_value();
  }
  if (first == '-' || is_digit(first)) return read_number(node) && end_of_value();
  if (is_lower(first)) return read_word(node) && end_of_value();
  return fail_expected("a value");
}

bool JsonReader::open(JsonNode& node, JsonType type) noexcept {
  if (depth_ == kMaxDepth) {
    diagnostics_->error(here()) << "nested deeper than " << kMaxDepth << " levels";
    return false;
  }
  node.type = type;
  open_[depth_++] = {.node = &node, .last_child = nullptr};
  advance();
  return true;
}

// Between two members stands one comma; one before the closing bracket is tolerated.
bool JsonReader::end_of_value() noexcept {
  if (depth_ == 0) return true;
  if (!skip_blanks()) return false;
  const bool in_object = open_[depth_ - 1].node->type == JsonType::object;
  if (peek() == ',') {
    advance();
    return true;
  }
  if (at_end() || peek() == (in_object ? '}' : ']')) return true;  // read_member() takes it up
  return fail_expected(in_object ? "',' or '}'" : "',' or ']'");
}

JsonNode* JsonReader::new_node(Place place) noexcept {
  if (nodes_used_ == nodes_.size()) {
    diagnostics_->error(place) << "more than " << nodes_.size() << " values";
    return nullptr;
  }
  JsonNode& node = nodes_[nodes_used_++];
  node = JsonNode{};
  node.place = place;
  return &node;
}

void JsonReader::append(JsonNode& node) noexcept {
  Open& container = open_[depth_ - 1];
  node.depth = static_cast<std::uint16_t>(depth_);
  ++container.node->size;
  if (container.last_child == nullptr) {
    container.node->first_child = &node;
  } else {
    container.last_child->next = &node;
  }
  container.last_child = &node;
}

bool JsonReader::skip_blanks() noexcept {
  while (!at_end()) {
    const char character = peek();
    if (character == ' ' || character == '\t' || character == '\r' || character == '\n') {
      advance();
    } else if (character == '/') {
      if (!skip_comment()) return false;
    } else {
      return true;
    }
  }
  return true;
}

bool JsonReader::skip_comment() noexcept {
  const Place begin = here();
  advance();
  if (peek() == '/') {
    while (!at_end() && peek() != '\n') advance();
    return true;
  }
  if (peek() != '*') return fail(begin, "expected // or /* and a comment after '/'");
  advance();
  while (!at_end()) {
    if (peek() == '*' && peek_next() == '/') {
      advance();
      advance();
      return true;
    }
    advance();
  }
  return fail(begin, "a comment without its closing */");
}

void JsonReader::advance() noexcept {
  if (at_end()) return;
  if (input_[position_] == '\n') {
    ++line_;
    line_start_ = position_ + 1;
  }
  ++position_;
}

Place JsonReader::here() const noexcept {
  return {.line = line_, .column = static_cast<std::uint32_t>(position_ - line_start_) + 1};
}

bool JsonReader::fail(Place place, std::string_view what) noexcept {
  diagnostics_->error(place) << what;
  return false;
}

bool JsonReader::fail_expected(std::string_view what) noexcept {
  TextWriter text = diagnostics_->error(here());
  text << "expected " << what << ", found ";
  if (at_end()) {
    text << "the end of the file";
  } else {
    describe(peek(), text);
  }
  return false;
}

}  // namespace takt::run
