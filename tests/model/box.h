// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_BOX_H_
#define TAKT_TESTS_MODEL_BOX_H_

#include <new>

namespace takt::model {

/// An object in memory of its own, so that a thread of the model may destroy it.
template <class T>
class Box {
 public:
  template <class... Arguments>
  explicit Box(Arguments... arguments) : object_(new (memory_) T(arguments...)) {}
  T* operator->() { return object_; }
  T& operator*() { return *object_; }
  void destroy() { object_->~T(); }

 private:
  alignas(T) unsigned char memory_[sizeof(T)];
  T* object_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_BOX_H_
