// SPDX-License-Identifier: Apache-2.0
#ifndef TAKT_TESTS_MODEL_WRONG_VARIANT_H_
#define TAKT_TESTS_MODEL_WRONG_VARIANT_H_

namespace takt::model {

/// Which wrong variant the models of this program are compiled against. Defined at the end of the
/// patched header and nowhere else.
const char* wrong_variant();

}  // namespace takt::model

#endif  // TAKT_TESTS_MODEL_WRONG_VARIANT_H_
