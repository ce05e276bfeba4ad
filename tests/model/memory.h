// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_MEMORY_H_
#define TAKT_TESTS_MODEL_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "takt/tests/model/limits.h"
#include "takt/tests/model/location.h"
#include "takt/tests/model/sequential_order.h"
#include "takt/tests/model/store.h"
#include "takt/tests/model/view.h"

namespace takt::model {

/// The memory of C++20 as an operational machine, after RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer,
/// PLDI 2017): an execution adds operations one by one, each load names an earlier store to read
/// from, each store a place in its location's modification order. Everything that C++20 allows is
/// reachable, except that no load reads from a store that is yet to execute (load buffering).
///
/// This class says which choices are allowed (`readable`, `writable`, `updatable`) and carries one
/// out (`read`, `write`, `update`); it never chooses.
class Memory {
 public:
  using Order = std::memory_order;
  struct Candidates {
    int count = 0;
    StoreId stores[kMaxCandidates];
    bool overflow = false;
    bool unconstructed = false;  ///< the construction does not happen before the access
    void add(StoreId store) {
      if (count == kMaxCandidates) {
        overflow = true;
      } else {
        stores[count++] = store;
      }
    }
  };

  Memory();

  /// `strong_seq_cst`: Options::strong_seq_cst.
  void reset(bool strong_seq_cst);
  bool full() const;

  /// Registers an atomic object holding `value`, constructed by `thread`; returns its index.
  int create(const void* address, std::uint64_t value, int thread, std::uint32_t step);
  Location& location(int index) { return locations_.get()[index]; }
  int locations() const { return location_count_; }
  const Store& store(StoreId id) const { return stores_[id]; }
  /// Whether `thread` has neither written nor read `id` so far.
  bool fresh(StoreId id, int thread) const {
    return stores_[id].first_access[thread] == ClockVector::kNever;
  }

  /// Newest first. Without `rereads`, a stale store that the thread saw before is left out.
  void readable(int thread, const Location& location, Order order, bool rereads,
                Candidates& out) const;
  /// The stores directly after which a plain store may be placed; without `reorder` the newest.
  void writable(int thread, const Location& location, Order order, bool reorder,
                Candidates& out) const;
  /// The stores that a read-modify-write may read and follow; without `reorder` the newest.
  void updatable(int thread, const Location& location, Order order, bool reorder,
                 Candidates& out) const;

  std::uint64_t read(int thread, Location& location, StoreId from, Order order);
  StoreId write(int thread, Location& location, StoreId after, std::uint64_t value, Order order,
                std::uint32_t step);
  StoreId update(int thread, Location& location, StoreId from, std::uint64_t value, Order order,
                 std::uint32_t step);
  void fence(int thread, Order order);

  /// The child begins with all that the parent knows.
  void fork(int parent, int child);
  /// The parent learns all that the child knows.
  void join(int parent, int child) { threads_[parent].current.join(threads_[child].current); }
  const ClockVector& clocks(int thread) const { return threads_[thread].current.clocks; }
  std::uint16_t tick(int thread) { return threads_[thread].current.clocks.tick(thread); }

 private:
  struct Fence {
    int event;
    ClockVector clocks;
  };
  struct ThreadView {
    View current;     ///< happens before the next step
    View acquirable;  ///< read by relaxed loads: an acquire fence adds it to `current`
    View released;    ///< at the last release fence: what relaxed stores pass on
  };

  bool orders(Order order) const;
  EventSet fences_before(const View& view) const { return view.events & fences_; }
  EventSet after_access(const Store& store) const;
  EventSet after_store(const Location& location, StoreId store) const;
  EventSet before_store(StoreId last) const;
  bool placement_allowed(int thread, StoreId after, Order order, bool update,
                         const EventSet& later) const;
  bool reading_allowed(int thread, StoreId from, Order order, const EventSet& later) const;
  void placeable(int thread, const Location& location, Order order, bool update, bool reorder,
                 Candidates& out) const;
  StoreId place(int thread, Location& location, StoreId after, std::uint64_t value, Order order,
                bool update, std::uint32_t step);

  bool strong_ = false;
  int location_count_ = 0;
  int store_count_ = 0;
  int fence_count_ = 0;
  EventSet fences_;
  SequentialOrder order_;
  ThreadView threads_[kMaxThreads];
  Fence fence_list_[kMaxEvents];
  std::unique_ptr<Location[]> locations_;
  std::unique_ptr<Store[]> stores_;
};

constexpr bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_MEMORY_H_
