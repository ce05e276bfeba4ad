// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_EXPECT_H_
#define TAKT_TESTS_SUPPORT_EXPECT_H_

#include <concepts>
#include <type_traits>
#include <utility>

#include "takt/tests/support/describe.h"
#include "takt/tests/support/message.h"
#include "takt/tests/support/report.h"

// Expectations. EXPECT_* records a failure and goes on, ASSERT_* also returns from the function
// (which returns void). Both print file, line, the expression and both values, and may be used from
// any thread and from a fork child of the test. Operands are evaluated once; integers of different
// signedness compare by value. Further arguments, printf-like, are printed on failure:
//
//   EXPECT_EQ(queue.size(), 3, "after %d pushes", pushes);
//
// A passing expectation makes no system call and allocates nothing; neither does a failing one
// allocate.

#define EXPECT_EQ(a, b, ...) TAKT_TEST_EXPECT_2(Equal, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_NE(a, b, ...) TAKT_TEST_EXPECT_2(NotEqual, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_LT(a, b, ...) TAKT_TEST_EXPECT_2(Less, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_LE(a, b, ...) TAKT_TEST_EXPECT_2(LessEqual, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_GT(a, b, ...) TAKT_TEST_EXPECT_2(Greater, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_GE(a, b, ...) TAKT_TEST_EXPECT_2(GreaterEqual, a, b __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_TRUE(a, ...) TAKT_TEST_EXPECT_1(True, a __VA_OPT__(, ) __VA_ARGS__)
#define EXPECT_FALSE(a, ...) TAKT_TEST_EXPECT_1(False, a __VA_OPT__(, ) __VA_ARGS__)
/// Of a takt::Status or takt::Result: prints code, errno and text when it is not ok.
#define EXPECT_OK(a, ...) TAKT_TEST_EXPECT_1(Ok, a __VA_OPT__(, ) __VA_ARGS__)

#define ASSERT_EQ(a, b, ...) TAKT_TEST_ASSERT(EXPECT_EQ(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_NE(a, b, ...) TAKT_TEST_ASSERT(EXPECT_NE(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_LT(a, b, ...) TAKT_TEST_ASSERT(EXPECT_LT(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_LE(a, b, ...) TAKT_TEST_ASSERT(EXPECT_LE(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_GT(a, b, ...) TAKT_TEST_ASSERT(EXPECT_GT(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_GE(a, b, ...) TAKT_TEST_ASSERT(EXPECT_GE(a, b __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_TRUE(a, ...) TAKT_TEST_ASSERT(EXPECT_TRUE(a __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_FALSE(a, ...) TAKT_TEST_ASSERT(EXPECT_FALSE(a __VA_OPT__(, ) __VA_ARGS__))
#define ASSERT_OK(a, ...) TAKT_TEST_ASSERT(EXPECT_OK(a __VA_OPT__(, ) __VA_ARGS__))

/// Records a failure with this printf-like text; FAIL returns, ADD_FAILURE goes on.
#define ADD_FAILURE(...) ::takt::test::detail::add_failure(__FILE__, __LINE__, __VA_ARGS__)
#define FAIL(...)             \
  do {                        \
    ADD_FAILURE(__VA_ARGS__); \
    return;                   \
  } while (false)

/// Ends the case as skipped, with the printf-like reason, which is printed and counted: a case that
/// does not apply here neither passes in silence nor fails.
#define SKIP(...)                                                \
  do {                                                           \
    ::takt::test::detail::skip(__FILE__, __LINE__, __VA_ARGS__); \
    return;                                                      \
  } while (false)

namespace takt::test::detail {

template <class T>
concept PlainInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                       !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                       !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

// std::cmp_* compares by value where the operators would convert -1 to a huge number.
#define TAKT_TEST_COMPARISON(Name, symbol, compare_integers) \
  struct Name {                                              \
    static constexpr const char* kSymbol = #symbol;          \
    template <class A, class B>                              \
    static constexpr bool holds(const A& a, const B& b) {    \
      if constexpr (PlainInteger<A> && PlainInteger<B>) {    \
        return std::compare_integers(a, b);                  \
      } else {                                               \
        return static_cast<bool>(a symbol b);                \
      }                                                      \
    }                                                        \
  };
TAKT_TEST_COMPARISON(Equal, ==, cmp_equal)
TAKT_TEST_COMPARISON(NotEqual, !=, cmp_not_equal)
TAKT_TEST_COMPARISON(Less, <, cmp_less)
TAKT_TEST_COMPARISON(LessEqual, <=, cmp_less_equal)
TAKT_TEST_COMPARISON(Greater, >, cmp_greater)
TAKT_TEST_COMPARISON(GreaterEqual, >=, cmp_greater_equal)
#undef TAKT_TEST_COMPARISON

struct True {
  static constexpr const char* kExpected = " is true";
  template <class T>
  static constexpr bool holds(const T& value) {
    return static_cast<bool>(value);
  }
};
struct False {
  static constexpr const char* kExpected = " is false";
  template <class T>
  static constexpr bool holds(const T& value) {
    return !static_cast<bool>(value);
  }
};
struct Ok {
  static constexpr const char* kExpected = " is ok";
  template <class T>
  static bool holds(const T& value) {
    return value.ok();
  }
};

/// Where an expectation stands and what it says.
struct Site {
  const char* file;
  int line;
  const char* left;
  const char* right;
};

inline void append_context(Message& /*message*/) noexcept {}
[[gnu::format(printf, 2, 3)]] void append_context(Message& message, const char* format,
                                                  ...) noexcept;

[[gnu::format(printf, 3, 4)]] void add_failure(const char* file, int line, const char* format,
                                               ...) noexcept;
[[gnu::format(printf, 3, 4)]] void skip(const char* file, int line, const char* format,
                                        ...) noexcept;

template <class Comparison, class A, class B, class Context>
[[gnu::noinline, gnu::cold]] void fail_comparison(const Site& site, const A& a, const B& b,
                                                  const Context& context) noexcept {
  Message message;
  message.append("expected ").append(site.left).append(' ').append(Comparison::kSymbol);
  message.append(' ').append(site.right).append("\n  left:  ");
  append_value(message, a);
  message.append("\n  right: ");
  append_value(message, b);
  context(message);
  report_failure(site.file, site.line, message);
}

template <class Predicate, class T, class Context>
[[gnu::noinline, gnu::cold]] void fail_predicate(const Site& site, const T& value,
                                                 const Context& context) noexcept {
  Message message;
  message.append("expected ").append(site.left).append(Predicate::kExpected);
  message.append("\n  value: ");
  append_value(message, value);
  context(message);
  report_failure(site.file, site.line, message);
}

template <class Comparison, class A, class B, class Context>
bool expect(const Site& site, const A& a, const B& b, const Context& context) {
  if (Comparison::holds(a, b)) [[likely]] {
    return true;
  }
  fail_comparison<Comparison>(site, a, b, context);
  return false;
}

template <class Predicate, class T, class Context>
bool expect(const Site& site, const T& value, const Context& context) {
  if (Predicate::holds(value)) [[likely]] {
    return true;
  }
  fail_predicate<Predicate>(site, value, context);
  return false;
}

}  // namespace takt::test::detail

// An expectation is an expression, true when it held.
#define TAKT_TEST_EXPECT_2(Comparison, a, b, ...)                   \
  ::takt::test::detail::expect<::takt::test::detail::Comparison>(   \
      ::takt::test::detail::Site{__FILE__, __LINE__, #a, #b}, a, b, \
      TAKT_TEST_CONTEXT(__VA_ARGS__))
#define TAKT_TEST_EXPECT_1(Predicate, a, ...)                         \
  ::takt::test::detail::expect<::takt::test::detail::Predicate>(      \
      ::takt::test::detail::Site{__FILE__, __LINE__, #a, nullptr}, a, \
      TAKT_TEST_CONTEXT(__VA_ARGS__))
#define TAKT_TEST_ASSERT(expectation) \
  do {                                \
    if (!(expectation)) return;       \
  } while (false)
#define TAKT_TEST_CONTEXT(...)                                                          \
  [&](::takt::test::Message& takt_test_message) {                                       \
    ::takt::test::detail::append_context(takt_test_message __VA_OPT__(, ) __VA_ARGS__); \
  }

#endif  // TAKT_TESTS_SUPPORT_EXPECT_H_
