#!/bin/sh
# Kills a daemon and its workers at random moments and fills their disks, hundreds of times. After each time it
# checks the invariants: no partial or untrained release, no temporary file, no inconsistent ledger, and no change
# to other people's files.
#
#   Scripts/soak.sh BIN [KILLS] [PART...]
#
#   BIN     a folder with figmentd and figment of a release build, for example .build/release
#   KILLS   the number of kills (default 100); one disk is filled per ten kills
#   PART    kills    SIGKILL of a daemon with jobs, of its workers, of both
#           redraws  SIGKILL of `figmentd run` while it trains, draws and draws again
#           disks    full disks of the state and of the output (needs root, for mounts)
#           default: all of them
#
# SOAK_SEED repeats the moments and choices of an earlier run, as far as the machine has the same speed; the seed is
# printed. SOAK_WORK sets the scratch directory, which is kept; otherwise one is created, and kept after a failure.
#
# Prints a table of actions and checks. Exits with 0 if all checks passed, 1 if one failed, and 77 if all checks
# passed but a part could not run here; a line prints the reason. A kill takes about four seconds.
set -eu
here=$(dirname "$0")
bin=$(realpath "${1:?a folder with figmentd and figment is expected, for example .build/release}")
shift
for program in figmentd figment; do
  test -x "$bin/$program" || { echo "$bin/$program: not found (a release build expected)" >&2; exit 64; }
done
command -v python3 > /dev/null || { echo "SKIPPED: python3: not found. Nothing was killed."; exit 77; }
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/soak/soak.py" "$bin" "$@"
