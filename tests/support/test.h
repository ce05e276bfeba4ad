// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_TEST_H_
#define TAKT_TESTS_SUPPORT_TEST_H_

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "takt/tests/support/child.h"
#include "takt/tests/support/describe.h"
#include "takt/tests/support/expect.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/report.h"

/// A case. Each runs in a process of its own, forked from a supervisor that has one thread: a
/// crash, a hang, a leaked thread or a seccomp filter of one case does not reach the next. Static
/// constructors run once, in the supervisor, before the forks.
///
///   TEST(Latch, opens_at_zero) { ... }
#define TEST(suite, name)                                                                      \
  static void TAKT_TEST_ID(suite, name)();                                                     \
  static ::takt::test::Case TAKT_TEST_ID(suite, name##_case)(#suite, #name, {[](const void*) { \
                                                               TAKT_TEST_ID(suite, name)       \
                                                               ();                             \
                                                             }});                              \
  static void TAKT_TEST_ID(suite, name)()

/// One case for each value, which the body sees as `param`; the case's name carries the value (or
/// its member `name`). Values have one type, as in an array.
///
///   TEST_EACH(Latch, counts_down, 1, 2, 64) { Latch latch(param); ... }
#define TEST_EACH(suite, name, ...)                                                       \
  static const auto TAKT_TEST_ID(suite, name##_values) =                                  \
      ::takt::test::detail::values(__VA_ARGS__);                                          \
  using TAKT_TEST_ID(suite, name##_value) =                                               \
      typename decltype(TAKT_TEST_ID(suite, name##_values))::value_type;                  \
  static void TAKT_TEST_ID(suite, name)(const TAKT_TEST_ID(suite, name##_value) & param); \
  static ::takt::test::detail::CaseGroup TAKT_TEST_ID(suite, name##_cases)(               \
      #suite, #name,                                                                      \
      ::takt::test::detail::value_variants(                                               \
          TAKT_TEST_ID(suite, name##_values), [](const void* value) {                     \
            using Value = TAKT_TEST_ID(suite, name##_value);                              \
            TAKT_TEST_ID(suite, name)(*static_cast<const Value*>(value));                 \
          }));                                                                            \
  static void TAKT_TEST_ID(suite,                                                         \
                           name)([[maybe_unused]] const TAKT_TEST_ID(suite, name##_value) & param)

/// One case for each type, which the body sees as `Type`: one contract for several backends.
///
///   TEST_TYPES(Lock, excludes, Mutex, ProcessMutex) { Type lock; ... }
#define TEST_TYPES(suite, name, ...)                                                \
  template <class Type>                                                             \
  static void TAKT_TEST_ID(suite, name)();                                          \
  static ::takt::test::detail::CaseGroup TAKT_TEST_ID(suite, name##_cases)(         \
      #suite, #name, []<class... Types>(::takt::test::detail::TypeList<Types...>) { \
        return std::array{::takt::test::Case::Variant{                              \
            [](const void*) { TAKT_TEST_ID(suite, name)<Types>(); }, nullptr,       \
            [](::takt::test::Message& text, const void*) {                          \
              text.append(::takt::test::detail::type_name<Types>());                \
            }}...};                                                                 \
      }(::takt::test::detail::TypeList<__VA_ARGS__>{}));                            \
  template <class Type>                                                             \
  static void TAKT_TEST_ID(suite, name)()

#define TAKT_TEST_ID(suite, name) suite##_##name

namespace takt::test {

/// What main() does: runs the cases that the arguments and the environment select; its exit status.
int run(int argument_count, const char* const* arguments);

/// A registered case; it lives as long as the program and links itself into one list.
class Case {
 public:
  /// A body and, for a parameterised case, what it is called with and how that is named.
  struct Variant {
    void (*body)(const void* param);
    const void* param = nullptr;
    void (*describe)(Message& text, const void* param) = nullptr;
  };

  Case(const char* suite, const char* name, const Variant& variant) noexcept;
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  [[nodiscard]] const char* suite() const noexcept { return suite_; }
  /// The name after the suite, with the parameter: "counts_down/64".
  void append_name(Message& text) const noexcept;
  void run() const { variant_.body(variant_.param); }

  /// The registered cases, in the order of definition.
  static const Case* first() noexcept;
  [[nodiscard]] const Case* next() const noexcept { return next_; }

 private:
  const char* suite_;
  const char* name_;
  Variant variant_;
  const Case* next_ = nullptr;
};

namespace detail {

template <class... Types>
struct TypeList {};

template <class... Values>
constexpr auto values(Values... values) {  // by value: string literals become pointers
  return std::array<std::common_type_t<Values...>, sizeof...(Values)>{values...};
}

template <class T>
constexpr std::string_view type_name() noexcept {
  constexpr std::string_view kSignature = __PRETTY_FUNCTION__;
  constexpr std::size_t kStart = kSignature.find("T = ") + 4;
  constexpr std::size_t kEnd = kSignature.find_first_of(";]", kStart);
  return kSignature.substr(kStart, kEnd - kStart);
}

template <class Value, std::size_t kCount>
auto value_variants(const std::array<Value, kCount>& values, void (*body)(const void*)) noexcept {
  std::array<Case::Variant, kCount> variants;
  for (std::size_t index = 0; index < kCount; ++index) {
    variants[index] = {body, &values[index], [](Message& text, const void* value) {
                         append_value(text, *static_cast<const Value*>(value));
                       }};
  }
  return variants;
}

/// The cases of one body. A class, not an array that a function returns: g++ 12 takes a static
/// variable that is only written by a return for dead, though the cases link themselves into a
/// list.
template <std::size_t kCount>
class CaseGroup {
 public:
  CaseGroup(const char* suite, const char* name,
            const std::array<Case::Variant, kCount>& variants) noexcept
      : CaseGroup(suite, name, variants, std::make_index_sequence<kCount>()) {}

 private:
  template <std::size_t... kIndex>
  CaseGroup(const char* suite, const char* name, const std::array<Case::Variant, kCount>& variants,
            std::index_sequence<kIndex...> /*indices*/) noexcept
      : cases_{Case(suite, name, variants[kIndex])...} {}

  Case cases_[kCount];
};

}  // namespace detail

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_TEST_H_
