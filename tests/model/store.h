// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_STORE_H_
#define TAKT_TESTS_MODEL_STORE_H_

#include <cstdint>

#include "takt/tests/model/clock_vector.h"
#include "takt/tests/model/event_set.h"
#include "takt/tests/model/view.h"

namespace takt::model {

/// Number of a store in the running execution; 0 is none.
using StoreId = std::uint16_t;

/// One store to a location, linked into the location's modification order. A load that chooses it
/// reads `value` and, if it acquires, learns `view`.
struct Store {
  std::uint64_t value;
  ClockVector first_access;  ///< when each thread first wrote or read it: coherence
  View view;                 ///< released with it; a read-modify-write adds that of what it read
  EventSet readers;          ///< seq_cst loads that read it
  EventSet writer_fences;    ///< seq_cst fences that happen before the store
  EventSet reader_fences;    ///< seq_cst fences that happen before some load of it
  StoreId previous;
  StoreId next;
  std::int16_t event;  ///< the store as a seq_cst operation, or -1
  std::uint8_t thread;
  bool update;         ///< by a read-modify-write: nothing may come between it and `previous`
  std::uint32_t step;  ///< of the execution, for the trace

  /// The seq_cst operations on this store itself.
  EventSet operations() const {
    EventSet set = readers;
    if (event >= 0) set.add(event);
    return set;
  }
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_STORE_H_
