// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/site_table.h"

#include <cstring>
#include <string_view>

#include "takt/platform/check.h"

namespace takt::model {
namespace {

/// "…/takt/sync/mutex.h" or "…/tests/model/x.cc" from the repository's root on.
const char* from_root(const char* file) {
  const std::string_view path(file);
  if (const auto at = path.rfind("/takt/"); at != path.npos) return file + at + 6;
  if (const auto at = path.rfind("tests/model/"); at != path.npos) return file + at;
  return file;
}

}  // namespace

int SiteTable::search(Where where, Operation operation, std::memory_order order,
                      std::memory_order failure) {
  const char* file = from_root(where.file);
  for (int i = 0; i < count_; ++i) {
    const Site& site = sites_.get()[i];
    if (site.line == where.line && site.operation == operation && site.order == order &&
        site.failure == failure && std::strcmp(site.file, file) == 0) {
      return i;
    }
  }
  TAKT_CHECK(count_ < kMaxSites, "kMaxSites is too small");
  sites_.get()[count_] = {file, where.line, operation, order, failure};
  return count_++;
}

}  // namespace takt::model
