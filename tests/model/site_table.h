// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_SITE_TABLE_H_
#define TAKT_TESTS_MODEL_SITE_TABLE_H_

#include <cstdint>
#include <memory>

#include "takt/tests/model/limits.h"
#include "takt/tests/model/site.h"

namespace takt::model {

/// Every site that any model of this program has executed.
class SiteTable {
 public:
  SiteTable() : sites_(std::make_unique<Site[]>(kMaxSites)) {}

  /// The number of a site, registered on first sight.
  int find(Where where, Operation operation, std::memory_order order, std::memory_order failure) {
    const auto key = reinterpret_cast<std::uintptr_t>(where.file) +
                     31U * static_cast<unsigned>(where.line) + static_cast<unsigned>(operation);
    Cached& cached = cache_[(key ^ key >> 9) % kCacheEntries];
    if (cached.file != where.file || cached.line != where.line || cached.operation != operation ||
        cached.order != order || cached.failure != failure) [[unlikely]] {
      cached = {where.file, where.line, operation,
                order,      failure,    search(where, operation, order, failure)};
    }
    executed_[cached.site] = true;
    return cached.site;
  }

  /// A wake that may wake so many.
  void note_wake(int site, int count) {
    if (count > most_woken_[site]) most_woken_[site] = count;
  }
  int most_woken(int site) const { return most_woken_[site]; }

  /// Forgets which sites were executed, not the sites.
  void start_collecting() {
    for (bool& executed : executed_) executed = false;
  }
  /// Whether `site` was executed since.
  bool executed(int site) const { return executed_[site]; }

  int count() const { return count_; }
  const Site& operator[](int site) const { return sites_.get()[site]; }

 private:
  struct Cached {
    const char* file = nullptr;
    int line = 0;
    Operation operation = Operation::construct;
    std::memory_order order = {};
    std::memory_order failure = {};
    int site = 0;
  };
  static constexpr int kCacheEntries = 512;

  int search(Where where, Operation operation, std::memory_order order, std::memory_order failure);

  Cached cache_[kCacheEntries];
  std::unique_ptr<Site[]> sites_;
  int count_ = 0;
  bool executed_[kMaxSites] = {};
  int most_woken_[kMaxSites] = {};
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_SITE_TABLE_H_
