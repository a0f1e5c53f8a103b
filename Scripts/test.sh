#!/bin/sh
# Runs a test command, shows what it prints, and fails where a test was skipped that nobody allowed.
#
#   Scripts/test.sh COMMAND ARGUMENTS...
#
# Tests/skipped.txt lists the tests that may be skipped, each with its reason. With FIGMENT_NIGHTLY set none may:
# what a nightly run leaves out is tested nowhere.
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
