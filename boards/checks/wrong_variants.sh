#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each hand-written wrong variant of a primitive (tests/model/wrong/) is rejected by a model.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
boards=$PWD/boards

TAKT_SETUP=no "$boards/test.sh" --config=deep --test_tag_filters=wrong_variant //tests/model/...
