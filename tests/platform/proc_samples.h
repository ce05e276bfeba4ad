// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_PLATFORM_PROC_SAMPLES_H_
#define TAKT_TESTS_PLATFORM_PROC_SAMPLES_H_

#include <string_view>

/// Files of /proc/self/task/TID as Linux 6.1 writes them.
namespace takt::test {

/// Of a SCHED_FIFO 80 thread on CPU 3 whose name is made to confuse.
inline constexpr std::string_view kStat =
    "4711 (a) R (b) S 1 4711 4711 0 -1 4194368 103 0 7 0 250 31 0 0 -81 0 3 0 163729 3133440 413 "
    "18446744073709551615 94907248435200 94907248455081 140733970818400 0 0 0 0 0 0 0 0 0 -1 3 80 "
    "1 0 0 0 94907248471088 94907248472704 94907993202688 140733970823818 140733970823838 "
    "140733970823838 140733970825195 0\n";

inline constexpr std::string_view kStatus =
    "Name:\tcontrol\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4712\n"
    "VmPeak:\t    3060 kB\nVmSize:\t    3060 kB\nVmLck:\t     512 kB\nVmPin:\t       0 kB\n"
    "VmHWM:\t    1704 kB\nVmRSS:\t    1700 kB\nThreads:\t3\nSigQ:\t0/96365\n"
    "SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\tfffffffe7bfbf027\n"
    "Cpus_allowed:\t8\nCpus_allowed_list:\t3\n"
    "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";

inline constexpr std::string_view kSchedulerStat = "123456789 2345 678\n";

}  // namespace takt::test

#endif  // TAKT_TESTS_PLATFORM_PROC_SAMPLES_H_
