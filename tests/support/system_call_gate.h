// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SYSTEM_CALL_GATE_H_
#define TAKT_TESTS_SUPPORT_SYSTEM_CALL_GATE_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace takt::test {

/// Arguments of a system call as the kernel takes them: one register each.
using SystemCallArguments = std::array<long, 6>;

/// Makes a system call from the one instruction that every seccomp filter of this folder lets
/// through. That is how the harness reports from under a filter and how a trapped call is repeated.
/// Returns what the kernel returned: -errno on failure; errno itself is left alone.
/// Blocks: as the call does. Callable from: any thread, signal handlers included.
long gate_call(long number, const SystemCallArguments& arguments) noexcept;

/// The address that the kernel reports for calls through the gate (of the next instruction).
std::uint64_t gate_address() noexcept;

/// Writes all of the text through the gate; gives up on an error.
void gate_write(int descriptor, std::string_view text) noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SYSTEM_CALL_GATE_H_
