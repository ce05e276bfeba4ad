// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/deadline_supervision.h"

namespace takt::inline v0 {

template class BasicDeadlineSupervision<ThreadEnv>;

}  // namespace takt::inline v0
