// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_RECORDER_H_
#define TAKT_TESTS_MODEL_RECORDER_H_

#include <cstdint>
#include <string>

#include "takt/tests/model/memory.h"
#include "takt/tests/model/site.h"

namespace takt::model {

/// Writes down a replayed execution, a line a step. Off during exploration: it costs nothing there.
class Recorder {
 public:
  bool on() const { return on_; }
  void start() {
    on_ = true;
    text_.clear();
  }
  std::string finish() {
    on_ = false;
    return std::move(text_);
  }

  /// What a step did: `what` is the operation with orders, object and values.
  void step(std::uint32_t step, int thread, const Site& site, const std::string& what);
  /// Something that is no site's doing: a time-out, a freeze.
  void event(std::uint32_t step, int thread, const std::string& what);

  /// "main", "T1", …
  static std::string who(int thread);
  /// "count" or "#3": how the trace calls an object.
  static std::string name(const Location& location, int index);
  static std::string value(std::uint64_t value);
  /// "T2's store of step 7", "the constructor's".
  static std::string origin(const Store& store);

 private:
  bool on_ = false;
  std::string text_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_RECORDER_H_
