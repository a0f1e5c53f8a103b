# Functions that check conditions, with one line of output per check. Sourced by boot-service.sh.
passed=0
failed=0

# Prints the heading of a scene.
scene() { echo "== $1"; }

# Counts a check, and prints the output of its command if it failed.
settle() {
  if test "$1" -eq 0; then
    passed=$((passed + 1))
    echo "ok      $2"
  else
    failed=$((failed + 1))
    echo "FAILED  $2"
    tail -n 15 "$work/said" | sed 's/^/        | /'
  fi
}

# check WHAT COMMAND...: the command succeeds.
check() {
  what=$1
  shift
  code=0
  "$@" > "$work/said" 2>&1 || code=1
  settle "$code" "$what"
}

# refused WHAT COMMAND...: the command fails.
refused() {
  what=$1
  shift
  code=0
  if "$@" > "$work/said" 2>&1; then code=1; fi
  settle "$code" "$what"
}

# says WORDS COMMAND...: the command prints WORDS, whether it succeeds or not; for use in check and eventually.
says() {
  words=$1
  shift
  "$@" > "$work/words" 2>&1 || true
  cat "$work/words"
  grep -q -- "$words" "$work/words"
}

# eventually WHAT SECONDS COMMAND...: the command succeeds within SECONDS.
eventually() {
  what=$1
  last=$(($(date +%s) + $2))
  shift 2
  code=1
  while test "$(date +%s)" -le "$last"; do
    if "$@" > "$work/said" 2>&1; then
      code=0
      break
    fi
    sleep 0.5
  done
  settle "$code" "$what"
}
