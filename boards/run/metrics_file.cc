// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/metrics_file.h"

#include <algorithm>
#include <string_view>

#include "takt/monitor/exposition.h"
#include "takt/platform/file_writer.h"
#include "takt/platform/result.h"

namespace takt::run {

Status MetricsFile::open(const char* path) noexcept {
  platform::AtomicFile file;
  if (Status status = file.open(path); !status.ok()) return status;
  path_ = path;
  return sampler_.configure({.period = kPeriod, .slow_period = kPeriod});
}

void MetricsFile::update(TimePoint now) noexcept {
  if (now < next_) return;
  next_ = sampler_.step(now);
  const Status status = write();
  if (!status.ok() && !failed_) {
    static_cast<void>(report(status));
    failed_ = true;
  }
}

// The sampler is not due yet; what it sees is the end all the same.
Status MetricsFile::finish(TimePoint now) noexcept {
  next_ = sampler_.step(std::max(now, next_));
  return write();
}

Status MetricsFile::write() noexcept {
  Exposition exposition(text_, ExpositionFormat::prometheus);
  exposition.add(sampler_);
  const Result<std::string_view> text = exposition.finish();
  return text.ok() ? platform::replace_file(path_, *text) : text.status();
}

}  // namespace takt::run
