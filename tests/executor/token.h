// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_EXECUTOR_TOKEN_H_
#define TAKT_TESTS_EXECUTOR_TOKEN_H_

#include <atomic>
#include <utility>

namespace takt::test {

/// Move-only. What it stands for is alive in one place at a time: the counter is one up from the
/// first construction to the one destruction, below zero after a second one.
class Token {
 public:
  explicit Token(std::atomic<int>& alive) noexcept : alive_(&alive) { alive.fetch_add(1); }
  Token(Token&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token() {
    if (alive_ != nullptr) alive_->fetch_sub(1);
  }

  /// False once it was moved from.
  [[nodiscard]] bool held() const noexcept { return alive_ != nullptr; }

 private:
  std::atomic<int>* alive_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_EXECUTOR_TOKEN_H_
