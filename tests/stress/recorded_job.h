// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_STRESS_RECORDED_JOB_H_
#define TAKT_TESTS_STRESS_RECORDED_JOB_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace takt::test {

/// What happened to one callable.
struct Record {
  std::atomic<std::uint32_t> runs{0};
  std::atomic<std::uint32_t> ends{0};
};

/// A callable's part that records its calls and its one destruction.
class RecordedJob {
 public:
  explicit RecordedJob(Record& record) noexcept : record_(&record) {}
  RecordedJob(RecordedJob&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  RecordedJob(const RecordedJob&) = delete;
  RecordedJob& operator=(const RecordedJob&) = delete;
  ~RecordedJob() {
    if (record_ == nullptr) return;
    record_->ends.fetch_add(1);
    ++ended_here;
  }
  void run() noexcept { record_->runs.fetch_add(1); }

  /// Of any record, by the calling thread.
  static inline thread_local std::uint64_t ended_here = 0;

 private:
  Record* record_;
};

}  // namespace takt::test

#endif  // TAKT_TESTS_STRESS_RECORDED_JOB_H_
