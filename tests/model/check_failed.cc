// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/engine.h"

// A TAKT_CHECK that fails inside a model is a finding with a trace, not the end of the checker: the
// linker sends the calls here (--wrap, see BUILD).
// NOLINTBEGIN(readability-identifier-naming): --wrap makes the names
extern "C" {

[[noreturn]] void __real__ZN4takt2v012check_failedEPKciS2_S2_(const char* file, int line,
                                                              const char* condition,
                                                              const char* message);

[[noreturn]] void __wrap__ZN4takt2v012check_failedEPKciS2_S2_(const char* file, int line,
                                                              const char* condition,
                                                              const char* message) {
  takt::model::Scheduler& scheduler = takt::model::Engine::get().scheduler();
  if (scheduler.active()) scheduler.fail("TAKT_CHECK at %s:%d: %s", file, line, message);
  __real__ZN4takt2v012check_failedEPKciS2_S2_(file, line, condition, message);
}
}
// NOLINTEND(readability-identifier-naming)
