// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_LOCATION_H_
#define TAKT_TESTS_MODEL_LOCATION_H_

#include "takt/tests/model/clock_vector.h"
#include "takt/tests/model/store.h"

namespace takt::model {

/// One atomic object of the running execution.
struct Location {
  const void* address;
  const char* name;         ///< given by the model, or null
  StoreId newest;           ///< last in modification order
  bool alive;               ///< false once destroyed
  ClockVector last_access;  ///< each thread's last step on it; 0: none
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_LOCATION_H_
