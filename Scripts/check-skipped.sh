#!/bin/sh
# Reads the output of `swift test`. Fails if no test ran, or if a test or suite was skipped that is not in the list
# of allowed ones.
#
#   Scripts/check-skipped.sh LIST < OUTPUT
#
# A line of LIST consists of the name of a test, a colon and a reason; # begins a comment.
set -eu
list=${1:?a list of tests that may be skipped is expected, for example Tests/skipped.txt}

awk -v list="$list" '
  BEGIN {
    while ((getline line < list) > 0) {
      if (line ~ /^#/ || line ~ /^[ \t]*$/) continue
      if (line !~ /^[A-Za-z_][A-Za-z0-9_]*(\(.*\))?: ./) {
        print list ": a name, a colon and a reason expected: " line
        bad = 1
        continue
      }
      name = line
      sub(/:.*/, "", name)
      allowed[name] = 1
    }
  }
  { gsub(/\033\[[0-9;]*[A-Za-z]/, "") }
  /Test run with [0-9]+ tests?/ { ran = 1 }
  # "➜ Test name() skipped: reason", "➜ Suite Name skipped". The name is an identifier, a text in quotation marks or
  # one in backticks, so that arguments and reasons which contain the word do not count.
  /^[^A-Za-z0-9]*(Test|Suite) ([A-Za-z_][A-Za-z0-9_]*(\([^ ]*\))?|"[^"]*"|`[^`]*`(\([^ ]*\))?) skipped(:.*|\.)?$/ {
    name = $0
    sub(/^[^A-Za-z0-9]*(Test|Suite) /, "", name)
    sub(/ skipped(:.*|\.)?$/, "", name)
    sub(/\([^ ]*\)$/, "", name)
    gsub(/["`]/, "", name)
    if (!(name in allowed)) {
      print "skipped without permission: " $0
      bad = 1
    }
  }
  END {
    if (!ran) {
      print "no test ran (the line \"Test run with N tests\" is expected)"
      bad = 1
    }
    if (bad) {
      print "A skipped test proves nothing: repair it, or list it with its reason in Tests/skipped.txt."
      exit 1
    }
  }'
