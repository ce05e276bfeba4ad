// SPDX-License-Identifier: Apache-2.0
#include "takt/monitor/trace.h"

#include <algorithm>
#include <cstring>

#include "takt/monitor/json_text.h"
#include "takt/platform/file_writer.h"

namespace takt::inline v0 {
namespace {

// What one event, or one new track, takes at most: a few records of fixed texts and numbers, and
// names of 15 bytes, which escapes make six times as long.
constexpr std::size_t kMostBytes = 1536;
static_assert(kMostBytes < Trace::kMinBuffer);

constexpr std::size_t kProcessBytes = 64;
constexpr std::uint64_t kMicrosecond = 1'000;

void write_microseconds(Duration duration, TextWriter& out) noexcept {
  write_decimal(duration.count(), kMicrosecond, out);
}

/// The beginning of a record; each but the first, the process's name, follows another one.
TextWriter& begin_record(TextWriter& out, std::string_view phase, std::int64_t time_ns) noexcept {
  out << ",\n{\"ph\":\"" << phase << "\",\"pid\":1,\"ts\":";
  write_decimal(time_ns, kMicrosecond, out);
  return out;
}

}  // namespace

std::string_view Trace::next(std::span<char> buffer) noexcept {
  TAKT_CHECK(buffer.size() >= kMinBuffer, "Trace: the buffer is too small for a piece");
  TAKT_CHECK(!ended_, "Trace: next() after finish()");
  if (round_over_) {
    begin_round();
    return {};
  }
  TextWriter out(buffer.data(), buffer.size());
  const auto has_room = [&] { return buffer.size() - out.size() > kMostBytes; };
  if (!begun_) begin(out);
  while (joined_ < tracks_wanted() && has_room()) join(out);
  while (turn_ < joined_ && has_room()) {
    if (!take(turn_, out)) ++turn_;
  }
  if (turn_ == joined_ && joined_ >= tracks_wanted()) {
    round_over_ = true;
    if (out.size() == 0) begin_round();
  }
  return out.view();
}

void Trace::begin_round() noexcept {
  round_over_ = false;
  turn_ = 0;
  for (std::uint32_t worker = 0; worker < joined_; ++worker) {
    tracks_[worker].budget = executor_.worker_events(worker).capacity();
  }
}

std::uint32_t Trace::tracks_wanted() const noexcept {
  return std::min(executor_.worker_count(), static_cast<std::uint32_t>(tracks_.size()));
}

void Trace::begin(TextWriter& out) noexcept {
  begun_ = true;
  out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
      << R"({"ph":"M","pid":1,"name":"process_name","args":{"name":)";
  write_json_string(std::string_view(process_, ::strnlen(process_, kProcessBytes)), out);
  out << "}}";
}

void Trace::join(TextWriter& out) noexcept {
  Track& track = tracks_[joined_];
  const EventRing& events = executor_.worker_events(joined_);
  track.reader.emplace(events);
  track.budget = events.capacity();
  out << ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":" << joined_ + 1
      << R"(,"name":"thread_name","args":{"name":)";
  write_json_string(executor_.worker_name(joined_), out);
  out << "}},\n{\"ph\":\"M\",\"pid\":1,\"tid\":" << joined_ + 1
      << R"(,"name":"thread_sort_index","args":{"sort_index":)" << joined_ + 1 << "}}";
  ++joined_;
}

bool Trace::take(std::uint32_t worker, TextWriter& out) noexcept {
  Track& track = tracks_[worker];
  if (track.budget == 0) return false;
  --track.budget;
  const std::optional<WorkerEvent> event = track.reader->next();
  if (!event.has_value()) return false;
  if (track.reader->lost() != track.lost) write_loss(worker, *event, out);
  write_event(worker, *event, out);
  ++events_;
  return true;
}

void Trace::write_event(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept {
  Track& track = tracks_[worker];
  switch (event.kind()) {
    case EventKind::release:
      track.release = event.time();
      return write_instant(worker, "release", event, out);
    case EventKind::start:
    case EventKind::park:
    case EventKind::pause:
      return open_slice(worker, event, out);
    case EventKind::completed:
    case EventKind::failed:
      return write_end(worker, event, out);
    case EventKind::wake:
    case EventKind::resume:
      return close_slice(worker, event, {}, out);
    case EventKind::cancelled:
      return write_instant(worker, "cancelled", event, out);
    case EventKind::deadline_miss:
      return write_instant(worker, "deadline miss", event, out);
    case EventKind::budget_overrun:
      return write_instant(worker, "budget overrun", event, out);
    case EventKind::overrun:
      return write_instant(worker, "overrun", event, out);
  }
  // Of a later version.
  write_instant(worker, "unknown event", event, out);
}

void Trace::write_loss(std::uint32_t worker, const WorkerEvent& next, TextWriter& out) noexcept {
  Track& track = tracks_[worker];
  const std::uint64_t lost = track.reader->lost() - track.lost;
  track.lost += lost;
  lost_ += lost;
  close_slice(worker, next, "lost", out);
  begin_record(out, "i", to_ns(next.time()))
      << ",\"tid\":" << worker + 1 << R"(,"s":"t","cat":"lost","name":")" << lost
      << R"( events lost","args":{"lost":)" << lost << "}}";
  begin_record(out, "C", to_ns(next.time()))
      << R"(,"name":"events lost","args":{"events":)" << lost_ << "}}";
}

void Trace::open_slice(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept {
  Track& track = tracks_[worker];
  track.open = event;
  begin_record(out, "B", to_ns(event.time())) << ",\"tid\":" << worker + 1;
  if (event.kind() != EventKind::start) {
    out << R"(,"cat":"sleep","name":")" << (event.kind() == EventKind::park ? "asleep" : "paused")
        << "\"}";
    return;
  }
  out << R"(,"cat":"job","name":)";
  write_json_string(name_of(event), out);
  out << ",\"args\":{";
  write_number(event, out);
  if (track.release.has_value()) {
    out << ",\"release_jitter_us\":";
    write_microseconds(event.time() - *track.release, out);
  }
  out << "}}";
}

void Trace::close_slice(std::uint32_t worker, const WorkerEvent& event, std::string_view how,
                        TextWriter& out) noexcept {
  Track& track = tracks_[worker];
  if (track.open.has_value()) {
    begin_record(out, "E", to_ns(event.time())) << ",\"tid\":" << worker + 1;
    if (!how.empty()) out << R"(,"args":{"end":")" << how << "\"}";
    out << '}';
  }
  track.open.reset();
  track.release.reset();
}

void Trace::write_end(std::uint32_t worker, const WorkerEvent& event, TextWriter& out) noexcept {
  const std::string_view how = event.kind() == EventKind::completed ? "completed" : "failed";
  const Track& track = tracks_[worker];
  if (!track.open.has_value()) return write_instant(worker, how, event, out);  // its start is lost
  if (event.is_task() && track.release.has_value()) write_times(track, event, out);
  close_slice(worker, event, how, out);
}

// One counter for each task: its name may be another one's too, its number is not.
void Trace::write_times(const Track& track, const WorkerEvent& end,
                        TextWriter& out) const noexcept {
  begin_record(out, "C", to_ns(end.time())) << ",\"id\":\"" << end.number() << "\",\"name\":";
  write_json_string(name_of(end), out);
  out << ",\"args\":{\"release jitter us\":";
  write_microseconds(track.open->time() - *track.release, out);
  out << ",\"response time us\":";
  write_microseconds(end.time() - *track.release, out);
  out << "}}";
}

void Trace::write_instant(std::uint32_t worker, std::string_view what, const WorkerEvent& event,
                          TextWriter& out) const noexcept {
  begin_record(out, "i", to_ns(event.time()))
      << ",\"tid\":" << worker + 1 << R"(,"s":"t","cat":")" << what << R"(","name":)";
  Text<64> name;
  name << what << ' ' << name_of(event);
  write_json_string(name.view(), out);
  out << ",\"args\":{";
  write_number(event, out);
  out << "}}";
}

void Trace::write_number(const WorkerEvent& event, TextWriter& out) const noexcept {
  out << "\"lane\":" << event.lane();
  if (event.is_task()) {
    out << ",\"job\":" << event.index();
  } else {
    out << ",\"slot\":" << event.number() << ",\"use\":" << event.index();
  }
}

std::string_view Trace::name_of(const WorkerEvent& event) const noexcept {
  return event.is_task() && event.number() < executor_.task_count()
             ? executor_.task_name(event.number())
             : "job";
}

std::string_view Trace::finish(std::span<char> buffer) noexcept {
  TAKT_CHECK(buffer.size() >= kMinBuffer, "Trace: the buffer is too small for a piece");
  TAKT_CHECK(!ended_, "Trace: finish() twice");
  TextWriter out(buffer.data(), buffer.size());
  if (!begun_) begin(out);
  ended_ = true;
  // What was lost without an event behind it.
  for (const Track& track : tracks_.first(joined_)) lost_ += track.reader->lost() - track.lost;
  out << "\n],\n\"otherData\":{\"clock\":\"monotonic\",\"events\":" << events_
      << ",\"events_lost\":" << lost_ << ",\"workers_without_track\":" << workers_without_track()
      << "}}\n";
  return out.view();
}

std::uint32_t Trace::workers_without_track() const noexcept {
  const std::uint32_t workers = executor_.worker_count();
  return workers > tracks_.size() ? workers - static_cast<std::uint32_t>(tracks_.size()) : 0;
}

Status Trace::write_to(int descriptor, std::span<char> buffer) noexcept {
  for (;;) {
    const std::string_view piece = next(buffer);
    if (piece.empty()) return {};
    if (Status status = platform::write_all(descriptor, piece); !status.ok()) return status;
  }
}

Status Trace::finish_to(int descriptor, std::span<char> buffer) noexcept {
  return platform::write_all(descriptor, finish(buffer));
}

}  // namespace takt::inline v0
