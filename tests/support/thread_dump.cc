// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/support/thread_dump.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "takt/tests/support/system_call_name.h"

namespace takt::test {

namespace {

std::string read_file(const std::string& path) {
  std::string text;
  if (std::FILE* file = std::fopen(path.c_str(), "re"); file != nullptr) {
    char part[1024];
    for (std::size_t count = 0; (count = std::fread(part, 1, sizeof part, file)) > 0;) {
      text.append(part, count);
    }
    std::fclose(file);
  }
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

/// The n-th field of a stat line as proc(5) numbers them; the name, field 2, may contain blanks.
std::string stat_field(const std::string& stat, int number) {
  std::size_t position = stat.rfind(')');
  for (int field = 2; position != std::string::npos && field < number; ++field) {
    position = stat.find(' ', position + 1);
  }
  if (position == std::string::npos) {
    return "?";
  }
  return stat.substr(position + 1, stat.find(' ', position + 1) - position - 1);
}

std::string describe_state(const std::string& state) {
  switch (state.empty() ? '?' : state[0]) {
    case 'R':
      return "running";
    case 'S':
      return "sleeping";
    case 'D':
      return "in uninterruptible sleep";
    case 'T':
      return "stopped";
    case 't':
      return "traced";
    case 'Z':
      return "zombie";
    default:
      return "state " + state;
  }
}

std::string describe_policy(const std::string& policy, const std::string& priority) {
  static constexpr const char* kNames[] = {
      "SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "", "SCHED_IDLE", "SCHED_DEADLINE"};
  const auto number = static_cast<std::size_t>(std::atoi(policy.c_str()));
  const std::string name =
      number < sizeof kNames / sizeof kNames[0] ? kNames[number] : "policy " + policy;
  return number == 1 || number == 2 ? name + ' ' + priority : name;
}

void dump_thread(const std::string& directory, const char* id) {
  const std::string stat = read_file(directory + "/stat");
  std::printf("  thread %s '%s': %s, %s", id, read_file(directory + "/comm").c_str(),
              describe_state(stat_field(stat, 3)).c_str(),
              describe_policy(stat_field(stat, 41), stat_field(stat, 40)).c_str());
  const std::string system_call = read_file(directory + "/syscall");
  if (!system_call.empty() && system_call != "running") {
    Message name;
    append_system_call(name, std::atol(system_call.c_str()));
    std::printf(", in %.*s", static_cast<int>(name.view().size()), name.view().data());
  }
  const std::string wait_channel = read_file(directory + "/wchan");
  if (!wait_channel.empty() && wait_channel != "0") {
    std::printf(" (%s)", wait_channel.c_str());
  }
  std::putchar('\n');
  const std::string stack = read_file(directory + "/stack");
  for (std::size_t start = 0; start < stack.size();) {
    const std::size_t end = std::min(stack.find('\n', start), stack.size());
    std::printf("    %s\n", stack.substr(start, end - start).c_str());
    start = end + 1;
  }
}

}  // namespace

void dump_threads(pid_t process) {
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  DIR* directory = opendir(tasks.c_str());
  if (directory == nullptr) {
    std::printf("  its threads cannot be listed: %s: %s\n", tasks.c_str(), std::strerror(errno));
    return;
  }
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') {
      dump_thread(tasks + '/' + entry->d_name, entry->d_name);
    }
  }
  closedir(directory);
  std::fflush(stdout);
}

}  // namespace takt::test
