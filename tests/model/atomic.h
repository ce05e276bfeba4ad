// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_ATOMIC_H_
#define TAKT_TESTS_MODEL_ATOMIC_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "takt/tests/model/engine.h"

namespace takt::model {

/// std::atomic<T> under the checker, with the size of the real one, so that asserted layouts hold.
/// The implicit conversions and operators are left out: a default argument cannot tell their place
/// in the source, and an order that nobody wrote is an order that nobody thought about.
template <class T>
class alignas(sizeof(std::atomic<T>)) Atomic {
  static constexpr std::size_t kBytes = sizeof(std::atomic<T>);
  static_assert(std::is_trivially_copyable_v<T> && (kBytes == 4 || kBytes == 8),
                "atomics are 32 or 64 bits: narrower ones need libatomic on riscv64");

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;  // NOLINT(*-naming): as std::atomic
  using Order = std::memory_order;

  // constexpr because the shipped constructors are; an object made at compile time has no place in
  // any execution, and its use is reported.
  constexpr Atomic() noexcept : Atomic(T{}) {}
  constexpr Atomic(T value) noexcept  // NOLINT(google-explicit-constructor): as std::atomic
      : handle_(std::is_constant_evaluated() ? 0 : Engine::get().construct(this, bits(value))) {}
  constexpr ~Atomic() {
    if (!std::is_constant_evaluated()) Engine::get().destroy(id());
  }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  bool is_lock_free() const noexcept { return true; }

  T load(Order order = Order::seq_cst, const char* file = __builtin_FILE(),
         int line = __builtin_LINE()) const noexcept {
    return value(Engine::get().load(id(), order, {file, line}));
  }
  void store(T desired, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept {
    Engine::get().store(id(), bits(desired), order, {file, line});
  }
  T exchange(T desired, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept {
    return update(Operation::exchange, desired, order, {file, line});
  }
  T fetch_add(T operand, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept requires std::is_integral_v<T> {
    return update(Operation::fetch_add, operand, order, {file, line});
  }
  T fetch_sub(T operand, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept requires std::is_integral_v<T> {
    return update(Operation::fetch_sub, operand, order, {file, line});
  }
  T fetch_and(T operand, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept requires std::is_integral_v<T> {
    return update(Operation::fetch_and, operand, order, {file, line});
  }
  T fetch_or(T operand, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
             int line = __builtin_LINE()) noexcept requires std::is_integral_v<T> {
    return update(Operation::fetch_or, operand, order, {file, line});
  }
  T fetch_xor(T operand, Order order = Order::seq_cst, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) noexcept requires std::is_integral_v<T> {
    return update(Operation::fetch_xor, operand, order, {file, line});
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = Order::seq_cst,
                             const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) noexcept {
    return compare(Operation::compare_exchange_weak, expected, desired, order, on_failure(order),
                   {file, line});
  }
  bool compare_exchange_weak(T& expected, T desired, Order order, Order failure,
                             const char* file = __builtin_FILE(),
                             int line = __builtin_LINE()) noexcept {
    return compare(Operation::compare_exchange_weak, expected, desired, order, failure,
                   {file, line});
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = Order::seq_cst,
                               const char* file = __builtin_FILE(),
                               int line = __builtin_LINE()) noexcept {
    return compare(Operation::compare_exchange_strong, expected, desired, order, on_failure(order),
                   {file, line});
  }
  bool compare_exchange_strong(T& expected, T desired, Order order, Order failure,
                               const char* file = __builtin_FILE(),
                               int line = __builtin_LINE()) noexcept {
    return compare(Operation::compare_exchange_strong, expected, desired, order, failure,
                   {file, line});
  }

  AtomicId id() const noexcept { return {this, handle_}; }

 private:
  static std::uint64_t bits(T value) noexcept {
    std::uint64_t wide = 0;
    std::memcpy(&wide, &value, kBytes);  // little endian, as every board of takt
    return wide;
  }
  static T value(std::uint64_t wide) noexcept {
    T value;
    std::memcpy(&value, &wide, kBytes);
    return value;
  }
  static constexpr Order on_failure(Order order) noexcept {
    return order == Order::acq_rel   ? Order::acquire
           : order == Order::release ? Order::relaxed
                                     : order;
  }
  T update(Operation operation, T operand, Order order, Where where) noexcept {
    constexpr std::uint64_t kMask = ~std::uint64_t{0} >> (64 - 8 * sizeof(T));
    return value(Engine::get().update(id(), operation, bits(operand), kMask, order, where));
  }
  bool compare(Operation operation, T& expected, T desired, Order order, Order failure,
               Where where) noexcept {
    std::uint64_t seen = bits(expected);
    const bool success =
        Engine::get().compare_exchange(id(), operation, seen, bits(desired), order, failure, where);
    if (!success) expected = value(seen);
    return success;
  }

  std::uint32_t handle_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_ATOMIC_H_
