// SPDX-License-Identifier: Apache-2.0
// monitor/family_list.h, published_count.h: what is counted or linked is complete; of a family each
// entry is visited once, and all that the visitor was told of.
#include "takt/monitor/family_list.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

struct Entry {
  Variable<int> family = -1;
  bool first_of_name = false;
  detail::BasicPublishedCount<ModelEnv> next;
};

/// A registry, as Metrics::add_entry() fills it.
struct Registry {
  void add(int family) {
    Entry* last = nullptr;
    for (Entry& entry : list.taken()) {
      if (entry.family.get() == family) last = &entry;
    }
    Entry* const entry = list.vacant();
    require(entry != nullptr, "there is room");
    entry->family.set(family);
    entry->first_of_name = last == nullptr;
    list.append(last);
  }

  /// Visits all; requires that they are complete, and each there once. How many there were.
  std::uint32_t visit() const {
    const std::uint32_t told = list.size();
    std::uint32_t visited = 0;
    std::uint32_t seen = 0;
    int family = -1;
    list.for_each([&](const Entry& entry) {
      const auto bit = std::uint32_t{1} << (&entry - entries);
      require((seen & bit) == 0, "each once");
      seen |= bit;
      require(entry.first_of_name || entry.family.get() == family, "families are not torn apart");
      family = entry.family.get();
      ++visited;
    });
    require(visited >= told, "all that the visitor was told of");
    return visited;
  }

  Entry entries[4];
  detail::BasicFamilyList<Entry, ModelEnv> list{entries};
};

void one_family_grows() {
  Registry registry;
  registry.add(1);
  concurrently([&] { registry.add(1), registry.add(1); },
               [&] { static_cast<void>(registry.visit()); });
  require(registry.visit() == 3, "all are there in the end");
}

void two_families() {
  Registry registry;
  concurrently([&] { registry.add(1), registry.add(2), registry.add(1); },
               [&] { static_cast<void>(registry.visit()); });
  require(registry.visit() == 3, "all are there in the end");
}

void two_visitors() {
  Registry registry;
  registry.add(1);
  const auto visit = [&] { static_cast<void>(registry.visit()); };
  concurrently([&] { registry.add(2), registry.add(1); }, visit, visit);
}

// Sampler::take_sample(): entry by entry, by the count alone.
void what_is_counted_is_complete() {
  Registry registry;
  concurrently([&] { registry.add(1), registry.add(2); },
               [&] {
                 const std::uint32_t count = registry.list.size();
                 for (std::uint32_t number = 0; number < count; ++number) {
                   require(registry.list[number].family.get() == static_cast<int>(number) + 1,
                           "it is there");
                 }
               });
  require(registry.list.size() == 2 && registry.list.capacity() == 4, "two of four");
}

void who_adds_stops_inside() {
  Registry registry;
  registry.add(1);
  concurrently([&] { registry.add(1), registry.add(2); },
               [&] { static_cast<void>(registry.visit()); });
}

const Model kModels[] = {
    {"family: one family grows", one_family_grows, {}, 1'990},
    {"family: two families", two_families, {}, 1'380},
    {"family: two visitors", two_visitors, {.preemptions = 2}, 7'100},
    {"family: what is counted is complete", what_is_counted_is_complete, {}, 12},
    {"family: who adds stops inside",
     who_adds_stops_inside,
     {.preemptions = 3, .freezes = 1, .freezable = 1},
     740},
};

const ModelSet kSet(kModels, {"monitor/family_list.h", "monitor/published_count.h"});

}  // namespace
}  // namespace takt::model
