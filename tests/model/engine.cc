// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/engine.h"

#include "takt/platform/check.h"

namespace takt::model {
namespace {

// A handle is the location's index, and above it the execution that it belongs to.
constexpr int kIndexBits = 10;
static_assert(kMaxLocations <= 1 << kIndexBits);
constexpr std::uint32_t kIndexMask = (1U << kIndexBits) - 1;
constexpr std::uint32_t kGenerations = 1U << (32 - kIndexBits);

std::uint64_t apply(Operation operation, std::uint64_t old, std::uint64_t operand) {
  switch (operation) {
    case Operation::exchange:
      return operand;
    case Operation::fetch_add:
      return old + operand;
    case Operation::fetch_sub:
      return old - operand;
    case Operation::fetch_and:
      return old & operand;
    case Operation::fetch_or:
      return old | operand;
    case Operation::fetch_xor:
      return old ^ operand;
    default:
      break;
  }
  TAKT_CHECK(false, "not a read-modify-write");
}

}  // namespace

std::uint32_t Engine::construct(void* address, std::uint64_t value) {
  TAKT_CHECK(generation_ != 0, "an Atomic of ModelEnv lives inside a model's body");
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  const int index = memory_.create(address, value, scheduler_.running(), scheduler_.steps());
  return generation_ << kIndexBits | static_cast<std::uint32_t>(index);
}

Location& Engine::locate(AtomicId atomic) {
  const auto index = static_cast<int>(atomic.handle & kIndexMask);
  if (atomic.handle >> kIndexBits != generation_ % kGenerations || index >= memory_.locations() ||
      memory_.location(index).address != atomic.address || !memory_.location(index).alive) {
    scheduler_.fail("use of an atomic object that is destroyed or was never constructed");
  }
  return memory_.location(index);
}

int Engine::index_of(const Location& location) const {
  return static_cast<int>(&location - &const_cast<Memory&>(memory_).location(0));
}

/// What the running thread knows, and all of the frozen ones: a body ends around those, where a
/// program would keep their objects for ever.
ClockVector Engine::known_to_destroyer() {
  ClockVector known = memory_.clocks(scheduler_.running());
  for (int i = 1; i < scheduler_.threads(); ++i) {
    if (scheduler_.thread(i).state == ModelThread::State::frozen) known.set(i, ClockVector::kNever);
  }
  return known;
}

void Engine::destroy(AtomicId atomic) {
  Location& location = locate(atomic);
  if (!location.last_access.all_known_to(known_to_destroyer())) {
    scheduler_.fail("%s is destroyed though another thread's access does not happen before",
                    Recorder::name(location, index_of(location)).c_str());
  }
  location.alive = false;
}

/// Waits for the turn of a step at a site; returns the site.
int Engine::enter(Operation operation, Where where, Order order, Order failure,
                  const Intent& intent) {
  scheduler_.arrive(intent);
  return sites_.find(where, operation, order, failure);
}

StoreId Engine::choose(const Location& location, const Candidates& candidates) {
  if (candidates.unconstructed) {
    scheduler_.fail("%s is used though its construction does not happen before",
                    Recorder::name(location, index_of(location)).c_str());
  }
  if (candidates.overflow) scheduler_.abandon(Scheduler::Ending::truncated);
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn): filled up to count, never empty
  return candidates.stores[candidates.count > 1 ? trail_.choose(candidates.count) : 0];
}

void Engine::account_reading(const Location& location, StoreId store) {
  if (store == location.newest) return;
  ++scheduler_.uses().stale_reads;
  if (!memory_.fresh(store, scheduler_.running())) --scheduler_.self().stale_rereads;
}

void Engine::account_placing(const Location& location, StoreId after) {
  if (after == location.newest) return;
  ++scheduler_.uses().reorderings;
  --scheduler_.self().reorderings;
}

std::uint64_t Engine::load(AtomicId atomic, Order order, Where where) {
  const int site = sites_.find(where, Operation::load, order, {});
  if (scheduler_.concurrent() && !written_[atomic.handle & kIndexMask] &&
      scheduler_.may_go_on_unseen()) {
    scheduler_.arrive_unseen();
  } else {
    scheduler_.arrive({atomic.address, nullptr, false});
  }
  Location& location = locate(atomic);
  const int thread = scheduler_.running();
  const Order effect = effective(site, order);
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  Candidates candidates;
  memory_.readable(thread, location, effect, scheduler_.self().stale_rereads > 0, candidates);
  const StoreId store = choose(location, candidates);
  account_reading(location, store);
  const std::uint64_t value = memory_.read(thread, location, store, effect);
  if (recorder_.on()) {
    recorder_.step(scheduler_.steps(), thread, sites_[site],
                   std::string("load ") + to_string(effect) + ' ' +
                       Recorder::name(location, index_of(location)) + ": " +
                       Recorder::value(value) + ", " + Recorder::origin(memory_.store(store)) +
                       (store == location.newest ? "" : " (stale)"));
  }
  return value;
}

void Engine::store(AtomicId atomic, std::uint64_t value, Order order, Where where) {
  const int site = enter(Operation::store, where, order, {}, {atomic.address, nullptr, true});
  Location& location = locate(atomic);
  const int thread = scheduler_.running();
  const Order effect = effective(site, order);
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  Candidates candidates;
  memory_.writable(thread, location, effect, scheduler_.self().reorderings > 0, candidates);
  const StoreId after = choose(location, candidates);
  account_placing(location, after);
  const bool newest = after == location.newest;
  note_write(index_of(location));
  memory_.write(thread, location, after, value, effect, scheduler_.steps());
  if (recorder_.on()) {
    recorder_.step(scheduler_.steps(), thread, sites_[site],
                   std::string("store ") + to_string(effect) + ' ' +
                       Recorder::name(location, index_of(location)) + ": " +
                       Recorder::value(value) +
                       (newest ? "" : ", overwritten already by a newer store"));
  }
}

std::uint64_t Engine::update(AtomicId atomic, Operation operation, std::uint64_t operand,
                             std::uint64_t mask, Order order, Where where) {
  const int site = enter(operation, where, order, {}, {atomic.address, nullptr, true});
  Location& location = locate(atomic);
  const int thread = scheduler_.running();
  const Order effect = effective(site, order);
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  Candidates candidates;
  memory_.updatable(thread, location, effect, scheduler_.self().reorderings > 0, candidates);
  const StoreId from = choose(location, candidates);
  account_placing(location, from);
  const std::uint64_t old = memory_.store(from).value;
  const std::uint64_t value = apply(operation, old, operand) & mask;
  if (recorder_.on()) {
    recorder_.step(scheduler_.steps(), thread, sites_[site],
                   std::string(to_string(operation)) + ' ' + to_string(effect) + ' ' +
                       Recorder::name(location, index_of(location)) + ": " + Recorder::value(old) +
                       " -> " + Recorder::value(value) + ", read " +
                       Recorder::origin(memory_.store(from)));
  }
  note_write(index_of(location));
  memory_.update(thread, location, from, value, effect, scheduler_.steps());
  return old;
}

bool Engine::compare_exchange(AtomicId atomic, Operation operation, std::uint64_t& expected,
                              std::uint64_t desired, Order order, Order failure, Where where) {
  const int site = enter(operation, where, order, failure, {atomic.address, nullptr, true});
  Location& location = locate(atomic);
  const int thread = scheduler_.running();
  ModelThread& self = scheduler_.self();
  const Order effect = effective(site, order);
  const Order failure_effect = effective_failure(site, failure);
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);

  // First the stores on which it succeeds, then those on which it fails.
  Candidates all;
  Candidates some;
  memory_.updatable(thread, location, effect, self.reorderings > 0, some);
  for (int i = 0; i < some.count; ++i) {
    if (memory_.store(some.stores[i]).value == expected) all.add(some.stores[i]);
  }
  const int successes = all.count;
  all.overflow = some.overflow;
  some = Candidates();
  memory_.readable(thread, location, failure_effect, self.stale_rereads > 0, some);
  const bool weak = operation == Operation::compare_exchange_weak && self.weak_failures > 0;
  for (int i = 0; i < some.count; ++i) {
    if (memory_.store(some.stores[i]).value != expected || weak) all.add(some.stores[i]);
  }
  all.overflow = all.overflow || some.overflow;
  all.unconstructed = some.unconstructed;
  // A stale store of the expected value which another thread's update follows lets it neither
  // succeed nor fail; the newest store always lets it do one of the two.
  const int choice =
      all.count > 1 && !all.overflow && !all.unconstructed ? trail_.choose(all.count) : 0;
  if (all.count > 1) all.stores[0] = all.stores[choice];
  all.count = 1;
  const StoreId store = choose(location, all);
  const bool success = choice < successes;
  const std::uint64_t seen = memory_.store(store).value;
  if (recorder_.on()) {
    recorder_.step(
        scheduler_.steps(), thread, sites_[site],
        std::string(to_string(operation)) + ' ' + to_string(success ? effect : failure_effect) +
            ' ' + Recorder::name(location, index_of(location)) + ": " +
            (success ? Recorder::value(seen) + " -> " + Recorder::value(desired)
                     : "fails, " + Recorder::value(seen) + " not " + Recorder::value(expected)) +
            ", read " + Recorder::origin(memory_.store(store)) +
            (success || store == location.newest ? "" : " (stale)"));
  }
  if (success) {
    account_placing(location, store);
    note_write(index_of(location));
    memory_.update(thread, location, store, desired, effect, scheduler_.steps());
    return true;
  }
  if (seen == expected) {
    --self.weak_failures;
    ++scheduler_.uses().weak_failures;
  }
  account_reading(location, store);
  expected = memory_.read(thread, location, store, failure_effect);
  return false;
}

void Engine::fence(Order order, Where where) {
  const int site = enter(Operation::fence, where, order, {}, {});
  const Order effect = effective(site, order);
  if (memory_.full()) scheduler_.abandon(Scheduler::Ending::truncated);
  memory_.fence(scheduler_.running(), effect);
  if (recorder_.on()) {
    recorder_.step(scheduler_.steps(), scheduler_.running(), sites_[site],
                   std::string("fence ") + to_string(effect));
  }
}

void Engine::plain_access(const void* address, const char* name, PlainAccess access) {
  const int thread = scheduler_.running();
  ShadowTable::Shadow* shadow = shadows_.find(address);
  if (shadow == nullptr) scheduler_.abandon(Scheduler::Ending::truncated);
  const std::uint16_t clock = memory_.tick(thread);
  const ClockVector known =
      access == PlainAccess::destroy ? known_to_destroyer() : memory_.clocks(thread);
  const bool writes = access != PlainAccess::read;
  if (!shadow->writes.all_known_to(known) || (writes && !shadow->reads.all_known_to(known))) {
    constexpr const char* kNames[] = {"read", "write", "destruction"};
    scheduler_.fail("data race: a %s of %s by %s is not ordered with another thread's access",
                    kNames[static_cast<int>(access)], name, Recorder::who(thread).c_str());
  }
  (writes ? shadow->writes : shadow->reads).set(thread, clock);
}

void Engine::start_thread(void (*entry)(void*), void* argument) {
  memory_.fork(kMain, scheduler_.add(entry, argument));
}

void Engine::run_threads() {
  scheduler_.run();
  for (int i = 1; i < scheduler_.threads(); ++i) {
    if (scheduler_.thread(i).state == ModelThread::State::finished) memory_.join(kMain, i);
  }
}

}  // namespace takt::model
