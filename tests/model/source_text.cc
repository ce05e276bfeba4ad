// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/source_text.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <string_view>
#include <utility>

namespace takt::model {
namespace {

std::string trimmed(const std::string& line) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t") - first + 1);
}

/// The code with comments and literals blanked, so that offsets stay.
std::string code_only(std::string text) {
  enum { code, line_comment, block_comment, string, character } state = code;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char& c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    switch (state) {
      case code:
        if (c == '/' && next == '/') state = line_comment;
        if (c == '/' && next == '*') state = block_comment;
        if (c == '"') state = string;
        // A quote between digits separates them.
        if (c == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0)) {
          state = character;
        }
        break;
      case line_comment:
        if (c == '\n') state = code;
        break;
      case block_comment:
        if (c == '*' && next == '/') {
          c = text[++i] = ' ';
          state = code;
          continue;
        }
        break;
      case string:
      case character:
        if (c == '\\') {
          c = ' ';
          ++i;
        } else if (c == (state == string ? '"' : '\'')) {
          c = ' ';
          state = code;
          continue;
        }
        break;
    }
    if (state != code && text[i] != '\n') text[i] = ' ';
  }
  return text;
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

SourceText::SourceText(std::string path) : path_(std::move(path)) {
  std::ifstream file(path_);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    text += line + '\n';
    lines_.push_back(std::move(line));
  }
  find_calls(code_only(std::move(text)));
}

std::string SourceText::key(int line) const {
  const auto index = static_cast<std::size_t>(line - 1);
  if (index >= lines_.size()) return "line " + std::to_string(line);
  const std::string text = trimmed(lines_[index]);
  const auto end = lines_.begin() + line;
  const auto equal = std::count_if(
      lines_.begin(), end, [&](const std::string& other) { return trimmed(other) == text; });
  return equal > 1 ? text + " #" + std::to_string(equal) : text;
}

void SourceText::find_calls(const std::string& code) {
  const auto line_of = [&](std::size_t offset) {
    return 1 + static_cast<int>(std::count(
                   code.begin(), code.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
  };
  for (int i = static_cast<int>(Operation::load); i <= static_cast<int>(Operation::requeue_pi);
       ++i) {
    const auto operation = static_cast<Operation>(i);
    const std::string_view name = to_string(operation);
    // Atomic operations are members, the kernel's calls belong to Env.
    const bool kernel = !has_order(operation) || operation == Operation::fence;
    for (auto at = code.find(name); at != std::string::npos; at = code.find(name, at + 1)) {
      const auto after = code.find_first_not_of(" \n", at + name.size());
      if (after == std::string::npos || code[after] != '(' ||
          word_character(code[at + name.size()])) {
        continue;
      }
      const bool member = code[at - 1] == '.' || (code[at - 1] == '>' && code[at - 2] == '-');
      const bool of_env = at >= 5 && code.compare(at - 5, 5, "Env::") == 0;
      if (kernel ? !of_env : !member) continue;
      auto first = code.find_last_of(";{}", at);
      first = code.find_first_not_of(" \n", first == std::string::npos ? 0 : first + 1);
      const auto last = code.find_first_of(";{", at);
      calls_.push_back({operation, line_of(at), line_of(first),
                        line_of(last == std::string::npos ? code.size() - 1 : last)});
    }
  }
}

}  // namespace takt::model
