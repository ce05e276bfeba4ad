// SPDX-License-Identifier: Apache-2.0
// The search: execution after execution, and the replay of one.
#include <cerrno>
#include <charconv>
#include <chrono>
#include <string>

#include "takt/platform/check.h"
#include "takt/tests/model/engine.h"

namespace takt::model {
namespace {

Recorder* recorder_of_process = nullptr;

void record_unwoken(int thread, int result) {
  Recorder& recorder = *recorder_of_process;
  if (!recorder.on()) return;
  const std::uint32_t step = Engine::get().scheduler().steps();
  if (result < 0) return recorder.event(step, thread, "is frozen here for ever");
  recorder.event(step, thread,
                 result == ETIMEDOUT ? "its wait times out"
                 : result == 0       ? "its wait returns, nobody woke it"
                 : result == EINTR   ? "its wait is interrupted (EINTR)"
                                     : "its wait returns EAGAIN, nobody woke it");
}

}  // namespace

Engine Engine::instance_;

Report Engine::explore(const Options& options, void (*body)(void*), void* argument) {
  Report report;
  const auto begin = std::chrono::steady_clock::now();
  trail_.clear();
  written_.reset();
  for (bool more = true; more;) {
    const Scheduler::Ending ending = execute(options, body, argument);
    if (ending == Scheduler::Ending::restart) {
      // A location turned out to be written: what was explored without that lacks its loads.
      report = Report();
      trail_.clear();
      continue;
    }
    tally(report, options, ending);
    more = !report.failed && trail_.advance();
    if (more && report.executions + report.pruned >= options.executions) {
      more = false;
      ++report.truncated;
      report.failed = report.cut = true;
      report.failure = "the search was cut at Options::executions";
    }
  }
  report.choices = trail_.longest();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  report.seconds = took.count();
  if (report.failed && !report.cut) {
    report.replay = schedule();
    report.trace = replay(options, body, argument, report.replay).trace;
  }
  return report;
}

Report Engine::replay(const Options& options, void (*body)(void*), void* argument,
                      std::string_view schedule) {
  Report report;
  TAKT_CHECK(load_schedule(schedule), "not a schedule that the checker printed");
  recorder_.start();
  tally(report, options, execute(options, body, argument));
  report.trace = recorder_.finish();
  report.replay = schedule;
  return report;
}

/// The decisions, and behind '@' the written locations, on which the scheduling points depend.
std::string Engine::schedule() const {
  std::string text = trail_.encode() + '@';
  for (std::size_t i = 0, last = 0; i < written_.size(); ++i) {
    if (!written_[i]) continue;
    text += (text.back() == '@' ? "" : ".") + std::to_string(i - last);
    last = i;
  }
  return text;
}

bool Engine::load_schedule(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || !trail_.decode(text.substr(0, at))) return false;
  written_.reset();
  std::size_t index = 0;
  for (const char* c = text.data() + at + 1; c < text.data() + text.size(); ++c) {
    std::size_t step = 0;
    const auto [end, error] = std::from_chars(c, text.data() + text.size(), step);
    if (error != std::errc() || (index += step) >= written_.size()) return false;
    written_.set(index);
    c = end;
  }
  return true;
}

/// A thread has written the location while others run.
void Engine::note_write(int index) {
  const auto bit = static_cast<std::size_t>(index);
  if (!scheduler_.concurrent() || written_[bit]) return;
  written_.set(bit);
  scheduler_.abandon(Scheduler::Ending::restart);
}

Scheduler::Ending Engine::execute(const Options& options, void (*body)(void*), void* argument) {
  ++generation_;
  recorder_of_process = &recorder_;
  scheduler_.on_unwoken = &record_unwoken;
  memory_.reset(options.strong_seq_cst);
  shadows_.reset();
  trail_.rewind();
  return scheduler_.execute(options, body, argument);
}

void Engine::tally(Report& report, const Options& options, Scheduler::Ending ending) {
  switch (ending) {
    case Scheduler::Ending::complete:
      ++report.executions;
      break;
    case Scheduler::Ending::pruned:
      ++report.pruned;
      break;
    case Scheduler::Ending::restart:
      break;
    case Scheduler::Ending::truncated:
      ++report.truncated;
      report.failed = true;
      report.failure = scheduler_.steps() > options.steps
                           ? "an execution does not end: a livelock, or Options::steps is too small"
                           : "an execution exceeds a capacity of limits.h";
      break;
    case Scheduler::Ending::failed:
      ++report.executions;
      report.failed = true;
      report.failure = scheduler_.failure();
      break;
  }
  const Scheduler::Uses& uses = scheduler_.uses();
  if (scheduler_.steps() > report.depth) report.depth = scheduler_.steps();
  report.spurious_wakes += uses.spurious_wakes;
  report.weak_failures += uses.weak_failures;
  report.stale_reads += uses.stale_reads;
  report.reorderings += uses.reorderings;
  report.timeouts += uses.timeouts;
  report.freezes += uses.freezes;
}

}  // namespace takt::model
