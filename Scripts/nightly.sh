#!/bin/sh
# What takes too long for every change: the audit of the private mechanism at full size, then all tests,
# including those that train for minutes. Ends with the first failure.
#
#   Scripts/nightly.sh BIN    BIN is a folder that holds figmentd.
set -eu
cd "$(dirname "$0")/.."

bin=${1:?a folder that holds figmentd is expected, for example .build/release}
"$bin/figmentd" audit
FIGMENT_NIGHTLY=1 make test
