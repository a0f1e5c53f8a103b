#!/bin/sh
# What takes too long for every change: the audit of mechanism and trainings at full size, all tests with those that
# train for minutes, and the seeded bugs, each of which a named test must find. Ends with the first failure.
#
#   Scripts/nightly.sh BIN    BIN is a folder that holds figmentd.
set -eu
cd "$(dirname "$0")/.."

bin=${1:?a folder that holds figmentd is expected, for example .build/release}
"$bin/figmentd" audit
FIGMENT_NIGHTLY=1 make test
Tests/Mutants/run.py
