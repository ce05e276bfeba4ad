// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_BOARDS_EXAMPLES_GATEWAY_PORTS_H_
#define TAKT_BOARDS_EXAMPLES_GATEWAY_PORTS_H_

#include "takt/platform/result.h"

namespace takt::examples {

/// Opens a serial device, raw and not blocking, with hardware flow control where the device has it.
/// Blocks: as open(2) does. Errors: what the system says, and which call it was.
Result<int> open_serial(const char* device) noexcept;

/// Opens a CAN interface ("can0"; "vcan0"), not blocking. Blocks: no. Errors: as open_serial().
Result<int> open_can(const char* interface) noexcept;

}  // namespace takt::examples

#endif  // TAKT_BOARDS_EXAMPLES_GATEWAY_PORTS_H_
