// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/thread_id.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

#include "takt/platform/check.h"

namespace takt::inline v0::platform {
namespace {

constinit std::atomic<std::uint32_t> fork_count{0};

void on_fork_child() noexcept {
  detail::cached_thread_id = 0;
  // relaxed: the child has one thread, and whatever it starts later sees it through that start.
  fork_count.fetch_add(1, std::memory_order_relaxed);
}

// A constructor function and not a static object, so that it also runs before the static objects
// of this file's users. glibc keeps its first 48 handlers in static storage: nothing is allocated.
[[gnu::constructor(101)]] void register_fork_handler() noexcept {
  TAKT_CHECK(::pthread_atfork(nullptr, nullptr, on_fork_child) == 0,
             "the fork handler could not be registered");
}

}  // namespace

namespace detail {

constinit thread_local std::int32_t cached_thread_id = 0;

std::int32_t read_thread_id() noexcept {
  cached_thread_id = static_cast<std::int32_t>(::gettid());
  return cached_thread_id;
}

}  // namespace detail

std::uint32_t fork_generation() noexcept {
  // relaxed: only on_fork_child writes, before any other thread of that process exists.
  return fork_count.load(std::memory_order_relaxed);
}

}  // namespace takt::inline v0::platform
