// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_EXECUTOR_PARALLEL_H_
#define TAKT_EXECUTOR_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "takt/executor/callable.h"
#include "takt/executor/executor.h"
#include "takt/executor/job_handle.h"
#include "takt/executor/lane.h"
#include "takt/platform/result.h"
#include "takt/platform/status.h"

// Loops in chunks. The calling thread works itself; helper jobs of a lane work beside it, each
// takes the next chunk as long as there is one. When none is left, the caller cancels the helpers
// that have not begun and waits for those that run, which end by themselves: so it never waits for
// a worker that is not already at work for it, and a worker of the lane may call it, too.

namespace takt::inline v0 {

/// Called after each chunk by whoever ran it, possibly by several threads at once: how many of all
/// elements are done, at least.
using ProgressHandler = void (*)(std::size_t done, std::size_t all, void* argument) noexcept;

struct ParallelOptions {
  LaneId lane{0};                        ///< whose workers help
  Priority priority = Priority::normal;  ///< of the helper jobs
  std::size_t chunk = 1;                 ///< elements that are taken at a time; 1 or more
  /// Helpers at most; also limited by the lane's workers and free job slots.
  std::uint32_t helpers = Lane::kMaxWorkers;
  ProgressHandler progress = nullptr;
  void* progress_argument = nullptr;
};

namespace detail {

/// The elements from `begin` to `end`, handed out in chunks.
class ChunkRange {
 public:
  ChunkRange(std::size_t begin, std::size_t end, const ParallelOptions& options) noexcept
      : begin_(begin), end_(std::max(begin, end)), options_(options) {}

  std::uint64_t chunks() const noexcept {
    const std::size_t all = end_ - begin_;
    return all / options_.chunk + (all % options_.chunk != 0 ? 1 : 0);
  }

  /// Runs `body(from, to)` for chunks until none is left, or somebody has failed.
  template <class Body>
  void work(Body& body) {
    // relaxed, here and below: numbers are handed out, the jobs' ends hand over the results.
    while (failed_.load(std::memory_order_relaxed) == 0) {
      const std::uint64_t chunk = next_.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks()) return;
      const std::size_t from = begin_ + static_cast<std::size_t>(chunk) * options_.chunk;
      const std::size_t to = end_ - from > options_.chunk ? from + options_.chunk : end_;
      body(from, to);
      const std::uint64_t done =
          done_.fetch_add(to - from, std::memory_order_relaxed) + (to - from);
      if (options_.progress != nullptr) {
        options_.progress(static_cast<std::size_t>(done), end_ - begin_,
                          options_.progress_argument);
      }
    }
  }
  /// No further chunks are begun.
  void fail() noexcept { failed_.store(1, std::memory_order_relaxed); }
  bool failed() const noexcept { return failed_.load(std::memory_order_relaxed) != 0; }

 private:
  const std::size_t begin_;
  const std::size_t end_;
  const ParallelOptions& options_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint32_t> failed_{0};
};

/// The helper jobs of one call. Its destructor ends them.
class HelperJobs {
 public:
  HelperJobs() noexcept = default;
  ~HelperJobs() {
    for (std::uint32_t at = 0; at < count_; ++at) {
      // Bound: a helper that has begun ends with the chunk that it is at.
      if (!jobs_[at].cancel()) static_cast<void>(jobs_[at].sleep_until_over(kNever));
    }
  }
  HelperJobs(const HelperJobs&) = delete;
  HelperJobs& operator=(const HelperJobs&) = delete;

  /// Submits `function(number)` up to `wanted` times, numbers from 1, as far as there is room.
  template <class Function>
  void start(Executor& executor, const ParallelOptions& options, std::uint64_t wanted,
             const Function& function) noexcept {
    const std::uint64_t most = std::min<std::uint64_t>(
        {wanted, options.helpers, executor.worker_count(options.lane), Lane::kMaxWorkers});
    while (count_ < most) {
      auto job = executor.submit([&function, number = count_ + 1] { function(number); },
                                 {.lane = options.lane, .priority = options.priority});
      if (!job.ok()) return;
      jobs_[count_++] = std::move(*job);
    }
  }

 private:
  std::uint32_t count_ = 0;
  JobHandle<void> jobs_[Lane::kMaxWorkers];
};

/// What is wrong with a call; ok otherwise.
inline Status check_parallel(const Executor& executor, const ParallelOptions& options,
                             const char* call) noexcept {
  Text<Status::kTextBytes> text;
  if (options.chunk == 0) {
    text << call << ": a chunk has at least 1 element";
    return {StatusCode::invalid_argument, text.view()};
  }
  if (executor.worker_count(options.lane) == 0 || !executor.running()) {
    text << call << ": the executor does not run, or lane "
         << static_cast<std::uint32_t>(options.lane) << " has no worker";
    return {StatusCode::failed_precondition, text.view()};
  }
  return {};
}

/// Runs `work(number)` on the caller (number 0) and on helpers; ok unless it threw anywhere.
template <class Work>
Status run_parallel(Executor& executor, const ParallelOptions& options, ChunkRange& range,
                    const char* call, const Work& work) noexcept {
  const auto guarded_work = [&](std::uint32_t number) {
    if (!guarded([&] { work(number); })) range.fail();
  };
  {
    HelperJobs helpers;
    if (range.chunks() > 1) helpers.start(executor, options, range.chunks() - 1, guarded_work);
    guarded_work(0);
  }
  if (!range.failed()) return {};
  Text<Status::kTextBytes> text;
  text << call << ": a chunk ended with an exception";
  return {StatusCode::failed, text.view()};
}

}  // namespace detail

/// Calls `body(from, to)` for chunks that together cover the elements from `begin` to `end` - 1,
/// each once, on the calling thread and on workers of a lane. When a chunk throws, no further ones
/// are begun.
/// Blocks: until all are done. Bound: the caller runs every chunk that no worker has begun.
/// Callable from: any thread, jobs of the same lane included. Errors: invalid_argument: a chunk of
/// 0; failed_precondition: the executor does not run; failed: a chunk threw.
template <class Body>
Status parallel_for(Executor& executor, std::size_t begin, std::size_t end, Body&& body,
                    const ParallelOptions& options = {}) noexcept {
  if (Status status = detail::check_parallel(executor, options, "parallel_for"); !status.ok()) {
    return status;
  }
  detail::ChunkRange range(begin, end, options);
  return detail::run_parallel(executor, options, range, "parallel_for",
                              [&](std::uint32_t) { range.work(body); });
}

/// Reduces `map(from, to)`, a T for each chunk, by `reduce(T, T)`, which must be associative and
/// commutative: the chunks come in any order. `initial` is the neutral element: it is reduced once
/// for each thread that helps. T must be copyable without throwing; 32 of them lie on the stack.
/// Blocks, bound, callable from, errors: as parallel_for().
template <class T, class Map, class Reduce>
Result<T> map_reduce(Executor& executor, std::size_t begin, std::size_t end, const T& initial,
                     Map&& map, Reduce&& reduce, const ParallelOptions& options = {}) noexcept {
  static_assert(std::is_nothrow_copy_constructible_v<T> && std::is_nothrow_move_assignable_v<T>,
                "takt: map_reduce copies T and must not throw there");
  if (Status status = detail::check_parallel(executor, options, "map_reduce"); !status.ok()) {
    return status;
  }
  constexpr std::uint32_t kMost = Lane::kMaxWorkers + 1;
  struct alignas(64) Part {
    explicit Part(const T& neutral) noexcept : value(neutral) {}
    T value;
    bool used = false;
  };
  union Parts {
    Parts() noexcept {}
    ~Parts() {}
    Part items[kMost];
  } parts;
  for (Part& part : parts.items) std::construct_at(&part, initial);
  detail::ChunkRange range(begin, end, options);
  const auto add = [&](std::uint32_t number) {
    Part& part = parts.items[number];
    auto chunk = [&](std::size_t from, std::size_t to) {
      part.value = reduce(std::move(part.value), map(from, to));
      part.used = true;
    };
    range.work(chunk);
  };
  Status status = detail::run_parallel(executor, options, range, "map_reduce", add);
  T result = std::move(parts.items[0].value);
  if (status.ok()) {
    const bool reduced = detail::guarded([&] {
      for (std::uint32_t number = 1; number < kMost; ++number) {
        Part& part = parts.items[number];
        if (part.used) result = reduce(std::move(result), std::move(part.value));
      }
    });
    if (!reduced)
      status = Status(StatusCode::failed, "map_reduce: reducing ended with an exception");
  }
  std::destroy_n(parts.items, kMost);
  if (!status.ok()) return status;
  return result;
}

}  // namespace takt::inline v0

#endif  // TAKT_EXECUTOR_PARALLEL_H_
