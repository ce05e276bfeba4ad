// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/logical_supervision.h"

namespace takt::inline v0 {

template class BasicLogicalSupervision<ThreadEnv>;

}  // namespace takt::inline v0
