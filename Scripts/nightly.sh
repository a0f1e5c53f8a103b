#!/bin/sh
# Everything that takes too long for every change: the audit of the mechanism and of trainings at full size, the demo, all
# tests including those that train for minutes, hundreds of kills and full disks, and the seeded bugs, each of
# which a named test must find. Stops at the first failure.
#
#   Scripts/nightly.sh BIN    BIN is a folder with figmentd and figment.
#
# FIGMENT_TEST_DATA is a folder with unpacked MNIST in mnist/ (train/0 to test/9, see Datasets/README.md). A test
# that needs it is not skipped here but fails.
set -eu
cd "$(dirname "$0")/.."

bin=${1:?a folder with figmentd and figment is expected, for example .build/release}
: "${FIGMENT_TEST_DATA:?a folder with mnist/train/0 to mnist/test/9 is expected}"
[ -d "$FIGMENT_TEST_DATA/mnist/train/0" ] || [ -d "$FIGMENT_TEST_DATA/train/0" ] || {
  echo "$FIGMENT_TEST_DATA: mnist/train/0 not found (unpacked MNIST expected)"
  exit 1
}
"$bin/figmentd" audit
demo=$(mktemp -d /tmp/figment-nightly.XXXXXX)
FIGMENT_DEMO=$demo Scripts/demo.sh "$bin"
rm -rf "$demo"
FIGMENT_NIGHTLY=1 make test
# 77: no disk could be mounted here, and everything else passed.
Scripts/soak.sh "$bin" 500 || { code=$?; [ "$code" -eq 77 ] || exit "$code"; }
Tests/Mutants/run.py
