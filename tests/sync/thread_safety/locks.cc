// SPDX-License-Identifier: Apache-2.0
// What clang's -Wthread-safety has to say about takt's locks: nothing with MISTAKE 0; with another
// the warning that stands behind the mistake (thread_safety_test.sh).
#include <chrono>

#include "takt/sync/lock_guard.h"
#include "takt/sync/mutex.h"
#include "takt/sync/read_lock.h"
#include "takt/sync/rw_lock.h"
#include "takt/sync/write_lock.h"

#ifndef MISTAKE
#define MISTAKE 0
#endif

namespace {

class Table {
 public:
  int read() const {
    takt::ReadLock reading(lock_);
    return value_;
  }
  void write(int value) {
    takt::WriteLock writing(lock_);
    value_ = value;
  }
  void write_with_the_guard_of_mutexes(int value) {
    takt::LockGuard writing(lock_);
    value_ = value;
  }
  int read_by_hand() const {
    lock_.lock_shared();
    const int value = value_;
    lock_.unlock_shared();
    return value;
  }
  bool try_write(int value) {
    if (!lock_.try_lock_for(std::chrono::milliseconds(1))) return false;
    value_ = value;
    lock_.unlock();
    return true;
  }
  int try_read() const {
    if (!lock_.try_lock_shared_until(takt::kNever)) return 0;
    const int value = value_;
    lock_.unlock_shared();
    return value;
  }
  void write_beside_a_count(int value) {
    takt::LockGuard counting(mutex_);
    ++count_;
    takt::WriteLock writing(lock_);
    write_locked(value);
  }

#if MISTAKE == 1
  int mistake() const { return value_; }  // MISTAKE 1: reading variable 'value_' requires holding
#elif MISTAKE == 2
  void mistake() {
    takt::ReadLock reading(lock_);
    value_ = 1;  // MISTAKE 2: writing variable 'value_' requires holding shared_mutex 'lock_' excl
  }
#elif MISTAKE == 3
  void mistake() {
    lock_.lock();
    value_ = 1;
  }  // MISTAKE 3: mutex 'lock_' is still held at the end of function
#elif MISTAKE == 4
  void mistake() {
    takt::WriteLock writing(lock_);
    takt::ReadLock again(lock_);  // MISTAKE 4: acquiring shared_mutex 'lock_' that is already held
  }
#elif MISTAKE == 5
  void mistake() {
    lock_.lock_shared();
    lock_.unlock();  // MISTAKE 5: releasing mutex 'lock_' using exclusive access, expected
                     // shar
  }
#elif MISTAKE == 6
  void mistake() {
    takt::ReadLock reading(lock_);
    write_locked(1);  // MISTAKE 6: calling function 'write_locked' requires holding shared_mutex
  }
#elif MISTAKE == 7
  void mistake() {
    static_cast<void>(lock_.try_lock());
    value_ = 1;  // MISTAKE 7: writing variable 'value_' requires holding shared_mutex 'lock_' excl
  }
#elif MISTAKE == 8
  void mistake() {
    takt::WriteLock writing(lock_);
    ++count_;  // MISTAKE 8: writing variable 'count_' requires holding mutex 'mutex_' exclusively
  }
#endif

 private:
  void write_locked(int value) TAKT_REQUIRES(lock_) { value_ = value; }

  mutable takt::RwLock<> lock_;
  takt::Mutex mutex_;
  int value_ TAKT_GUARDED_BY(lock_) = 0;
  int count_ TAKT_GUARDED_BY(mutex_) = 0;
};

}  // namespace

int main() {
  Table table;
  table.write(1);
  table.write_with_the_guard_of_mutexes(2);
  table.write_beside_a_count(3);
#if MISTAKE != 0
  static_cast<void>(table.mistake());
#endif
  return table.try_write(3) && table.read() + table.read_by_hand() + table.try_read() == 9 ? 0 : 1;
}
