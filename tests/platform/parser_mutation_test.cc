// SPDX-License-Identifier: Apache-2.0
// Each parser meets 100,000 mutations of a text that it accepts. It may accept or refuse each of
// them; sanitizers and the harness see to it that it does nothing else. Errors must carry a text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "takt/platform/board_sensors.h"
#include "takt/platform/cpu_set.h"
#include "takt/platform/descriptor_count.h"
#include "takt/platform/features.h"
#include "takt/platform/proc_reader.h"
#include "takt/platform/service_manager.h"
#include "takt/tests/platform/directory_entry.h"
#include "takt/tests/platform/proc_samples.h"
#include "takt/tests/support/random.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Status;
using takt::StatusCode;
using takt::test::Random;

constexpr int kMutations = 100'000;

std::size_t below(Random& random, std::size_t bound) {
  return static_cast<std::size_t>(random.below(bound));
}

/// Changes `text` in one of the ways in which files differ from what one expects.
void mutate(std::string& text, Random& random) {
  static constexpr std::string_view kTokens[] = {" ",
                                                 "\n",
                                                 ":",
                                                 "-",
                                                 ",",
                                                 ")",
                                                 "(",
                                                 "0",
                                                 "-1",
                                                 "99999999999999999999",
                                                 "18446744073709551615",
                                                 "kB",
                                                 "\t",
                                                 "0x",
                                                 "(null)",
                                                 std::string_view("\0", 1),
                                                 "\xff"};
  const std::size_t place = text.empty() ? 0 : below(random, text.size());
  switch (random.below(6)) {
    case 0:  // another byte
      if (!text.empty()) text[place] = static_cast<char>(random.below(256));
      break;
    case 1:  // cut short
      text.resize(place);
      break;
    case 2:  // a piece left out
      text.erase(place, below(random, 20) + 1);
      break;
    case 3:  // something that means something put in
      text.insert(place, kTokens[below(random, std::size(kTokens))]);
      break;
    case 4: {  // a piece doubled
      const std::string piece = text.substr(place, below(random, 30));
      text.insert(place, piece);
      break;
    }
    default:  // one bit
      if (!text.empty()) text[place] = static_cast<char>(text[place] ^ (1 << random.below(8)));
      break;
  }
}

/// Three entries of a directory, as the kernel lists them.
const std::string kDirectory = takt::test::directory_entry(".") +
                               takt::test::directory_entry("12") +
                               takt::test::directory_entry("a longer name");

struct ParserCase {
  const char* name;
  std::string_view sample;
  Status (*parse)(std::string_view text);
};

TEST_EACH(
    ParserMutation, is_survived,
    ParserCase{"cpu_set", "0-3,8,10-63,1023\n",
               [](std::string_view text) {
                 const auto cpus = takt::CpuSet::parse(text);
                 if (cpus.ok()) {
                   // What was accepted can be written and read again.
                   takt::Text<6000> written;
                   written << *cpus;
                   const bool readable = !cpus->empty() && *cpus != takt::CpuSet::all();
                   EXPECT_TRUE(!readable || *takt::CpuSet::parse(written.view()) == *cpus);
                 }
                 return cpus.status();
               }},
    ParserCase{
        "stat", takt::test::kStat,
        [](std::string_view text) { return takt::platform::parse_thread_stat(text).status(); }},
    ParserCase{
        "status", takt::test::kStatus,
        [](std::string_view text) { return takt::platform::parse_thread_status(text).status(); }},
    ParserCase{
        "schedstat", takt::test::kSchedulerStat,
        [](std::string_view text) { return takt::platform::parse_scheduler_stat(text).status(); }},
    ParserCase{
        "process_status", takt::test::kStatus,
        [](std::string_view text) { return takt::platform::parse_process_status(text).status(); }},
    ParserCase{
        "cpu_frequency", "1800000\n",
        [](std::string_view text) { return takt::platform::parse_cpu_frequency(text).status(); }},
    ParserCase{
        "temperature", "48312\n",
        [](std::string_view text) { return takt::platform::parse_temperature(text).status(); }},
    ParserCase{
        "thermal_type", "cpu-thermal\n",
        [](std::string_view text) { return takt::platform::parse_thermal_type(text).status(); }},
    ParserCase{"directory", kDirectory,
               [](std::string_view text) {
                 auto entries = std::as_bytes(std::span(text.data(), text.size()));
                 std::string_view name;
                 // Each name lies within the text, a null behind it.
                 while (takt::platform::take_directory_entry(entries, name)) {
                   EXPECT_TRUE(name.data() > text.data());
                   EXPECT_TRUE(name.data() + name.size() < text.data() + text.size());
                   EXPECT_EQ(name.data()[name.size()], '\0');
                 }
                 return entries.empty() ? Status()
                                        : Status(StatusCode::invalid_argument, "an entry");
               }},
    ParserCase{"microseconds", "950000\n",
               [](std::string_view text) {
                 return takt::platform::parse_microseconds("sched_rt_runtime_us", text).status();
               }},
    ParserCase{
        "wait_channel", "futex_wait_queue\n",
        [](std::string_view text) { return takt::platform::parse_wait_channel(text).status(); }},
    ParserCase{"watchdog_environment", "30000000 4711",
               [](std::string_view text) {
                 // One variable of the environment is before the blank, the other one behind it.
                 const std::string both(text);
                 const std::size_t blank = std::min(both.find(' '), both.size());
                 const std::string usec = both.substr(0, blank);
                 const std::string pid = both.substr(std::min(blank + 1, both.size()));
                 takt::Duration timeout{};
                 return takt::platform::parse_watchdog_environment(
                     {.watchdog_usec = usec.c_str(), .watchdog_pid = pid.c_str()}, 4711, timeout);
               }},
    ParserCase{"kernel_release", "6.1.0-28-arm64", [](std::string_view text) {
                 std::uint32_t numbers[2];
                 const bool valid =
                     takt::platform::parse_kernel_release(text, numbers[0], numbers[1]);
                 return valid ? Status() : Status(StatusCode::invalid_argument, "release");
               }}) {
  Random random(1);
  int accepted = 0;
  EXPECT_OK(param.parse(param.sample));
  for (int i = 0; i < kMutations; ++i) {
    std::string text(param.sample);
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) mutate(text, random);
    // An exact copy on the heap, so that a sanitizer sees a read beyond its end.
    const std::string copy(text.data(), text.size());
    const Status status = param.parse(copy);
    if (status.ok()) {
      ++accepted;
    } else {
      ASSERT_NE(std::string_view(status.text()), "");
    }
  }
  // Neither accepts everything (but for the free text of wchan), nor refuses everything.
  EXPECT_GT(accepted, 0);
}

}  // namespace
