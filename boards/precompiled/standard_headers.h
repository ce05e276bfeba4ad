// SPDX-License-Identifier: Apache-2.0
// What many sources include, precompiled (headers.bzl). Each file still includes what it uses: a
// consumer has no such header.
#ifndef TAKT_BOARDS_PRECOMPILED_STANDARD_HEADERS_H_
#define TAKT_BOARDS_PRECOMPILED_STANDARD_HEADERS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#endif  // TAKT_BOARDS_PRECOMPILED_STANDARD_HEADERS_H_
