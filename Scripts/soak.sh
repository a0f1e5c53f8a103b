#!/bin/sh
# Kills a daemon and its workers at random moments and fills their disks, hundreds of times, and checks after each
# time what must hold for ever: no half or untrained release, no temporary file, no ledger in doubt, no file of
# anybody else touched.
#
#   Scripts/soak.sh BIN [KILLS] [PART...]
#
#   BIN     a folder with figmentd and figment of a release build, for example .build/release
#   KILLS   how many kills there are (default 100); every tenth time a disk is filled
#   PART    kills    SIGKILL of a daemon with jobs, of its workers, of both
#           redraws  SIGKILL of `figmentd run` while it trains, draws and draws anew
#           disks    disks of the state and of the output without room (needs root, for mounts)
#           default: all of them
#
# SOAK_SEED repeats the moments and choices of an earlier run, as far as the machine's speed repeats; it is printed.
# SOAK_WORK names the scratch directory, which is kept; without it one is made, and kept where something failed.
#
# Prints a table of what was done and checked. Exits with 0 when all held, 1 when something did not, and 77 when
# all held but a part could not be done here; a line says why. A kill takes about four seconds.
set -eu
here=$(dirname "$0")
bin=$(realpath "${1:?a folder with figmentd and figment is expected, for example .build/release}")
shift
for program in figmentd figment; do
  test -x "$bin/$program" || { echo "$bin/$program: not found (a release build expected)" >&2; exit 64; }
done
command -v python3 > /dev/null || { echo "SKIPPED: python3: not found. Nothing was killed."; exit 77; }
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/soak/soak.py" "$bin" "$@"
