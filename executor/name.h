// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_NAME_H_
#define TAKT_EXECUTOR_NAME_H_

#include <cstring>

#include "takt/executor/limits.h"

namespace takt::inline v0::detail {

/// Whether `name` can name a worker or a task: 1 to 15 characters.
inline bool is_name(const char* name) noexcept {
  if (name == nullptr || name[0] == '\0') return false;
  return ::strnlen(name, kNameBytes) < kNameBytes;
}

/// Copies a name that is_name() accepts.
inline void copy_name(char (&to)[kNameBytes], const char* name) noexcept {
  std::strncpy(to, name, kNameBytes - 1);
  to[kNameBytes - 1] = '\0';
}

}  // namespace takt::inline v0::detail

#endif  // TAKT_EXECUTOR_NAME_H_
