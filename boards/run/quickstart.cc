// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/quickstart.h"

namespace takt::run {

const std::string_view kQuickstart =
#include "takt/boards/run/quickstart.inc"
    ;

}  // namespace takt::run
