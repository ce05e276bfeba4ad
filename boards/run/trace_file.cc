// SPDX-License-Identifier: Apache-2.0
#include "takt/boards/run/trace_file.h"

#include <string_view>

namespace takt::run {

Status TraceFile::open(const char* path) noexcept {
  Status status = file_.open(path);
  open_ = status.ok();
  return status;
}

void TraceFile::update() noexcept {
  while (status_.ok()) {
    const std::string_view piece = trace_.next(piece_);
    if (piece.empty()) return;
    status_ = file_.write(piece);
  }
}

Status TraceFile::finish() noexcept {
  update();
  if (status_.ok()) status_ = file_.write(trace_.finish(piece_));
  if (status_.ok()) status_ = file_.commit();
  return status_;
}

}  // namespace takt::run
