// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <string_view>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/figures.h"
#include "takt/boards/run/interrupt.h"
#include "takt/boards/run/json_reader.h"
#include "takt/boards/run/metrics_file.h"
#include "takt/boards/run/options.h"
#include "takt/boards/run/output_file.h"
#include "takt/boards/run/plan.h"
#include "takt/boards/run/program.h"
#include "takt/boards/run/quickstart.h"
#include "takt/boards/run/report.h"
#include "takt/boards/run/runner.h"
#include "takt/boards/run/trace_file.h"
#include "takt/boards/run/workload.h"
#include "takt/boards/run/workload_reader.h"
#include "takt/executor/executor.h"
#include "takt/platform/check.h"
#include "takt/platform/duration_text.h"
#include "takt/platform/file_writer.h"
#include "takt/platform/text.h"
#include "takt/platform/this_thread.h"
#include "takt/platform/topology.h"

namespace takt::run {
namespace {

using namespace std::chrono_literals;

constexpr int kWrongInput = 2;

constexpr ExecutorLimits traced(ExecutorLimits limits) noexcept {
  limits.events_per_worker = TraceFile::kEvents;
  return limits;
}

// All memory is static: what a file may hold is known in advance.
StaticJsonReader<16384, std::size_t{256} * 1024> json_reader;
Workload workload;
Plan plan;
Diagnostics diagnostics;
RunFigures figures;
Runner runner(workload, plan);
// Used is one of them; the other one is no more than addresses.
StaticExecutor<Runner::kLimits> plain_executor;
StaticExecutor<traced(Runner::kLimits)> traced_executor;
MetricsFile metrics;
char file_text[std::size_t{1024} * 1024];
char report_text[std::size_t{256} * 1024];

int report_wrong(const Status& status) noexcept {
  static_cast<void>(report(status));
  return kWrongInput;
}

// Beside the result: where nobody listens, nothing is lost.
void print(int descriptor, std::string_view text) noexcept {
  static_cast<void>(platform::write_all(descriptor, text).ok());
}

/// What the user has asked for.
Status print_result(int descriptor, std::string_view text) noexcept {
  const Status status = platform::write_all(descriptor, text);
  if (status.ok()) return status;
  return Status::from_errno(status.error_number(), "the report cannot be written");
}

Result<std::string_view> read_text(int descriptor) noexcept {
  std::size_t length = 0;
  while (length < sizeof file_text) {
    const ssize_t bytes = ::read(descriptor, file_text + length, sizeof file_text - length);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return Status::from_errno(errno, "cannot be read");
    if (bytes == 0) return std::string_view(file_text, length);
    length += static_cast<std::size_t>(bytes);
  }
  return Status(StatusCode::resource_exhausted, "a task set is at most 1 MiB long");
}

std::string_view name_of_input(const char* file) noexcept {
  if (file == nullptr) return kQuickstartFile;
  return std::string_view(file) == "-" ? "stdin" : file;
}

Result<std::string_view> read_input(const char* file) noexcept {
  if (file == nullptr) return kQuickstart;
  if (std::string_view(file) == "-") return read_text(STDIN_FILENO);
  const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Status::from_errno(errno, "cannot be opened");
  Result<std::string_view> text = read_text(descriptor);
  ::close(descriptor);
  return text;
}

/// Prints what is wrong with the input, or what is ignored in it. False: it is wrong.
bool read_workload(std::string_view text, const CpuSet& cpus, std::string_view file) noexcept {
  const JsonNode* document = json_reader.read(text, diagnostics);
  const bool ok = document != nullptr && WorkloadReader(workload, diagnostics).read(*document) &&
                  make_plan(workload, cpus, plan, diagnostics);
  TextWriter out(report_text, sizeof report_text);
  if (ok) {
    diagnostics.write_notices(file, out);
  } else {
    diagnostics.write_errors(file, out);
  }
  print(STDERR_FILENO, out.view());
  return ok;
}

void announce(std::string_view file) noexcept {
  Text<512> line;
  line << "takt run: " << file << ": ";
  write_count(plan.task_count, "task", line);
  line << ", of which " << plan.periodic_count() << " periodic, on ";
  write_count(plan.worker_count(), "worker", line);
  line << ' ';
  if (workload.duration > Duration::zero()) {
    line << "for ";
    write_duration(line, workload.duration, " ");
  } else {
    line << "until " << (plan.periodic_count() == 0 ? "all have ended, or " : "") << "Ctrl-C";
  }
  line << '\n';
  print(STDERR_FILENO, line.view());
}

void advise() noexcept {
  runner.read_refusals(figures);
  char program[1024];
  const ssize_t length = ::readlink("/proc/self/exe", program, sizeof program);
  TextWriter out(report_text, sizeof report_text);
  write_advice(figures, {program, static_cast<std::size_t>(std::max<ssize_t>(length, 0))}, out);
  print(STDERR_FILENO, out.view());
}

void write_progress(bool last) noexcept {
  const Runner::Progress progress = runner.progress();
  Text<160> line;
  line << "\r\x1b[K";  // back to the line's beginning, and empty it
  if (!last) {
    line << progress.elapsed / 1s << " s";
    if (workload.duration > Duration::zero()) {
      line << " of ";
      write_duration(line, workload.duration, " ");
    }
    line << ": " << progress.releases << " releases, " << progress.deadline_misses
         << " deadlines missed, " << progress.overruns << " overruns";
  }
  print(STDERR_FILENO, line.view());
}

/// Waits for the end of the run; true when a signal brought it.
bool wait_for_end(Interrupt& interrupt, TraceFile& trace) noexcept {
  const bool on_terminal = ::isatty(STDERR_FILENO) == 1;
  const bool looks = on_terminal || metrics.is_open() || trace.is_open();
  const TimePoint end = workload.duration > Duration::zero()
                            ? saturating_add(runner.epoch(), workload.duration)
                            : kNever;
  for (;;) {
    if (on_terminal) write_progress(false);
    if (metrics.is_open()) metrics.update(now());
    if (trace.is_open()) trace.update();
    const TimePoint next = looks ? std::min(end, deadline_after(TraceFile::kPeriod)) : end;
    const Interrupt::Event event = interrupt.wait_until(next, runner.all_ended_descriptor());
    if (event == Interrupt::Event::deadline && next != end) continue;
    if (on_terminal) write_progress(true);
    return event == Interrupt::Event::interrupted;
  }
}

bool is_standard_output(const char* json_file) noexcept {
  return json_file != nullptr && std::string_view(json_file) == "-";
}

// The file first: a closed pipe behind the tables kills the process.
Status write_report(const Options& options, OutputFile& json) noexcept {
  TextWriter out(report_text, sizeof report_text);
  Status status;
  if (options.json_file != nullptr) {
    write_json(figures, out);
    TAKT_CHECK(!out.truncated(), "the report's memory is too small for its figures");
    status = json.write(out.view());
    out.clear();
  }
  write_tables(figures, out);
  const bool beside_json = is_standard_output(options.json_file);
  const Status tables = print_result(beside_json ? STDERR_FILENO : STDOUT_FILENO, out.view());
  return status.ok() ? tables : status;
}

/// Ends what was written during the run; says what a trace lacks.
Status finish_files(TraceFile& trace) noexcept {
  Status status;
  if (metrics.is_open()) status = metrics.finish(now());
  if (!trace.is_open()) return status;
  const Status ended = trace.finish();
  if (trace.lost() != 0) {
    Text<160> line;
    line << "takt run: --trace: " << trace.lost()
         << " events were overwritten before they were read; the trace shows where\n";
    print(STDERR_FILENO, line.view());
  }
  return status.ok() ? ended : status;
}

int execute(const Options& options, std::string_view file, const CpuSet& cpus, OutputFile& json,
            TraceFile& trace) noexcept {
  Interrupt interrupt;
  if (Status status = interrupt.open(); !status.ok()) return report(status);
  announce(file);
  figures.file = file;
  figures.diagnostics = &diagnostics;
  figures.cpus = cpus;
  figures.requested = workload.duration;
  Status started = trace.is_open() ? runner.start(traced_executor) : runner.start(plain_executor);
  if (started.ok() && metrics.is_open()) started = runner.observe(metrics.sampler());
  if (started.ok()) {
    advise();
    figures.interrupted = wait_for_end(interrupt, trace);
  }
  runner.finish(figures);
  const Status stopped = runner.stop(2s, figures);
  const Status filed = started.ok() ? finish_files(trace) : Status();
  const Status written = started.ok() ? write_report(options, json) : Status();
  const bool failed = (report(started) | report(stopped) | report(filed) | report(written)) != 0;
  if (!stopped.ok()) ::_exit(1);  // a stuck worker: no destructor may pull its memory away
  const bool held = figures.deadline_misses() == 0 && figures.overruns() == 0;
  if (options.strict && !held) {
    Text<160> line;
    line << "takt run: --strict: deadlines missed: " << figures.deadline_misses()
         << ", overruns: " << figures.overruns() << ": exit status 1\n";
    print(STDERR_FILENO, line.view());
  }
  return failed || (options.strict && !held) ? 1 : 0;
}

/// Before the run, which a refused path shall not cost anybody. 0, or the exit status.
int open_files(const Options& options, OutputFile& json, TraceFile& trace) noexcept {
  const auto refused = [](std::string_view option, const Status& status) {
    if (status.ok()) return 0;
    Text<Status::kTextBytes> what;
    what << option << ' ' << status.text();
    return report_wrong({status.code(), what.view(), status.error_number()});
  };
  int wrong = 0;
  if (options.json_file != nullptr) wrong = refused("--json", json.open(options.json_file));
  if (wrong == 0 && options.metrics_file != nullptr) {
    wrong = refused("--metrics", metrics.open(options.metrics_file));
  }
  if (wrong == 0 && options.trace_file != nullptr) {
    wrong = refused("--trace", trace.open(options.trace_file));
  }
  return wrong;
}

/// 0 when this machine is the board that it is said to be, and set up like it.
int check_board(const boards::BoardProfile& board) noexcept {
  const Result<platform::Topology> machine = platform::read_topology();
  if (!machine.ok()) return report(machine.status());
  TextWriter out(report_text, sizeof report_text);
  out << "takt run: this machine is not as the profile '" << board.name << "' says:\n";
  if (boards::describe_differences(board, *machine, out)) return 0;
  print(STDERR_FILENO, out.view());
  return 1;
}

}  // namespace

int run_program(std::span<const char* const> arguments) noexcept {
  const Result<Options> options = parse_options(arguments);
  if (!options.ok()) return report_wrong(options.status());
  if (options->help) {
    return report(print_result(STDOUT_FILENO, kUsage));
  }
  const std::string_view file = name_of_input(options->file);
  const Result<std::string_view> text = read_input(options->file);
  if (!text.ok()) {
    Text<Status::kTextBytes> what;
    what << file << ": " << text.status().text();
    return report_wrong({text.code(), what.view(), text.status().error_number()});
  }
  const Result<CpuSet> cpus = platform::affinity();
  if (!cpus.ok()) return report(cpus.status());
  if (!read_workload(*text, *cpus, file)) return kWrongInput;
  if (options->duration > Duration::zero()) workload.duration = options->duration;
  if (options->board != nullptr) {
    if (const int wrong = check_board(*options->board); wrong != 0) return wrong;
  }
  OutputFile json;
  TraceFile trace(traced_executor);
  if (const int wrong = open_files(*options, json, trace); wrong != 0) return wrong;
  return execute(*options, file, *cpus, json, trace);
}

}  // namespace takt::run
