// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_MODEL_SET_H_
#define TAKT_TESTS_MODEL_MODEL_SET_H_

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "takt/tests/model/proof.h"

namespace takt::model {

/// What one *_models.cc claims: its models, and the shipped sources that they prove. A static
/// object at the end of the file; the test that the file is linked with finds it by itself.
class ModelSet {
 public:
  /// `sources` are paths from the repository's root; `models` outlive the program.
  ModelSet(std::span<const Model> models, std::initializer_list<const char*> sources);
  ModelSet(const ModelSet&) = delete;
  ModelSet& operator=(const ModelSet&) = delete;

  /// All models and all sources of this program.
  static std::vector<Model> models();
  static std::vector<std::string> sources();

 private:
  static const ModelSet* last_;

  std::span<const Model> models_;
  std::vector<std::string> sources_;
  const ModelSet* before_;
};

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_MODEL_SET_H_
