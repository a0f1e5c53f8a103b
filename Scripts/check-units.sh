#!/bin/sh
# Checks the service files: systemd must accept them, and their exposure must not exceed 1.0.
set -eu
cd "$(dirname "$0")/.."

if ! command -v systemd-analyze > /dev/null; then
  echo "systemd-analyze: not found, so the service files were not checked (package systemd expected)." >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The binary and the document are not installed here; existing files take their place.
for unit in figmentd.service figmentd@.service figmentd.socket; do
  sed -e 's|/usr/bin/figmentd|/bin/true|' -e '/^Documentation=/d' "Systemd/$unit" > "$scratch/$unit"
done
cp "$scratch/figmentd@.service" "$scratch/figmentd@tenant.service"
findings=$(systemd-analyze verify --man=no "$scratch/figmentd.service" \
  "$scratch/figmentd@tenant.service" "$scratch/figmentd.socket" 2>&1) || {
  echo "$findings" >&2
  exit 1
}
if test -n "$findings"; then
  echo "$findings" >&2
  exit 1
fi
# The threshold is ten times the exposure.
for unit in figmentd.service figmentd@.service; do
  systemd-analyze security --offline=true --threshold=10 --no-pager "Systemd/$unit" > "$scratch/score" || {
    cat "$scratch/score" >&2
    exit 1
  }
  tail -n 1 "$scratch/score"
done
