// SPDX-License-Identifier: Apache-2.0
#include "takt/platform/board_sensors.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "takt/tests/platform/temporary_tree.h"
#include "takt/tests/support/fault_injection.h"
#include "takt/tests/support/test.h"

namespace {

using takt::Status;
using takt::StatusCode;
using namespace takt::platform;  // NOLINT(*-using-namespace): the whole header
using takt::test::FaultInjection;
using takt::test::TemporaryTree;

const std::string kFrequency = "devices/system/cpu/cpu2/cpufreq/scaling_cur_freq";
const std::string kTemperature = "class/thermal/thermal_zone0/temp";
const std::string kType = "class/thermal/thermal_zone0/type";

TEST(BoardSensors, reads_a_board) {
  TemporaryTree sys;
  sys.write(kFrequency, "1800000\n").write(kTemperature, "48312\n").write(kType, "cpu-thermal\n");
  EXPECT_EQ(*read_cpu_frequency(2, sys.root()), 1'800'000'000U);
  EXPECT_EQ(*read_temperature(0, sys.root()), 48'312);
  char buffer[32];
  EXPECT_EQ(*read_thermal_type(0, buffer, sys.root()), "cpu-thermal");
}

TEST(BoardSensors, says_what_the_board_lacks) {
  const TemporaryTree sys;
  char buffer[32];
  EXPECT_EQ(read_cpu_frequency(0, sys.root()).code(), StatusCode::not_found);
  EXPECT_EQ(read_temperature(0, sys.root()).code(), StatusCode::not_found);
  EXPECT_EQ(read_thermal_type(0, buffer, sys.root()).code(), StatusCode::not_found);
}

TEST(BoardSensors, on_this_machine_they_are_there_or_not_found) {
  const auto frequency = read_cpu_frequency(0);
  EXPECT_TRUE(frequency.ok() || frequency.code() == StatusCode::not_found);
  const auto temperature = read_temperature(0);
  EXPECT_TRUE(temperature.ok() || temperature.code() == StatusCode::not_found);
}

TEST_EACH(BoardSensors, a_sensor_without_a_value_is_not_there, ENODATA, EAGAIN, ENOENT, ENODEV) {
  TemporaryTree sys;
  sys.write(kTemperature, "48312\n");
  const FaultInjection fault(SystemCall::read, param);
  EXPECT_EQ(read_temperature(0, sys.root()).code(), StatusCode::not_found);
  EXPECT_EQ(fault.failures(), 1U);
}

TEST(BoardSensors, says_what_was_refused) {
  TemporaryTree sys;
  sys.write(kFrequency, "1800000\n");
  const FaultInjection fault(SystemCall::open, EACCES);
  EXPECT_EQ(read_cpu_frequency(2, sys.root()).code(), StatusCode::permission_denied);
}

TEST(BoardSensors, frost_and_the_ends_of_the_range) {
  EXPECT_EQ(*parse_temperature("-12500\n"), -12'500);
  EXPECT_EQ(*parse_temperature("-273150"), -273'150);
  EXPECT_EQ(*parse_temperature("0"), 0);
  EXPECT_EQ(*parse_cpu_frequency("0\n"), 0U);
  EXPECT_EQ(*parse_cpu_frequency("9223372036854775"), 9'223'372'036'854'775'000U);
}

struct MalformedCase {
  std::string_view name;  // the error's text
  Status (*parse)();
};
TEST_EACH(BoardSensors, names_a_malformed_file,
          MalformedCase{"scaling_cur_freq is not a number that fits",
                        [] { return parse_cpu_frequency("<unknown>\n").status(); }},
          MalformedCase{"scaling_cur_freq is not a number that fits",
                        [] { return parse_cpu_frequency("").status(); }},
          MalformedCase{"scaling_cur_freq is not a number that fits",
                        [] { return parse_cpu_frequency("-1").status(); }},
          MalformedCase{"scaling_cur_freq is not a number that fits",
                        [] { return parse_cpu_frequency("9223372036854776").status(); }},
          MalformedCase{"temp is not a number that fits",
                        [] { return parse_temperature("").status(); }},
          MalformedCase{"temp is not a number that fits",
                        [] { return parse_temperature("48 312").status(); }},
          MalformedCase{"temp is not a number that fits",
                        [] { return parse_temperature("2147483648").status(); }},
          MalformedCase{"temp is not a temperature",
                        [] { return parse_temperature("-273151").status(); }},
          MalformedCase{"temp is not a temperature",
                        [] { return parse_temperature("1000001").status(); }},
          MalformedCase{"type is empty", [] { return parse_thermal_type(" \n").status(); }},
          MalformedCase{"type is not printable",
                        [] { return parse_thermal_type("a\xff").status(); }}) {
  const Status status = param.parse();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(std::string_view(status.text()), param.name);
}

TEST(BoardSensors, refuses_a_file_that_is_too_long) {
  TemporaryTree sys;
  sys.write(kTemperature, std::string(100, '1')).write(kType, std::string(100, 'x'));
  char buffer[32];
  EXPECT_EQ(read_temperature(0, sys.root()).code(), StatusCode::resource_exhausted);
  EXPECT_EQ(read_thermal_type(0, buffer, sys.root()).code(), StatusCode::resource_exhausted);
}

struct Reader {
  const char* name;
  const std::string& file;
  std::string_view content;
  Status (*read)(const char* root);  // ok: it was what was written
};
// Cut short, rewritten, gone: a value that was written whole, or an error.
TEST_EACH(BoardSensors, survive_files_that_come_and_go,
          Reader{"temperature", kTemperature, "48312\n",
                 [](const char* root) {
                   const auto value = read_temperature(0, root);
                   if (value.ok()) EXPECT_EQ(*value, 48'312);
                   return value.status();
                 }},
          Reader{"frequency", kFrequency, "1800000\n",
                 [](const char* root) {
                   const auto value = read_cpu_frequency(2, root);
                   if (value.ok()) EXPECT_EQ(*value, 1'800'000'000U);
                   return value.status();
                 }},
          Reader{"type", kType, "cpu-thermal\n", [](const char* root) {
                   char buffer[32];
                   const auto value = read_thermal_type(0, buffer, root);
                   if (value.ok()) EXPECT_EQ(*value, "cpu-thermal");
                   return value.status();
                 }}) {
  TemporaryTree sys;
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int round = 0; round < 50; ++round) {
      sys.write(param.file, param.content);
      std::filesystem::remove(sys.path(param.file));
    }
    done = true;
  });
  while (!done.load()) {
    const StatusCode code = param.read(sys.root()).code();
    EXPECT_TRUE(code == StatusCode::ok || code == StatusCode::not_found ||
                code == StatusCode::invalid_argument);
  }
  changer.join();
}

}  // namespace
