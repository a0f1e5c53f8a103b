#!/bin/sh
# Checks the shipped service: a minimal Debian with its own systemd boots in a container, Figment is installed into
# it, and the script tests the whole life of the service, from the first start to the removal.
#
#   Scripts/boot-service.sh BIN [CACHE]
#
#   BIN     a folder with figmentd and figment of a release build, for example .build/release
#   CACHE   the folder that keeps the Debian for the next run; default: .build/boot
#
# Prints a line for each check, "ok" or "FAILED". Exits with 0 if all pass, 1 if one fails, and 77 if no system can
# be booted (not root, no debootstrap, no systemd-nspawn); the last line prints the reason.
set -eu
cd "$(dirname "$0")/.."
. Scripts/boot/container.sh
. Scripts/boot/checks.sh

bin=$(realpath "${1:?a folder with figmentd and figment is expected, for example .build/release}")
cache=${2:-.build/boot}
require_container
mkdir -p "$cache"
cache=$(realpath "$cache")
work=$(mktemp -d "$cache/run.XXXXXX")
machine=$work/machine
began=$(date +%s)

# Stops the container and removes its files, regardless of the outcome.
finish() {
  status=$?
  trap - EXIT
  stop_container
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

make_base
cp -a --reflink=auto "$base" "$machine"
install_figment
start_container

. Scripts/boot/scenes.sh
first_start
members_and_strangers
first_release
kill_in_training
full_disk
reload
many_starts
other_groups
moved_output
run_beside_the_service
limits
other_units
upgrade
removal

echo "$passed passed, $failed failed in $(($(date +%s) - began)) s"
if [ "$failed" -gt 0 ]; then
  show_journal
  exit 1
fi
