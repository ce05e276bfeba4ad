// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/violation.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "takt/tests/support/backtrace.h"
#include "takt/tests/support/crash.h"
#include "takt/tests/support/message.h"
#include "takt/tests/support/system_call_filter.h"
#include "takt/tests/support/system_call_gate.h"

namespace takt::test {

void end_with_violation(std::string_view what, std::string_view rule) noexcept {
  SystemCallFilter::stand_down();
  char thread[16] = {};
  prctl(PR_GET_NAME, thread);
  Message text;
  text.append(what).append(" by thread '").append(thread).append("' ").append(rule).append('\n');
  gate_write(STDERR_FILENO, text.view());
  write_backtrace();
  abort_quietly();
}

}  // namespace takt::test
