// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include <algorithm>
#include <cstddef>

#include "takt/boards/run/report.h"
#include "takt/platform/version.h"

namespace takt::run {
namespace {

/// Writes members one after the other, with the commas between them.
class JsonWriter {
 public:
  explicit JsonWriter(TextWriter& out) noexcept : out_(out) {}

  JsonWriter& open(char bracket) noexcept {
    separate();
    out_ << bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& open(std::string_view key, char bracket) noexcept {
    name(key);
    out_ << bracket;
    first_ = true;
    return *this;
  }
  JsonWriter& close(char bracket) noexcept {
    out_ << bracket;
    first_ = false;
    return *this;
  }
  template <std::integral Integer>
  JsonWriter& number(std::string_view key, Integer value) noexcept {
    name(key);
    out_ << value;
    return *this;
  }
  JsonWriter& string(std::string_view key, std::string_view value) noexcept {
    name(key);
    write_json_string(value, out_);
    return *this;
  }
  JsonWriter& boolean(std::string_view key, bool value) noexcept {
    name(key);
    out_ << (value ? "true" : "false");
    return *this;
  }
  /// A new line before the next member, for people who look into the file.
  JsonWriter& line() noexcept {
    separate();
    out_ << "\n ";
    first_ = true;
    return *this;
  }

 private:
  void separate() noexcept {
    if (!first_) out_ << ',';
    first_ = false;
  }
  void name(std::string_view key) noexcept {
    separate();
    write_json_string(key, out_);
    out_ << ':';
  }

  TextWriter& out_;
  bool first_ = true;
};

void write_distribution(std::string_view key, const Distribution& distribution,
                        JsonWriter& json) noexcept {
  json.open(key, '{').number("count", distribution.count);
  json.number("p50", distribution.p50).number("p99", distribution.p99);
  json.number("p99_9", distribution.p999).number("max", distribution.max).close('}');
}

// Integers throughout: nothing is lost by a printed fraction, and no locale matters.
void write_share(std::uint64_t cpu_ns, const RunFigures& figures, JsonWriter& json) noexcept {
  const auto elapsed =
      static_cast<std::uint64_t>(std::max<Duration::rep>(figures.elapsed.count(), 0));
  json.number("cpu_ns", cpu_ns);
  json.number("cpu_share_basis_points", share_in_basis_points(cpu_ns, elapsed));
}

void write_task(const PlannedTask& task, const TaskFigures& held, const RunFigures& figures,
                JsonWriter& json) noexcept {
  json.line().open('{').string("name", task.name);
  json.string("form", to_string(task.form)).boolean("periodic", task.is_periodic());
  json.number("lane", task.lane);
  if (task.is_periodic()) {
    json.number("period_ns", task.period.count()).number("offset_ns", task.offset.count());
    write_distribution("period_deviation_ns", held.period_deviation, json);
  }
  json.number("releases", held.releases).number("completed", held.completed);
  json.number("deadline_misses", held.deadline_misses).number("overruns", held.overruns);
  write_distribution("release_jitter_ns", held.release_jitter, json);
  write_distribution("response_time_ns", held.response_time, json);
  write_share(held.cpu_ns, figures, json);
  json.close('}');
}

void write_worker(const WorkerFigures& worker, const RunFigures& figures,
                  JsonWriter& json) noexcept {
  const ThreadFigures& thread = worker.thread;
  json.line().open('{').string("name", worker.name).number("lane", worker.lane);
  json.number("jobs", worker.jobs);
  write_share(thread.cpu_ns, figures, json);
  json.number("voluntary_switches", thread.voluntary_switches);
  json.number("involuntary_switches", thread.involuntary_switches);
  json.number("minor_faults", thread.minor_faults).number("major_faults", thread.major_faults);
  json.number("stack_used", worker.stack_used).number("stack_bytes", worker.stack_bytes);
  json.number("refused_scheduling", worker.refused_scheduling);
  json.number("refused_affinity", worker.refused_affinity).close('}');
}

void write_lane(const PlannedLane& lane, JsonWriter& json) noexcept {
  Text<64> scheduling;
  scheduling << lane.scheduling;
  Text<256> cpus;
  if (!lane.cpus.empty()) cpus << lane.cpus;
  json.line().open('{').string("name", lane.name).string("scheduling", scheduling.view());
  json.string("cpus", cpus.view()).boolean("dedicated", lane.dedicated);
  json.number("tasks", lane.tasks).number("workers", lane.workers).close('}');
}

void write_notices(const Diagnostics& diagnostics, JsonWriter& json) noexcept {
  json.line().open("notices", '[');
  for (const Diagnostics::Entry& notice : diagnostics.notices()) {
    json.line().open('{').number("line", notice.place.line).number("column", notice.place.column);
    json.string("text", notice.text).close('}');
  }
  json.close(']');
}

}  // namespace

void write_json(const RunFigures& figures, TextWriter& out) noexcept {
  Text<256> cpus;
  cpus << figures.cpus;
  JsonWriter json(out);
  json.open('{').string("schema", "takt-run-1").string("version", kVersion);
  json.string("file", figures.file).string("cpus", cpus.view());
  json.number("requested_ns", figures.requested.count());
  json.number("elapsed_ns", figures.elapsed.count());
  json.boolean("interrupted", figures.interrupted).boolean("degraded", figures.degraded());
  json.boolean("lock_pages", figures.lock_pages);
  json.number("refused_memory_lock", figures.refused_memory_lock);
  json.number("releases", figures.releases());
  json.number("deadline_misses", figures.deadline_misses());
  json.number("overruns", figures.overruns());
  json.line().open("lanes", '[');
  for (const PlannedLane& lane : figures.plan->lanes()) write_lane(lane, json);
  json.close(']').line().open("tasks", '[');
  for (std::size_t i = 0; i < figures.plan->task_count; ++i) {
    write_task(figures.plan->task_storage[i], figures.task_storage[i], figures, json);
  }
  json.close(']').line().open("workers", '[');
  for (const WorkerFigures& worker : figures.workers()) write_worker(worker, figures, json);
  json.close(']');
  write_notices(*figures.diagnostics, json);
  json.close('}');
  out << '\n';
}

void write_json_string(std::string_view text, TextWriter& out) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  out << '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out << '\\' << character;
    } else if (byte < 0x20) {
      out << "\\u00" << kHex[byte >> 4] << kHex[byte & 15];
    } else {
      out << character;
    }
  }
  out << '"';
}

}  // namespace takt::run
