// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_SUPPORT_SHARED_MEMORY_NAME_H_
#define TAKT_TESTS_SUPPORT_SHARED_MEMORY_NAME_H_

#include <random>
#include <string>

namespace takt::test {

/// A name for shared memory that no other test has. Not by the process id: tests in sandboxes of
/// their own may have the same, and the same /dev/shm.
inline std::string shared_memory_name() {
  return "/takt-" + std::to_string(std::random_device{}());
}

}  // namespace takt::test

#endif  // TAKT_TESTS_SUPPORT_SHARED_MEMORY_NAME_H_
