// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/features.h"

#include <sys/utsname.h>

#include <string_view>

#include "takt/tests/support/test.h"

namespace {

using takt::platform::Features;
using takt::platform::features;
using takt::platform::parse_kernel_release;

TEST(Features, tells_the_kernels_release) {
  utsname names;
  ASSERT_EQ(::uname(&names), 0);
  EXPECT_EQ(std::string_view(features().kernel_release), names.release);
  EXPECT_GE(features().kernel_major, 3);
}

TEST(Features, probes_once) {
  const Features* const first = &features();
  EXPECT_EQ(first, &features());
}

TEST(Features, agrees_with_the_release) {
  const Features& found = features();
  if (found.kernel_major * 1000 + found.kernel_minor < 5014) {
    SKIP("kernel %s is older than FUTEX_LOCK_PI2", found.kernel_release);
  }
  EXPECT_TRUE(found.pi_futex);
  EXPECT_TRUE(found.lock_pi2);
  EXPECT_TRUE(found.time64);
}

struct ReleaseCase {
  std::string_view name;  // the release
  bool valid;
  unsigned major_number;
  unsigned minor_number;
};
TEST_EACH(Features, parses_a_release, ReleaseCase{"6.1.0-28-arm64", true, 6, 1},
          ReleaseCase{"5.14", true, 5, 14}, ReleaseCase{"4.19.94-ti-r42", true, 4, 19},
          ReleaseCase{"6.6-rc1", true, 6, 6}, ReleaseCase{"", false, 0, 0},
          ReleaseCase{"6", false, 0, 0}, ReleaseCase{"6.", false, 0, 0},
          ReleaseCase{"6.x", false, 0, 0}, ReleaseCase{"v6.1", false, 0, 0},
          ReleaseCase{"99999999999.1", false, 0, 0}, ReleaseCase{"6.-1", false, 0, 0}) {
  std::uint32_t major_number = 0;
  std::uint32_t minor_number = 0;
  EXPECT_EQ(parse_kernel_release(param.name, major_number, minor_number), param.valid);
  EXPECT_EQ(major_number, param.major_number);
  EXPECT_EQ(minor_number, param.minor_number);
}

}  // namespace
