// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SYSTEM_CALL_NAME_H_
#define TAKT_TESTS_SUPPORT_SYSTEM_CALL_NAME_H_

#include "takt/tests/support/message.h"

namespace takt::test {

/// Appends the system call's name, for example "futex", or "system call 999" when it is not among
/// those that we name. Callable from: anywhere, signal handlers included.
void append_system_call(Message& message, long number) noexcept;

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SYSTEM_CALL_NAME_H_
