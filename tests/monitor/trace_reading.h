// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MONITOR_TRACE_READING_H_
#define TAKT_TESTS_MONITOR_TRACE_READING_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "takt/boards/run/diagnostics.h"
#include "takt/boards/run/json_reader.h"
#include "takt/tests/support/test.h"

namespace takt::test {

/// One record of a trace.
struct TraceRecord {
  std::string phase;
  std::string name;
  std::int64_t track = 0;
  double time = 0;  // microseconds
  const run::JsonNode* node = nullptr;

  const run::JsonNode* argument(std::string_view key) const {
    const run::JsonNode* arguments = node->find("args");
    return arguments == nullptr ? nullptr : arguments->find(key);
  }
};

/// A trace that was read back, by boards/run's own reader of JSON.
class TraceReading {
 public:
  explicit TraceReading(const std::string& text) {
    // The reader tolerates a comma before a closing bracket, JSON does not.
    EXPECT_TRUE(text.find(",\n]") == std::string::npos && text.find(",}") == std::string::npos);
    document = json_.read(text, diagnostics_);
    if (document == nullptr) {
      static char errors[4096];
      TextWriter out(errors, sizeof errors);
      diagnostics_.write_errors("trace", out);
      EXPECT_TRUE(document != nullptr, "%s", errors);
      return;
    }
    const run::JsonNode* events = document->find("traceEvents");
    ASSERT_TRUE(events != nullptr);
    for (const run::JsonNode* node = events->first_child; node != nullptr; node = node->next) {
      TraceRecord record;
      record.node = node;
      record.phase = node->find("ph")->text;
      if (const auto* name = node->find("name")) record.name = name->text;
      if (const auto* track = node->find("tid")) record.track = track->integer;
      if (const auto* time = node->find("ts")) record.time = time->number;
      records.push_back(record);
    }
  }

  /// "B servo", "E", … of one track, in the document's order.
  std::vector<std::string> on_track(std::int64_t track) const {
    std::vector<std::string> lines;
    for (const TraceRecord& record : records) {
      if (record.track == track) {
        lines.push_back(record.name.empty() ? record.phase : record.phase + ' ' + record.name);
      }
    }
    return lines;
  }
  const TraceRecord* find(std::string_view phase, std::string_view name) const {
    for (const TraceRecord& record : records) {
      if (record.phase == phase && record.name == name) return &record;
    }
    return nullptr;
  }
  std::int64_t total(std::string_view name) const {
    return document->find("otherData")->find(name)->integer;
  }

  /// Slices begin and end in turn, one at a time on a track, none before the one ahead of it; only
  /// the last may be without an end. Returns how many slices ended.
  std::size_t check_nesting() const {
    struct Track {
      bool open = false;
      double last = 0;
    };
    std::map<std::int64_t, Track> tracks;
    std::size_t ended = 0;
    for (const TraceRecord& record : records) {
      Track& track = tracks[record.track];
      if (record.phase != "B" && record.phase != "E") continue;
      EXPECT_EQ(track.open, record.phase == "E");
      EXPECT_GE(record.time, track.last);
      track = {.open = record.phase == "B", .last = record.time};
      ended += track.open ? 0U : 1U;
    }
    return ended;
  }

  const run::JsonNode* document = nullptr;
  std::vector<TraceRecord> records;

 private:
  inline static run::StaticJsonReader<400'000, 4'000'000> json_;
  inline static run::Diagnostics diagnostics_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_MONITOR_TRACE_READING_H_
