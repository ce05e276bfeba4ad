// SPDX-License-Identifier: Apache-2.0
// The Process… forms between real processes, each with a mapping of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "takt/platform/shared_memory.h"
#include "takt/sync/bounded_queue.h"
#include "takt/sync/event.h"
#include "takt/sync/latch.h"
#include "takt/sync/semaphore.h"
#include "takt/tests/support/shared_memory_name.h"
#include "takt/tests/support/test.h"

namespace {

using namespace std::chrono_literals;
using takt::Reset;
using takt::Result;
using takt::StatusCode;
using takt::platform::SharedMemory;

/// An object of type T in named shared memory, for this process and one forked from it.
template <class T>
class Shared {
 public:
  template <class... Arguments>
  explicit Shared(Arguments... arguments)
      : name_(takt::test::shared_memory_name()),
        memory_(SharedMemory::create(name_.c_str(), sizeof(T))) {
    ASSERT_OK(memory_);
    ::new (memory_->memory().data()) T(arguments...);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    (**this).~T();
    EXPECT_OK(SharedMemory::unlink(name_.c_str()));
  }
  T& operator*() {
    return *std::launder(static_cast<T*>(static_cast<void*>(memory_->memory().data())));
  }
  T* operator->() { return &**this; }

  /// Runs `body(T&)` in a process of its own, which maps the object at another address.
  template <class Body>
  class Child {
   public:
    Child(Shared& shared, const Body& body) : id_(::fork()) {
      if (id_ == 0) {
        shared.run(body);
        ::_exit(takt::test::has_failed() ? 1 : 0);
      }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
      int status = -1;
      EXPECT_EQ(::waitpid(id_, &status, 0), id_);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }

   private:
    pid_t id_;
  };
  template <class Body>
  [[nodiscard]] Child<Body> child(const Body& body) {
    return Child<Body>(*this, body);
  }

 private:
  template <class Body>
  void run(const Body& body) {
    Result<SharedMemory> mapped = SharedMemory::open(name_.c_str(), sizeof(T));
    ASSERT_OK(mapped);
    EXPECT_NE(mapped->memory().data(), memory_->memory().data());
    body(*std::launder(static_cast<T*>(static_cast<void*>(mapped->memory().data()))));
  }

  std::string name_;
  Result<SharedMemory> memory_;
};

TEST(ProcessShared, latch) {
  Shared<takt::ProcessLatch> latch(2);
  const auto child = latch.child([](takt::ProcessLatch& its) {
    its.count_down();
    EXPECT_OK(its.wait_for(30s));
  });
  latch->count_down();
  EXPECT_OK(latch->wait_for(30s));
}

/// The same in each process.
int rounds() { return static_cast<int>(2'000 / takt::test::time_scale()); }
std::uint32_t items() { return static_cast<std::uint32_t>(20'000 / takt::test::time_scale()); }

struct TwoSemaphores {
  takt::ProcessSemaphore ping{0};
  takt::ProcessSemaphore pong{0};
};
TEST(ProcessShared, semaphore) {
  Shared<TwoSemaphores> semaphores;
  const auto child = semaphores.child([](TwoSemaphores& its) {
    for (int i = 0; i < rounds(); ++i) {
      its.ping.acquire();
      its.pong.release();
    }
  });
  for (int i = 0; i < rounds(); ++i) {
    semaphores->ping.release();
    EXPECT_TRUE(semaphores->pong.try_acquire_for(30s));
  }
  EXPECT_FALSE(semaphores->pong.try_acquire_for(1ms));
}

struct TwoEvents {
  takt::ProcessEvent<Reset::automatic> ping;
  takt::ProcessEvent<Reset::manual> pong;
};
TEST(ProcessShared, event) {
  Shared<TwoEvents> events;
  const auto child = events.child([](TwoEvents& its) {
    for (int i = 0; i < rounds(); ++i) {
      its.ping.wait();
      its.pong.set();
    }
  });
  for (int i = 0; i < rounds(); ++i) {
    events->ping.set();
    EXPECT_OK(events->pong.wait_for(30s));
    events->pong.reset();
  }
  EXPECT_EQ(events->ping.wait_for(1ms).code(), StatusCode::timed_out);
}

using Queue = takt::ProcessBoundedQueue<std::uint32_t, 4>;
TEST(ProcessShared, bounded_queue) {
  Shared<Queue> queue;
  const auto consumer = queue.child([](Queue& its) {
    for (std::uint32_t i = 0; i < items(); ++i) {
      const Result<std::uint32_t> item = its.pop_for(30s);
      ASSERT_OK(item);
      EXPECT_EQ(*item, i);
    }
    EXPECT_EQ(its.pop().code(), StatusCode::closed);
  });
  for (std::uint32_t i = 0; i < items(); ++i) EXPECT_OK(queue->push_for(i, 30s));
  queue->close();
  EXPECT_OK(queue->wait_drained_for(30s));
  EXPECT_EQ(queue->size(), 0);
}

// Producers and consumers of several processes: each item arrives once.
TEST(ProcessShared, bounded_queue_of_many) {
  struct Books {
    Queue queue;
    takt::ProcessSemaphore popped{0};
  };
  Shared<Books> books;
  const auto consume = [](Books& its) {
    while (its.queue.pop().ok()) its.popped.release();
  };
  const auto produce = [](Books& its) {
    for (std::uint32_t i = 0; i < items() / 4; ++i) EXPECT_OK(its.queue.push(i));
  };
  const auto one_consumer = books.child(consume);
  const auto other_consumer = books.child(consume);
  {
    const auto one_producer = books.child(produce);
    const auto other_producer = books.child(produce);
  }
  books->queue.close();
  for (std::uint32_t i = 0; i < 2 * (items() / 4); ++i)
    EXPECT_TRUE(books->popped.try_acquire_for(30s));
  EXPECT_FALSE(books->popped.try_acquire());
}

}  // namespace
