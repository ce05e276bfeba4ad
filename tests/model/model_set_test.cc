// SPDX-License-Identifier: Apache-2.0
// The proof of whatever models are linked with it: see model_tests.bzl.
#include "takt/tests/model/model_set.h"

#include "takt/tests/model/prove.h"

namespace takt::model {
namespace {

TEST(Models, are_proven) { prove(ModelSet::models(), ModelSet::sources()); }

}  // namespace
}  // namespace takt::model
