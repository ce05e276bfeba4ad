// SPDX-License-Identifier: Apache-2.0
#include "takt/tests/model/model_set.h"

namespace takt::model {

const ModelSet* ModelSet::last_ = nullptr;

ModelSet::ModelSet(std::span<const Model> models, std::initializer_list<const char*> sources)
    : models_(models), sources_(sources.begin(), sources.end()), before_(last_) {
  last_ = this;
}

std::vector<Model> ModelSet::models() {
  std::vector<Model> all;
  for (const ModelSet* set = last_; set != nullptr; set = set->before_) {
    all.insert(all.begin(), set->models_.begin(), set->models_.end());
  }
  return all;
}

std::vector<std::string> ModelSet::sources() {
  std::vector<std::string> all;
  for (const ModelSet* set = last_; set != nullptr; set = set->before_) {
    all.insert(all.begin(), set->sources_.begin(), set->sources_.end());
  }
  return all;
}

}  // namespace takt::model
