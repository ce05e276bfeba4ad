// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/memory.h"

namespace takt::model {
namespace {

constexpr bool sequential(std::memory_order order) { return order == std::memory_order_seq_cst; }

/// The seq_cst operations that coherence puts before whatever follows `store`.
EventSet before_access(const Store& store) {
  return store.operations() | store.writer_fences | store.reader_fences;
}

}  // namespace

Memory::Memory()
    : locations_(std::make_unique<Location[]>(kMaxLocations)),
      stores_(std::make_unique<Store[]>(kMaxStores)) {}

void Memory::reset(bool strong_seq_cst) {
  strong_ = strong_seq_cst;
  location_count_ = 0;
  store_count_ = 0;
  fence_count_ = 0;
  fences_ = EventSet();
  order_.reset();
  threads_[kMain] = ThreadView();
}

bool Memory::full() const {
  return location_count_ >= kMaxLocations - 1 || store_count_ >= kMaxStores - 2 ||
         order_.count() >= kMaxEvents - 2;
}

int Memory::create(const void* address, std::uint64_t value, int thread, std::uint32_t step) {
  Location& location = locations_.get()[location_count_];
  location = {address, nullptr, 0, true, ClockVector::none()};
  place(thread, location, 0, value, std::memory_order_relaxed, false, step);
  return location_count_++;
}

void Memory::fork(int parent, int child) {
  threads_[child] = ThreadView();
  threads_[child].current = threads_[parent].current;
}

/// Whether the order S has a say in this access.
bool Memory::orders(Order order) const { return sequential(order) || fence_count_ != 0; }

/// The seq_cst operations that come after whatever precedes `store` in modification order: those
/// on it, and the fences that an access of it happens before.
EventSet Memory::after_access(const Store& store) const {
  EventSet set = store.operations();
  for (int i = 0; i < fence_count_; ++i) {
    if (store.first_access.any_known_to(fence_list_[i].clocks)) set.add(fence_list_[i].event);
  }
  return set;
}

/// after_access of every store behind `store`.
EventSet Memory::after_store(const Location& location, StoreId store) const {
  EventSet set;
  for (StoreId id = location.newest; id != store; id = stores_[id].previous) {
    set |= after_access(stores_[id]);
  }
  return set;
}

/// before_access of `last` and every store before it.
EventSet Memory::before_store(StoreId last) const {
  EventSet set;
  for (StoreId id = last; id != 0; id = stores_[id].previous) set |= before_access(stores_[id]);
  return set;
}

bool Memory::reading_allowed(int thread, StoreId from, Order order, const EventSet& later) const {
  if (later.empty()) return true;
  const View& view = threads_[thread].current;
  const Store& store = stores_[from];
  EventSet earlier = fences_before(view);
  if (acquires(order)) earlier |= fences_before(store.view);
  if (sequential(order)) {
    earlier |= view.events | before_store(store.previous) | store.writer_fences;
    if (store.event >= 0) earlier.add(store.event);
    if (strong_) earlier |= store.view.events;
  }
  return order_.allows(earlier, later);
}

bool Memory::placement_allowed(int thread, StoreId after, Order order, bool update,
                               const EventSet& later) const {
  if (later.empty()) return true;
  const View& view = threads_[thread].current;
  EventSet earlier = fences_before(view);
  if (update && acquires(order)) earlier |= fences_before(stores_[after].view);
  if (sequential(order)) {
    earlier |= view.events | before_store(after);
    if (strong_ && update) earlier |= stores_[after].view.events;
  }
  return order_.allows(earlier, later);
}

void Memory::readable(int thread, const Location& location, Order order, bool rereads,
                      Candidates& out) const {
  const ClockVector& clocks = threads_[thread].current.clocks;
  const bool ordered = orders(order);
  EventSet later;
  for (StoreId id = location.newest;;) {
    const Store& store = stores_[id];
    const bool known = store.first_access.any_known_to(clocks);
    if (id == location.newest ||
        ((rereads || fresh(id, thread)) && reading_allowed(thread, id, order, later))) {
      out.add(id);
    }
    if (known) return;  // coherence: nothing older than what happens before this load
    if (store.previous == 0) {
      out.unconstructed = true;
      return;
    }
    if (ordered) later |= after_access(store);
    id = store.previous;
  }
}

void Memory::placeable(int thread, const Location& location, Order order, bool update, bool reorder,
                       Candidates& out) const {
  const ClockVector& clocks = threads_[thread].current.clocks;
  const bool ordered = orders(order);
  EventSet later;
  for (StoreId id = location.newest;;) {
    const Store& store = stores_[id];
    if (id == location.newest ||
        (!stores_[store.next].update && placement_allowed(thread, id, order, update, later))) {
      out.add(id);
    }
    if (store.first_access.any_known_to(clocks)) return;
    if (store.previous == 0) {
      out.unconstructed = true;
      return;
    }
    if (!reorder && id == location.newest) {
      // Only the check above is left to make: is the construction known at all?
      StoreId first = id;
      while (stores_[first].previous != 0 && !stores_[first].first_access.any_known_to(clocks)) {
        first = stores_[first].previous;
      }
      out.unconstructed = !stores_[first].first_access.any_known_to(clocks);
      return;
    }
    if (ordered) later |= after_access(store);
    id = store.previous;
  }
}

void Memory::writable(int thread, const Location& location, Order order, bool reorder,
                      Candidates& out) const {
  placeable(thread, location, order, false, reorder, out);
}

void Memory::updatable(int thread, const Location& location, Order order, bool reorder,
                       Candidates& out) const {
  // A read-modify-write reads the store directly before its own: the same places as for a store.
  placeable(thread, location, order, true, reorder, out);
}

std::uint64_t Memory::read(int thread, Location& location, StoreId from, Order order) {
  View& view = threads_[thread].current;
  Store& store = stores_[from];
  const std::uint16_t clock = view.clocks.tick(thread);
  if (store.first_access[thread] == ClockVector::kNever) store.first_access.set(thread, clock);
  location.last_access.set(thread, clock);

  EventSet self;
  int event = -1;
  if (sequential(order)) {
    EventSet earlier = view.events | before_store(store.previous) | store.writer_fences;
    if (store.event >= 0) earlier.add(store.event);
    if (strong_) earlier |= store.view.events;
    event = order_.add(earlier);
    store.readers.add(event);
    self.add(event);
  }
  if (acquires(order)) {
    view.join(store.view);
  } else {
    threads_[thread].acquirable.join(store.view);
  }
  if (fence_count_ != 0) {
    const EventSet fences = fences_before(view);
    store.reader_fences |= fences;
    self |= fences;
  }
  if (from != location.newest && !self.empty()) {
    order_.require(self, after_store(location, from));
  }
  if (event >= 0) view.events.add(event);
  return store.value;
}

StoreId Memory::write(int thread, Location& location, StoreId after, std::uint64_t value,
                      Order order, std::uint32_t step) {
  return place(thread, location, after, value, order, false, step);
}

StoreId Memory::update(int thread, Location& location, StoreId from, std::uint64_t value,
                       Order order, std::uint32_t step) {
  return place(thread, location, from, value, order, true, step);
}

StoreId Memory::place(int thread, Location& location, StoreId after, std::uint64_t value,
                      Order order, bool update, std::uint32_t step) {
  ThreadView& views = threads_[thread];
  View& view = views.current;
  const std::uint16_t clock = view.clocks.tick(thread);
  location.last_access.set(thread, clock);

  EventSet self;
  int event = -1;
  if (sequential(order)) {
    EventSet earlier = view.events | before_store(after);
    if (strong_ && update) earlier |= stores_[after].view.events;
    event = order_.add(earlier);
    self.add(event);
  }
  if (update) {
    if (acquires(order)) {
      view.join(stores_[after].view);
    } else {
      views.acquirable.join(stores_[after].view);
    }
  }
  EventSet fences;
  if (fence_count_ != 0) {
    fences = fences_before(view);
    self |= fences;
  }
  const StoreId next = after == 0 ? StoreId{0} : stores_[after].next;
  if (next != 0 && !self.empty()) order_.require(self, after_store(location, after));

  const auto id = static_cast<StoreId>(++store_count_);
  Store& store = stores_[id];
  store.value = value;
  store.first_access = ClockVector::never();
  store.first_access.set(thread, clock);
  store.view = releases(order) ? view : views.released;
  // A strong order S follows happens-before, which begins with this very operation.
  if (strong_ && event >= 0) store.view.events.add(event);
  // C++20's release sequence: only read-modify-writes continue it.
  if (update) store.view.join(stores_[after].view);
  store.readers = EventSet();
  store.writer_fences = fences;
  store.reader_fences = EventSet();
  store.previous = after;
  store.next = next;
  store.event = static_cast<std::int16_t>(event);
  store.thread = static_cast<std::uint8_t>(thread);
  store.update = update;
  store.step = step;
  if (after != 0) stores_[after].next = id;
  if (next != 0) {
    stores_[next].previous = id;
  } else {
    location.newest = id;
  }
  if (event >= 0) view.events.add(event);
  return id;
}

void Memory::fence(int thread, Order order) {
  ThreadView& views = threads_[thread];
  View& view = views.current;
  view.clocks.tick(thread);
  if (acquires(order)) view.join(views.acquirable);
  if (sequential(order)) {
    // Everything that coherence puts before an access that happens before this fence.
    EventSet earlier = view.events;
    for (int i = 0; i < location_count_; ++i) {
      for (StoreId id = locations_.get()[i].newest; id != 0; id = stores_[id].previous) {
        const Store& store = stores_[id];
        if (!store.first_access.any_known_to(view.clocks)) continue;
        earlier |= before_store(store.previous) | store.writer_fences;
        if (store.event >= 0) earlier.add(store.event);
        break;
      }
    }
    const int event = order_.add(earlier);
    fences_.add(event);
    fence_list_[fence_count_++] = {event, view.clocks};
    view.events.add(event);
  }
  if (releases(order)) views.released = view;
}

}  // namespace takt::model
