#!/bin/sh
# Checks Scripts/check-skipped.sh on lines as Swift Testing prints them: it must find every skipped test that the
# list does not allow, and no test whose arguments or messages only contain the word.
set -eu
here=$(dirname "$0")
list=$(mktemp)
trap 'rm -f "$list"' EXIT
echo "allowed: takes minutes" > "$list"

# expect CODE LINE: the exit code for an output that consists of this line and of the one that ends every run.
expect() {
  code=0
  printf '%s\n✔ Test run with 2 tests in 1 suite passed after 1.0 seconds.\n' "$2" \
    | "$here/check-skipped.sh" "$list" > /dev/null || code=$?
  test "$code" = "$1" || { echo "check-skipped.sh returned $code instead of $1 for: $2" >&2; exit 1; }
}

expect 1 '➜ Test other() skipped: needs a file'
expect 1 '➜ Test other() skipped.'
expect 1 '➜ Test other(_:with:) skipped: "needs a file"'
expect 1 '➜ Test "a name in words" skipped: needs a file'
expect 1 '➜ Test `a name in backticks`() skipped: needs a file'
expect 1 '➜ Suite Others skipped.'
expect 1 "$(printf '\033[90m➜\033[0m Test other() skipped: needs a file')"
expect 0 '➜ Test allowed() skipped: needs a file'
expect 0 '◇ Test case passing 1 argument verdict → skipped: its name begins with a dot. to reads(_:) started.'
expect 0 '✔ Test `a skipped file is named`() passed after 0.001 seconds.'
expect 0 '✔ Test "what is skipped: a list" passed after 0.001 seconds.'

code=0
echo 'Build complete!' | "$here/check-skipped.sh" "$list" > /dev/null || code=$?
test "$code" = 1 || { echo "check-skipped.sh accepted an output without any test" >&2; exit 1; }
