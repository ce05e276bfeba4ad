// SPDX-License-Identifier: Apache-2.0
// monitor/reinstatement.h: who was restarted starts over, and is seen restarted; who has expired
// again since does not, whoever asks late.
#include "takt/monitor/reinstatement.h"

#include <cstdint>

#include "takt/tests/model/model.h"
#include "takt/tests/model/model_set.h"

namespace takt::model {
namespace {

using Reinstatement = detail::BasicReinstatement<ModelEnv>;

constexpr TimePoint kFirst = from_ns(16);
constexpr TimePoint kSecond = from_ns(17);

void who_was_restarted() {
  Reinstatement reinstatement;
  Variable<int> restarted(0);
  reinstatement.expire(kFirst);
  concurrently(
      [&] {
        restarted.set(1);
        reinstatement.want(kFirst);
      },
      [&] {
        if (reinstatement.is_wanted()) require(restarted.get() == 1, "is seen restarted");
      });
  require(reinstatement.is_wanted(), "and starts over");
  reinstatement.begin();
  require(!reinstatement.is_wanted(), "once");
}

// Whoever has got the verdict is not too early.
void whoever_was_told() {
  Reinstatement reinstatement;
  Atomic<std::uint32_t> told;
  bool knew = false;
  concurrently(
      [&] {
        reinstatement.expire(kFirst);
        told.store(1, std::memory_order_release);  // release: the verdict
      },
      [&] {
        knew = told.load(std::memory_order_acquire) != 0;  // acquire: as above
        if (knew) reinstatement.want(kFirst);
      });
  require(reinstatement.is_wanted() == knew, "he is heard");
}

// Two have restarted it, one after the other; the watchdog hears the first one, and then it expires
// again.
void one_who_comes_late() {
  Reinstatement reinstatement;
  reinstatement.expire(kFirst);
  concurrently([&] { reinstatement.want(kFirst); }, [&] { reinstatement.want(kFirst); },
               [&] {
                 if (!reinstatement.is_wanted()) return;
                 reinstatement.begin();
                 reinstatement.expire(kSecond);
                 require(!reinstatement.is_wanted(), "this one was not restarted");
               });
}

// Nor does he displace who was in time.
void one_of_the_past() {
  Reinstatement reinstatement;
  reinstatement.expire(kFirst);
  reinstatement.begin();
  reinstatement.want(kFirst);
  require(!reinstatement.is_wanted(), "nobody has expired");
  reinstatement.expire(kSecond);
  concurrently([&] { reinstatement.want(kFirst); }, [&] { reinstatement.want(kSecond); });
  require(reinstatement.is_wanted(), "this one was restarted");
}

const Model kModels[] = {
    {"reinstatement: who was restarted", who_was_restarted, {}, 3},
    {"reinstatement: whoever was told", whoever_was_told, {}, 4},
    {"reinstatement: one who comes late", one_who_comes_late, {}, 20},
    {"reinstatement: one of the past", one_of_the_past, {}, 3},
};

const ModelSet kSet(kModels, {"monitor/reinstatement.h"});

}  // namespace
}  // namespace takt::model
