// SPDX-License-Identifier: Apache-2.0
// What most tests include, precompiled (precompiled_header.bzl). Each file still includes what it
// uses: for clang++ this one is empty.
#ifndef TAKT_TESTS_SUPPORT_STANDARD_HEADERS_H_
#define TAKT_TESTS_SUPPORT_STANDARD_HEADERS_H_

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

#endif  // TAKT_TESTS_SUPPORT_STANDARD_HEADERS_H_
