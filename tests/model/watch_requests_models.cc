// SPDX-License-Identifier: Apache-2.0
// monitor/watch_requests.h: no request is lost, of modes the last one counts, and the watchdog sees
// what was done before it was asked.
#include "takt/monitor/watch_requests.h"

#include <cstdint>
#include <optional>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Requests = detail::BasicWatchRequests<ModelEnv>;

void what_was_prepared_for_a_mode() {
  Requests requests;
  Variable<int> prepared(0);
  concurrently(
      [&] {
        prepared.set(1);
        requests.want(WatchMode::normal);
      },
      [&] {
        if (requests.take_mode().has_value()) require(prepared.get() == 1, "is seen with it");
      });
}

// Who has begun with it finds it again with its first glance.
void what_was_prepared_before_it_begins() {
  Requests requests;
  Variable<int> prepared(0);
  concurrently(
      [&] {
        prepared.set(1);
        requests.want(WatchMode::normal);
      },
      [&] {
        const std::optional<WatchMode> mode = requests.wanted_mode();
        if (!mode.has_value()) return;
        require(prepared.get() == 1, "is seen with it");
        require(requests.take_mode() == mode, "it waits on");
        require(!requests.wanted_mode().has_value(), "once");
      });
}

void the_last_mode_counts() {
  Requests requests;
  std::optional<WatchMode> mode;
  const auto glance = [&] {
    if (const std::optional<WatchMode> wanted = requests.take_mode()) mode = wanted;
  };
  concurrently([&] { requests.want(WatchMode::normal), requests.want(WatchMode::degraded); },
               [&] { glance(), glance(); });
  glance();
  require(mode == WatchMode::degraded, "the last one that was wanted");
  require(!requests.take_mode().has_value(), "once");
}

void two_want_a_mode() {
  Requests requests;
  int taken = 0;
  const auto glance = [&] { taken += requests.take_mode().has_value() ? 1 : 0; };
  concurrently([&] { requests.want(WatchMode::normal); },
               [&] { requests.want(WatchMode::degraded); }, [&] { glance(), glance(); });
  glance();
  require(taken >= 1 && taken <= 2, "one of them, or each");
}

void who_was_restarted() {
  Requests requests;
  Variable<int> restarted(0);
  concurrently(
      [&] {
        restarted.set(1);
        requests.reinstate();
      },
      [&] {
        if (requests.take_reinstate()) require(restarted.get() == 1, "is seen restarted");
      });
}

// A second restart while the first one's request is being taken.
void no_restart_is_missed() {
  Requests requests;
  Atomic<std::uint32_t> restarts;
  std::uint32_t seen = 0;
  const auto glance = [&] {
    // relaxed: the request orders it.
    if (requests.take_reinstate()) seen = restarts.load(std::memory_order_relaxed);
  };
  concurrently(
      [&] {
        for (std::uint32_t number = 1; number <= 2; ++number) {
          restarts.store(number, std::memory_order_relaxed);
          requests.reinstate();
        }
      },
      [&] { glance(), glance(); });
  glance();
  require(seen == 2, "the last one is seen");
  require(!requests.take_reinstate(), "and asked for no more");
}

void of_the_past() {
  Requests requests;
  requests.reinstate();
  requests.want(WatchMode::normal);
  requests.forget();
  require(!requests.take_reinstate(), "it is forgotten");
  require(requests.take_mode() == WatchMode::normal, "the mode with which it begins is not");
}

const Model kModels[] = {
    {"requests: what was prepared for a mode", what_was_prepared_for_a_mode, {}, 3},
    {"requests: what was prepared before it begins", what_was_prepared_before_it_begins, {}, 3},
    {"requests: the last mode counts", the_last_mode_counts, {}, 11},
    {"requests: two want a mode", two_want_a_mode, {}, 43},
    {"requests: who was restarted", who_was_restarted, {}, 3},
    {"requests: no restart is missed", no_restart_is_missed, {}, 119},
    {"requests: of the past", of_the_past, {}, 1},
};

const ModelSet kSet(kModels, {"monitor/watch_requests.h"});

}  // namespace
}  // namespace takt::model
