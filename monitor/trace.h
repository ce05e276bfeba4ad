// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_TRACE_H_
#define TAKT_MONITOR_TRACE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "takt/executor/stats.h"
#include "takt/monitor/executor_view.h"
#include "takt/platform/check.h"
#include "takt/platform/status.h"
#include "takt/platform/text.h"
#include "takt/platform/time.h"

// What the workers' event rings hold, as Chrome's trace events, which ui.perfetto.dev and
// chrome://tracing open:
//
//   a worker          a track (pid 1, tid its number + 1), with its name
//   a job             a slice (B, E) from start to end, under the task's name, or "job"; its
//                     number, how late it began and how it ended. One that still runs has no end
//   a sleep, a pause  a slice (B, E), "asleep", "paused": between two jobs, never over one
//   release, miss, …  an instant (i)
//   a task's times    a counter (C) with its release jitter and response time, in microseconds
//   lost events       an instant (i) on the track and a counter; their sum in the document's end
//
// A document comes in pieces:
//
//             first next()               finish()
//   [begin] ---------------> [events] ---------------> [ended]
//                             |    ^
//                             '----' next(): what the workers have noted since
//
// Times are those of the monotonic clock, in microseconds. Of a job whose start is lost the end is
// an instant; a slice whose end may be lost ends, as "lost", with the next event that is not.

namespace takt::inline v0 {

namespace detail {

/// Where a trace stands with one worker.
struct TraceTrack {
  std::optional<EventReader> reader;
  std::uint64_t lost = 0;            // of reader's, what the document says already
  std::uint32_t budget = 0;          // events that this round may still take
  std::optional<WorkerEvent> open;   // a start, park or pause whose end has not come
  std::optional<TimePoint> release;  // of the job that `open` began, or that begins next
};

}  // namespace detail

/// Makes a trace of an executor's event rings (ExecutorLimits::events_per_worker). The memory is a
/// StaticTrace's. Callable from: the owner, in any thread, while the executor runs or afterwards;
/// the workers know nothing of it. Start the executor first: a worker's track begins with the first
/// next() that finds the worker, and with the oldest event that is still there.
class Trace {
 public:
  /// The least size of a piece's buffer.
  static constexpr std::size_t kMinBuffer = 2048;

  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// The next piece of the document, in `buffer` (kMinBuffer at least, else aborts). Empty: nothing
  /// was noted since, or each worker's share of a round was taken, its ring's length: so a loop
  /// until then ends also when workers note faster than it reads. Not after finish().
  /// Blocks: no. Bound: O(buffer). The bytes are valid as long as the buffer.
  std::string_view next(std::span<char> buffer) noexcept;

  /// The end of the document: how many events it has, and how many were lost. Called once, with
  /// kMinBuffer at least. Blocks: no.
  std::string_view finish(std::span<char> buffer) noexcept;

  /// Writes what next() gives, until it is empty, to a descriptor; with finish_to() the end.
  /// Blocks: as write(2). Errors: those of write(2); the document is broken then.
  Status write_to(int descriptor, std::span<char> buffer) noexcept;
  Status finish_to(int descriptor, std::span<char> buffer) noexcept;

  /// Events that the document has so far, and events that were overwritten before they were read.
  std::uint64_t events() const noexcept { return events_; }
  std::uint64_t lost() const noexcept { return lost_; }
  /// Workers beyond this trace's capacity, which have no track.
  std::uint32_t workers_without_track() const noexcept;

 protected:
  Trace(const ExecutorView& executor, std::span<detail::TraceTrack> tracks,
        const char* process) noexcept
      : executor_(executor), tracks_(tracks), process_(process) {}
  ~Trace() = default;

 private:
  using Track = detail::TraceTrack;

  void begin(TextWriter& out) noexcept;
  void begin_round() noexcept;
  std::uint32_t tracks_wanted() const noexcept;
  /// Gives a track to the next worker that has none.
  void join(TextWriter& out) noexcept;
  /// Takes one event of the track; false: there is none now.
  bool take(std::uint32_t worker, TextWriter& out) noexcept;
  void write_event(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept;
  void write_loss(std::uint32_t worker, const WorkerEvent& next, TextWriter& out) noexcept;
  void open_slice(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept;
  /// Ends the track's slice, if there is one, at the time of `event`.
  void close_slice(std::uint32_t worker, const WorkerEvent& event, std::string_view how,
                   TextWriter& out) noexcept;
  void write_end(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept;
  void write_times(const Track& track, const WorkerEvent& end, TextWriter& out) const noexcept;
  void write_instant(std::uint32_t worker, std::string_view what, const WorkerEvent& event,
                     TextWriter& out) const noexcept;
  void write_number(const WorkerEvent& event, TextWriter& out) const noexcept;
  std::string_view name_of(const WorkerEvent& event) const noexcept;

  ExecutorView executor_;
  std::span<Track> tracks_;
  const char* process_;
  std::uint32_t joined_ = 0;  // tracks in use
  std::uint32_t turn_ = 0;    // whose events come now; joined_: nobody's in this round
  bool round_over_ = false;   // and the next piece, which is empty, has to say so
  bool begun_ = false;
  bool ended_ = false;
  std::uint64_t events_ = 0;
  std::uint64_t lost_ = 0;
};

/// A Trace with room for `Workers` workers.
template <std::uint32_t Workers>
class StaticTrace final : public Trace {
  static_assert(Workers >= 1, "Trace: at least one worker");

 public:
  /// `process` names the tracks' group, by its first 64 bytes, and outlives this. Blocks: no.
  explicit StaticTrace(const ExecutorView& view, const char* process = "takt") noexcept
      : Trace(view, tracks_, process) {}

 private:
  std::array<detail::TraceTrack, Workers> tracks_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_TRACE_H_
