// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/recorder.h"

#include <cinttypes>
#include <cstdio>

namespace takt::model {

std::string Recorder::who(int thread) {
  return thread == kMain ? "main" : 'T' + std::to_string(thread);
}

void Recorder::step(std::uint32_t step, int thread, const Site& site, const std::string& what) {
  char head[128];
  char place[96];
  std::snprintf(place, sizeof place, "%s:%d", site.file, site.line);
  std::snprintf(head, sizeof head, "%5" PRIu32 "  %-4s  %-36s  ", step, who(thread).c_str(), place);
  text_ += head + what + '\n';
}

void Recorder::event(std::uint32_t step, int thread, const std::string& what) {
  char head[128];
  std::snprintf(head, sizeof head, "%5" PRIu32 "  %-4s  %-36s  ", step, who(thread).c_str(), "");
  text_ += head + what + '\n';
}

std::string Recorder::name(const Location& location, int index) {
  return location.name != nullptr ? location.name : '#' + std::to_string(index);
}

std::string Recorder::value(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10'000 ? "%" PRIu64 : "0x%" PRIx64, value);
  return text;
}

std::string Recorder::origin(const Store& store) {
  if (store.previous == 0) return "its first value";
  return who(store.thread) + "'s of step " + std::to_string(store.step);
}

}  // namespace takt::model
