// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_MONITOR_ERROR_LOG_H_
#define TAKT_MONITOR_ERROR_LOG_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "takt/executor/stats.h"
#include "takt/monitor/metric.h"
#include "takt/monitor/rate_window.h"
#include "takt/platform/status.h"
#include "takt/platform/text.h"
#include "takt/platform/time.h"
#include "takt/sync/annotations.h"
#include "takt/sync/mpmc_queue.h"
#include "takt/sync/mutex.h"

// The way of an error:
//
//   report()            any thread: into the inbox (an MpmcQueue), or counted where it is full
//      |
//   step(now)           the monitor's thread: from the inbox into
//      |---> the history ring, the kind's count and rate window
//      |---> the rules of its kind: one that comes to its threshold fires
//      '---> the callbacks: listeners, and the recovery of each rule that fired
//
// A rule:
//            errors in the window reach the threshold: fires
//   [armed] -----------------------------------------------> [fired]
//      ^             fewer than the threshold again             |
//      '--------------------------------------------------------'
//   One with threshold 0 fires with each error.

namespace takt::inline v0 {

enum class Severity : std::uint32_t { info, warning, error, critical };
inline constexpr std::uint32_t kSeverities = 4;

/// "info", "warning", "error", "critical". Blocks: no. Callable from: anywhere.
const char* to_string(Severity severity) noexcept;

/// The number of a kind of error, its place in what configure() gets; the user's enumeration.
enum class ErrorKind : std::uint32_t {};

/// What one kind of error is. The name must outlive the log.
struct ErrorKindConfig {
  const char* name = nullptr;
  Severity severity = Severity::error;
  Duration window = std::chrono::minutes(1);  ///< over which its rate is counted
};

/// What a rule asks for. What each means in this daemon is the recovery callback's to say.
enum class RecoveryAction : std::uint32_t {
  note,
  retry,
  reset_device,
  restart_task,
  degrade,
  stop
};

/// "note", "retry", "reset_device", … Blocks: no. Callable from: anywhere.
const char* to_string(RecoveryAction action) noexcept;

/// A line of the recovery table; a kind may have several, for an escalation.
struct RecoveryRule {
  ErrorKind kind{0};
  std::uint32_t threshold = 0;  ///< errors in the kind's window; 0: each error
  RecoveryAction action = RecoveryAction::note;
};

/// One error.
struct ErrorEntry {
  static constexpr std::size_t kTextBytes = 48;

  TimePoint time{};
  ErrorKind kind{0};
  Severity severity = Severity::info;
  std::int32_t code = 0;     ///< an errno or a number of the user's
  std::uint32_t thread = 0;  ///< who reported it, the kernel's id
  std::uint64_t count = 1;   ///< more: so many reports for which the inbox had no room
  char text[kTextBytes] = {};
};

/// Called by step(); `argument` is the user's.
using ErrorListener = void (*)(const ErrorEntry& entry, void* argument) noexcept;
/// Called by step() for each rule that fires, with the error that made it.
using RecoveryCallback = void (*)(const ErrorEntry& entry, RecoveryAction action,
                                  void* argument) noexcept;

/// What became of one kind.
struct ErrorKindFigures {
  const char* name = "";
  Severity severity = Severity::info;
  std::uint64_t reported = 0;    ///< all of them, also those that wait for step()
  std::uint64_t unrecorded = 0;  ///< of these, how many found the inbox full
  std::uint64_t in_window = 0;   ///< in the last window
  Duration window{};
  std::uint64_t recoveries = 0;  ///< how often a rule of it fired
};

namespace detail {

struct ErrorKindState {
  ErrorKindConfig config;
  SharedCounter reported;
  SharedCounter unrecorded;
  std::uint64_t unrecorded_seen = 0;  // by step()
  std::uint64_t recoveries = 0;
  RateWindow window;
};

struct RuleState {
  RecoveryRule rule;
  bool fired = false;
};

}  // namespace detail

/// A record of what went wrong, by kind, and what is done about it. Whoever meets an error reports
/// it and goes on; the monitor's thread takes it from there. The memory is a StaticErrorLog's.
class ErrorLog {
 public:
  /// Reports that wait for step(). Those beyond are counted by kind, without text.
  static constexpr std::size_t kInbox = 64;
  static constexpr std::size_t kListeners = 4;

  ErrorLog(const ErrorLog&) = delete;
  ErrorLog& operator=(const ErrorLog&) = delete;

  // Before all others, in one thread:

  /// Says what kinds there are, and the recovery table. Copied, but for the names. Once.
  /// Blocks: no. Errors: invalid_argument: a kind without a name or with a window under 8 ns, a
  /// rule for a kind that is not there; resource_exhausted: more kinds or rules than there is room
  /// for; failed_precondition: configured already.
  Status configure(std::span<const ErrorKindConfig> kinds,
                   std::span<const RecoveryRule> rules = {}) noexcept;
  /// Has step() call `listener` for each error of at least this severity. Blocks: no. Errors:
  /// resource_exhausted: there are kListeners.
  Status add_listener(ErrorListener listener, void* argument = nullptr,
                      Severity least = Severity::info) noexcept;
  /// Has step() call `callback` for each rule that fires. Blocks: no.
  void set_recovery(RecoveryCallback callback, void* argument = nullptr) noexcept {
    recovery_ = callback;
    recovery_argument_ = argument;
  }

  // Reporting:

  /// Records an error that happened at `time`, which is kept as it is; for the rules one before the
  /// clock's origin is that, and one after the next step() is as late as that. Of the text the
  /// first 47 bytes are kept. A kind that is not there aborts. Blocks: no. Bound: lock-free; once
  /// more for each report that others began meanwhile; no system call but one in a thread's first
  /// report. Callable from: any thread, jobs and callbacks included. False: the inbox is full, the
  /// error is counted without its text.
  bool report_at(TimePoint time, ErrorKind kind, std::string_view text,
                 std::int32_t code = 0) noexcept;
  /// As report_at(), now.
  bool report(ErrorKind kind, std::string_view text, std::int32_t code = 0) noexcept {
    return report_at(now(), kind, text, code);
  }
  /// As report(), with the text and the errno of a Status; nothing when it is ok.
  bool report(ErrorKind kind, const Status& status) noexcept {
    return status.ok() || report(kind, status.text(), status.error_number());
  }

  // The monitor's thread:

  /// Takes what was reported and does about it what the rules say; calls the callbacks. `now` is
  /// the monotonic clock's, or a virtual one's, as the reports' times. Returns how many errors it
  /// took: at most kInbox and one a kind for those that found no room. Blocks: while another thread
  /// reads figures. Bound: O(kInbox * rules) and the callbacks. Callable from: one thread, not from
  /// callbacks.
  std::size_t step(TimePoint now) noexcept;

  // Reading. Blocks: while step() moves an error, a few hundred nanoseconds. Callable from: any
  // thread but jobs that must not wait, callbacks included.

  std::uint32_t kinds() const noexcept { return kind_count_; }
  /// Figures of a kind, which is below kinds(); the rate as of `now`.
  ErrorKindFigures figures(ErrorKind kind, TimePoint now) noexcept;
  /// Copies the newest errors, the newest first. Returns how many. Bound: O(entries).
  std::size_t history(std::span<ErrorEntry> entries) const noexcept;
  /// How many errors step() has taken, of a severity.
  std::uint64_t taken(Severity severity) const noexcept;
  /// Calls `visitor` for what is exposed: takt_errors_total and takt_errors_without_text_total, of
  /// each kind. Blocks: no, takes no lock.
  void visit(MetricVisitor visitor, void* argument) const noexcept;
  /// Appends a line for each kind that ever occurred: "warning i2c: 12, of these 3 in the
  /// last 1 min", where there were any followed by ", recoveries: 2" and ", without text: 1". What
  /// does not fit is cut, as out.truncated() says.
  void write_summary(TextWriter& out, TimePoint now) noexcept;

 protected:
  /// Out of line on purpose: not constant-initialised, a static one stays in .bss.
  ErrorLog(std::span<detail::ErrorKindState> kinds, std::span<detail::RuleState> rules,
           std::span<ErrorEntry> history) noexcept;
  ~ErrorLog() = default;

 private:
  detail::ErrorKindState& kind_of(ErrorKind kind) noexcept;
  void take(const ErrorEntry& entry, TimePoint now) noexcept;
  /// Which rules of the entry's kind fire now; the number of the next one from `from` on, or
  /// rule_count_.
  std::uint32_t next_fired(const ErrorEntry& entry, std::uint32_t from,
                           std::uint64_t in_window) noexcept TAKT_REQUIRES(mutex_);
  /// Arms again the rules whose errors have left the window.
  void rearm(TimePoint now) noexcept TAKT_REQUIRES(mutex_);

  struct Listener {
    ErrorListener call = nullptr;
    void* argument = nullptr;
    Severity least = Severity::info;
  };

  const std::span<detail::ErrorKindState> kind_storage_;
  const std::span<detail::RuleState> rule_storage_;
  const std::span<ErrorEntry> history_storage_;
  std::uint32_t kind_count_ = 0;
  std::uint32_t rule_count_ = 0;
  std::array<Listener, kListeners> listeners_{};
  RecoveryCallback recovery_ = nullptr;
  void* recovery_argument_ = nullptr;
  MpmcQueue<ErrorEntry, kInbox> inbox_;
  mutable Mutex mutex_;  // all below, and what step() writes of kinds and rules
  std::uint64_t taken_ TAKT_GUARDED_BY(mutex_) = 0;
  std::array<std::uint64_t, kSeverities> by_severity_ TAKT_GUARDED_BY(mutex_){};
};

/// An ErrorLog with room for so many kinds of errors, rules and errors to remember.
template <std::size_t Kinds, std::size_t Rules, std::size_t History>
class StaticErrorLog : public ErrorLog {
  static_assert(Kinds >= 1 && Rules >= 1 && History >= 1, "ErrorLog: room for one at least");

 public:
  StaticErrorLog() noexcept : ErrorLog(kinds_, rules_, history_) {}

 private:
  std::array<detail::ErrorKindState, Kinds> kinds_;
  std::array<detail::RuleState, Rules> rules_;
  std::array<ErrorEntry, History> history_;
};

}  // namespace takt::inline v0

#endif  // TAKT_MONITOR_ERROR_LOG_H_
