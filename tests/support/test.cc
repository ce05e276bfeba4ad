// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/test.h"

namespace takt::test {

namespace {

// Constant-initialised: cases of other files register before this file's constructors would run.
constinit const Case* first_ = nullptr;
constinit const Case** end_ = &first_;

}  // namespace

Case::Case(const char* suite, const char* name, const Variant& variant) noexcept
    : suite_(suite), name_(name), variant_(variant) {
  *end_ = this;
  end_ = &next_;
}

const Case* Case::first() noexcept { return first_; }

void Case::append_name(Message& text) const noexcept {
  text.append(name_);
  if (variant_.describe != nullptr) {
    variant_.describe(text.append('/'), variant_.param);
  }
}

}  // namespace takt::test
