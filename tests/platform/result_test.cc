// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/result.h"

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/tests/support/test.h"

namespace {

using takt::Result;
using takt::Status;
using takt::StatusCode;

static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<Result<std::unique_ptr<int>>>);

const Status kError(StatusCode::not_found, "no such thing");

TEST(Result, holds_a_value) {
  const Result<int> result = 42;
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.code(), StatusCode::ok);
  EXPECT_TRUE(result.status().ok());
  EXPECT_EQ(*result, 42);
  EXPECT_EQ(result.value_or(7), 42);
}

TEST(Result, holds_an_error) {
  const Result<int> result = kError;
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.code(), StatusCode::not_found);
  EXPECT_EQ(std::string_view(result.status().text()), "no such thing");
  EXPECT_EQ(result.value_or(7), 7);
}

TEST(Result, moves_a_value_that_cannot_be_copied) {
  Result<std::unique_ptr<int>> first = std::make_unique<int>(3);
  Result<std::unique_ptr<int>> second = std::move(first);
  EXPECT_EQ(**second, 3);
  const std::unique_ptr<int> out = *std::move(second);
  EXPECT_EQ(*out, 3);
}

TEST(Result, changes_sides_by_assignment) {
  Result<std::unique_ptr<int>> result = kError;
  result = std::make_unique<int>(5);
  ASSERT_OK(result);
  EXPECT_EQ(**result, 5);
  result = kError;
  EXPECT_EQ(result.code(), StatusCode::not_found);
}

TEST(Result, destroys_its_value_once) {
  const auto shared = std::make_shared<int>(1);
  {
    const Result<std::shared_ptr<int>> first = shared;
    Result<std::shared_ptr<int>> second = first;
    EXPECT_EQ(shared.use_count(), 3);
    second = Status(StatusCode::not_found, "");
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Result, aborts_when_an_error_is_used_as_a_value) {
  EXPECT_ABORT([] { static_cast<void>(Result<int>(kError).value()); }, "no such thing");
  EXPECT_ABORT([] { static_cast<void>(Result<std::pair<int, int>>(kError)->first); },
               "no such thing");
}

TEST(Result, aborts_when_made_from_an_ok_status) {
  EXPECT_ABORT([] { static_cast<void>(Result<int>(Status())); }, "a value or an error");
}

}  // namespace
