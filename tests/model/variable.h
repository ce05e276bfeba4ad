// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_VARIABLE_H_
#define TAKT_TESTS_MODEL_VARIABLE_H_

#include <utility>

#include "takt/tests/model/engine.h"

namespace takt::model {

/// A plain variable that is watched: two accesses of which one writes must be ordered by
/// happens-before, or the model fails with a data race. Construction and destruction count as
/// writes. As an element of a queue it proves that the queue hands items over properly. It is no
/// scheduling point: a race is found in whichever order the steps around it run.
template <class T>
class Variable {
 public:
  Variable() : value_() { touch(PlainAccess::write); }
  // NOLINTNEXTLINE(google-explicit-constructor): a plain T converts as well
  Variable(T value) : value_(std::move(value)) { touch(PlainAccess::write); }
  Variable(const Variable& other) : value_(other.get()) { touch(PlainAccess::write); }
  Variable& operator=(const Variable& other) {
    set(other.get());
    return *this;
  }
  ~Variable() { touch(PlainAccess::destroy); }

  T get() const {
    touch(PlainAccess::read);
    return value_;
  }
  void set(T value) {
    touch(PlainAccess::write);
    value_ = std::move(value);
  }

 private:
  void touch(PlainAccess access) const { Engine::get().plain_access(this, "a Variable", access); }

  T value_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_VARIABLE_H_
