// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_GIVE_UP_RIGHTS_H_
#define TAKT_TESTS_PLATFORM_GIVE_UP_RIGHTS_H_

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace takt::test {

/// Takes every capability from the calling thread, for the rest of its life: what root may do, an
/// ordinary user may not. Works in a user namespace too, where there is no other user to become.
inline bool give_up_rights() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_GIVE_UP_RIGHTS_H_
