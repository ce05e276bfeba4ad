// SPDX-License-Identifier: Apache-2.0
// What threads wait with, beside its twins of the system. A cost is that of one acquisition and one
// release, of a push and a pop, or of a trip through two queues and back.
#include <semaphore.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <semaphore>
#include <utility>

#include "takt/sync/bounded_queue.h"
#include "takt/sync/event.h"
#include "takt/sync/semaphore.h"
#include "takt/tests/bench/harness.h"
#include "takt/tests/bench/pinned_thread.h"

namespace takt::bench {
namespace {

class PosixSemaphore {
 public:
  explicit PosixSemaphore(unsigned permits) { ::sem_init(&semaphore_, 0, permits); }
  PosixSemaphore(const PosixSemaphore&) = delete;
  PosixSemaphore& operator=(const PosixSemaphore&) = delete;
  ~PosixSemaphore() { ::sem_destroy(&semaphore_); }
  void acquire() { ::sem_wait(&semaphore_); }
  void release() { ::sem_post(&semaphore_); }

 private:
  sem_t semaphore_{};
};

template <class AnySemaphore>
double acquire_and_release() {
  AnySemaphore semaphore(1);
  return cost_of([&semaphore] {
    semaphore.acquire();
    keep(semaphore);
    semaphore.release();
  });
}

/// What an event is made of where there is none.
class ConditionEvent {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return set_; });
    set_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

template <class AnyEvent>
double set_and_wait() {
  AnyEvent event;
  return cost_of([&event] {
    event.set();
    keep(event);
    event.wait();
  });
}

void event_row(Suite& suite) {
  const char* row = "event: set and take, uncontended";
  if (!suite.wants(row)) return;
  suite.cost(row, {{"std::mutex + condition_variable", {}, &set_and_wait<ConditionEvent>},
                   {"takt::Event<automatic>",
                    {{"std::mutex + condition_variable", 0}},
                    &set_and_wait<Event<Reset::automatic>>}});
}

/// The bounded queue of a textbook.
template <class T, std::size_t N>
class ConditionQueue {
 public:
  void push(T item) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return size_ < N; });
      items_[(head_ + size_++) % N] = item;
    }
    not_empty_.notify_one();
  }
  T pop() {
    T item{};
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return size_ > 0; });
      item = items_[head_];
      head_ = (head_ + 1) % N;
      --size_;
    }
    room_.notify_one();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable room_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
  T items_[N] = {};
};

/// takt's with the textbook's interface.
template <class T, std::size_t N>
class TaktQueue {
 public:
  void push(T item) {
    const Status pushed = queue_.push(std::move(item));
    TAKT_CHECK(pushed.ok(), "benchmark: nobody closes it");
  }
  T pop() { return *queue_.pop(); }

 private:
  BoundedQueue<T, N> queue_;
};

template <class Queue>
double push_and_pop() {
  Queue queue;
  return cost_of([&queue] {
    queue.push(1);
    keep(queue);
    queue.pop();
  });
}

constexpr int kTrips = 10'000;

/// Nanoseconds of one trip there and back, both threads asleep in between.
template <class Queue>
double ping_pong(std::size_t echo_slot) {
  Queue there;
  Queue back;
  const PinnedThread echo({echo_slot, kPriority}, [&] {
    for (int i = 0; i < kTrips; ++i) back.push(there.pop());
  });
  return measured_at({0, kPriority}, [&] {
    const TimePoint begin = now();
    for (int i = 0; i < kTrips; ++i) {
      there.push(i);
      TAKT_CHECK(back.pop() == i, "benchmark: a wrong item");
    }
    return static_cast<double>((now() - begin).count()) / kTrips;
  });
}

void queue_rows(Suite& suite) {
  using Condition = ConditionQueue<int, 16>;
  using Takt = TaktQueue<int, 16>;
  constexpr const char* kReference = "std::mutex + condition_variable";
  const char* row = "bounded queue: push and pop, uncontended";
  if (suite.wants(row)) {
    suite.cost(row, {{kReference, {}, &push_and_pop<Condition>},
                     {"takt::BoundedQueue", {{kReference, 0}}, &push_and_pop<Takt>}});
  }
  row = "bounded queue: ping-pong, one CPU";
  if (suite.wants(row)) {
    suite.cost(row,
               {{kReference, {}, [] { return ping_pong<Condition>(0); }},
                {"takt::BoundedQueue", {{kReference, 0.98}}, [] { return ping_pong<Takt>(0); }}});
  }
  row = "bounded queue: ping-pong, two CPUs";
  if (!suite.wants(row)) return;
  if (cpu_count() < 2) {
    suite.skip(row, "needs two CPUs");
    return;
  }
  suite.cost(row,
             {{kReference, {}, [] { return ping_pong<Condition>(1); }},
              {"takt::BoundedQueue", {{kReference, 1.05}}, [] { return ping_pong<Takt>(1); }}});
}

void semaphore_row(Suite& suite) {
  const char* row = "semaphore: acquire and release, uncontended";
  if (!suite.wants(row)) return;
  suite.cost(
      row,
      {{"std::counting_semaphore", {}, &acquire_and_release<std::counting_semaphore<1'000'000>>},
       {"POSIX sem_t", {}, &acquire_and_release<PosixSemaphore>},
       {"takt::Semaphore",
        {{"POSIX sem_t", 1.0}, {"std::counting_semaphore", 0}},
        &acquire_and_release<Semaphore>}});
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Suite suite("blocking", argc, argv);
  takt::bench::semaphore_row(suite);
  takt::bench::event_row(suite);
  takt::bench::queue_rows(suite);
  return suite.finish();
}
