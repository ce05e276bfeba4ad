// SPDX-License-Identifier: Apache-2.0
// executor/resource_pool.h: whoever is given the last resource, or told that there is none, may
// destroy the pool while the thread that returned it is still on its way out.
#include "takt/executor/resource_pool.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "takt/tests/model/box.h"
#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Resource = Variable<int>;
using Pool = BasicResourcePool<Resource, 1, ModelEnv>;

Resource make(std::size_t /*number*/) { return Resource(0); }

/// A pool of one resource, and its lease; the first thread returns it.
struct Workshop {
  Workshop() : pool(ResourceCare<Resource>{}, &make), lease(std::move(*pool->try_acquire())) {}

  void give_back() {
    (*lease).set(1);
    lease.reset();
  }
  /// The last who uses the pool.
  void destroy_with(Pool::Lease last) {
    require((*last).get() == 1, "what its last user did");
    last.reset();
    pool.destroy();
  }

  Box<Pool> pool;
  Pool::Lease lease;
};

void destroyed_by_the_next_user() {
  Workshop shop;
  concurrently([&] { shop.give_back(); },
               [&] { shop.destroy_with(std::move(*shop.pool->acquire())); });
}

void destroyed_when_all_are_retired() {
  Workshop shop;
  shop.lease.fail();
  concurrently([&] { shop.give_back(); },
               [&] {
                 require(!shop.pool->acquire().ok(), "nobody waits for it");
                 shop.pool.destroy();
               });
}

void destroyed_by_who_has_the_retired_one() {
  Workshop shop;
  shop.lease.fail();
  bool mine = false;
  concurrently([&] { shop.give_back(); },
               [&] {
                 auto retired = shop.pool->acquire_retired();
                 mine = retired.ok();
                 if (mine) shop.destroy_with(std::move(*retired));
               });
  if (!mine) shop.pool.destroy();
}

void destroyed_when_it_is_back_in_service() {
  Workshop shop;
  shop.lease.fail();
  shop.lease.reset();
  shop.lease = std::move(*shop.pool->acquire_retired());
  bool mine = false;
  concurrently([&] { shop.give_back(); },
               [&] {
                 auto lease = shop.pool->acquire();
                 mine = lease.ok();
                 if (mine) shop.destroy_with(std::move(*lease));
               });
  if (!mine) shop.pool.destroy();
}

void destroyed_by_who_retires_it_again() {
  Workshop shop;
  shop.lease.fail();
  shop.lease.reset();
  shop.lease = std::move(*shop.pool->acquire_retired());
  shop.lease.fail();
  bool mine = false;
  concurrently([&] { shop.give_back(); },
               [&] {
                 auto retired = shop.pool->acquire_retired();
                 mine = retired.ok();
                 if (mine) shop.destroy_with(std::move(*retired));
               });
  if (!mine) shop.pool.destroy();
}

const Model kModels[] = {
    {"pool: destroyed by the next user", destroyed_by_the_next_user, {.preemptions = 3}, 660},
    {"pool: destroyed when all are retired",
     destroyed_when_all_are_retired,
     {.preemptions = 3},
     3'500},
    {"pool: destroyed by who has the retired one",
     destroyed_by_who_has_the_retired_one,
     {.preemptions = 3},
     410},
    {"pool: destroyed when it is back in service",
     destroyed_when_it_is_back_in_service,
     {.preemptions = 3},
     980},
    {"pool: destroyed by who retires it again",
     destroyed_by_who_retires_it_again,
     {.preemptions = 3},
     19},
};

// No sources: what the pool is besides is shown by tests/executor/resource_pool_test.cc.
const ModelSet kSet(kModels, {});

}  // namespace
}  // namespace takt::model
