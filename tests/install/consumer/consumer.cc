// SPDX-License-Identifier: Apache-2.0
// A program as a user writes it, built against each form in which takt can be consumed.
#include <cstdio>

#include "takt/platform/result.h"
#include "takt/platform/status.h"
#include "takt/platform/version.h"

int main() {
  takt::Result<int> answer = 42;
  if (!answer.ok()) return takt::report(answer.status());
  std::printf("takt %s: %d\n", takt::kVersion, *answer);
}
