// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SOURCE_TEXT_H_
#define TAKT_TESTS_MODEL_SOURCE_TEXT_H_

#include <string>
#include <vector>

#include "takt/tests/model/operation.h"

namespace takt::model {

/// A shipped source file, read for the atomic and futex calls that it spells out.
class SourceText {
 public:
  /// A call in the source. The compilers differ in which line of a statement they give a call.
  struct Call {
    Operation operation;
    int line;
    int first_line;  ///< of its statement
    int last_line;
  };

  /// `path` from the repository's root, which is the working directory.
  explicit SourceText(std::string path);

  const std::string& path() const { return path_; }
  bool readable() const { return !lines_.empty(); }
  const std::vector<Call>& calls() const { return calls_; }
  /// Line `line` (from 1) without blanks around, with " #n" behind the n-th equal one.
  std::string key(int line) const;

 private:
  void find_calls(const std::string& code);

  std::string path_;
  std::vector<std::string> lines_;
  std::vector<Call> calls_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SOURCE_TEXT_H_
