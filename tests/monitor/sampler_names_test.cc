// SPDX-License-Identifier: Apache-2.0
// A slot of the executor passes from one task to the next while a reader is between its name and
// its histograms: where the reader touches a page, the change happens.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "takt/monitor/sampler.h"
#include "takt/tests/support/test.h"

namespace takt {
namespace {

constexpr SamplerLimits kLimits{
    .workers = 1, .tasks = 1, .lanes = 0, .metrics = 0, .alerts = 0, .history = 2};
using TaskSource = detail::Source<TaskStats>;

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// So many pages that are never given back.
char* pages(std::size_t count) {
  void* const memory = ::mmap(nullptr, count * page_bytes(), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_TRUE(memory != MAP_FAILED);
  return static_cast<char*>(memory);
}

/// The next access to a page calls `act` before it takes place.
class OnTouch {
 public:
  OnTouch(void* page, void (*act)()) noexcept {
    page_ = page;
    act_ = act;
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t*, void*) {
      if (act_ == nullptr) ::_exit(1);  // another one: not ours
      ::mprotect(page_, page_bytes(), PROT_READ | PROT_WRITE);
      (*std::exchange(act_, nullptr))();
    };
    EXPECT_EQ(::sigaction(SIGSEGV, &action, &before_), 0);
    EXPECT_EQ(::mprotect(page, page_bytes(), PROT_NONE), 0);
  }
  ~OnTouch() {
    EXPECT_TRUE(act_ == nullptr);  // it was touched
    ::sigaction(SIGSEGV, &before_, nullptr);
  }
  OnTouch(const OnTouch&) = delete;
  OnTouch& operator=(const OnTouch&) = delete;

 private:
  inline static void* page_;
  inline static void (*act_)();
  struct sigaction before_ {};
};

/// A sampler of one task whose name has a page of its own.
class PagedSampler : private detail::SamplerStorage<kLimits>, public Sampler {
 public:
  PagedSampler() noexcept : PagedSampler(pages(2) + page_bytes()) {}
  void* page_of_the_name() const noexcept { return &source_->name; }

 private:
  explicit PagedSampler(char* page) noexcept
      : PagedSampler(page, static_cast<void*>(page - kBeforeName)) {}
  PagedSampler(const char* page, void* source) noexcept
      : Sampler([this, source] {
          detail::SamplerView view = this->view();
          view.tasks = {std::construct_at(static_cast<TaskSource*>(source)), 1};
          return view;
        }()),
        source_(static_cast<TaskSource*>(source)) {
    EXPECT_TRUE(page_of_the_name() == page);
  }

  static constexpr std::size_t kBeforeName = 8;

  TaskSource* source_;
};

PagedSampler sampler;
TaskHistograms histograms;
TaskStats* stats = nullptr;

/// Who has histograms.
std::string owners() {
  std::string names;
  sampler.visit(
      [](const MetricView& metric, void* argument) noexcept {
        if (metric.histogram == nullptr) return;
        *static_cast<std::string*>(argument) += std::string(metric.labels[0].value) + " ";
      },
      &names);
  return names;
}

TEST(SamplerNames, histograms_of_a_task_are_not_shown_as_those_of_the_next_one) {
  static TaskStats slot;
  stats = &slot;
  slot.histograms = &histograms;
  ASSERT_OK(sampler.add_task("with", slot));
  EXPECT_EQ(owners(), "with with ");
  const OnTouch touch(sampler.page_of_the_name(), [] {
    stats->reset();
    EXPECT_OK(sampler.add_task("without", *stats));
  });
  EXPECT_EQ(owners(), "");
}

TEST(SamplerNames, histograms_of_a_task_are_not_shown_as_those_of_the_one_before) {
  void* const page = pages(1);
  stats = std::construct_at(static_cast<TaskStats*>(page));
  ASSERT_OK(sampler.add_task("without", *stats));
  EXPECT_EQ(owners(), "");
  const OnTouch touch(stats, [] {
    stats->histograms = &histograms;
    EXPECT_OK(sampler.add_task("with", *stats));
  });
  // The first of its two is left out: its name had been read.
  EXPECT_EQ(owners(), "with ");
}

}  // namespace
}  // namespace takt
