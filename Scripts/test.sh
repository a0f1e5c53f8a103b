#!/bin/sh
# Runs a test command, prints its output, and fails if a test was skipped without permission.
#
#   Scripts/test.sh COMMAND ARGUMENTS...
#
# Tests/skipped.txt lists the tests that may be skipped, each with its reason. With FIGMENT_NIGHTLY set, no test
# may be skipped, because nothing else runs what a nightly run omits.
set -eu
here=$(dirname "$0")

log=$(mktemp)
outcome=$(mktemp)
trap 'rm -f "$log" "$outcome"' EXIT

{ "$@" 2>&1 && echo 0 > "$outcome" || echo $? > "$outcome"; } | tee "$log"
status=$(cat "$outcome")
[ "$status" = 0 ] || exit "$status"

allowed=$here/../Tests/skipped.txt
[ -z "${FIGMENT_NIGHTLY:-}" ] || allowed=/dev/null
"$here/check-skipped.sh" "$allowed" < "$log"
