#!/bin/sh
# The whole workflow in a scratch directory: a daemon starts, images are moved into its watched folder, a model
# trains privately, and synthetic images are written. Nothing is downloaded: the images are generated.
#
#   Scripts/demo.sh BIN    BIN contains figmentd and figment; make demo builds them and calls this script.
#
# FIGMENT_DEMO sets the scratch directory; DEMO_STEPS, DEMO_EPSILON and DEMO_COUNT change the run.
set -eu
cd "$(dirname "$0")/.."

bin=$1
project=$(pwd)
scratch=${FIGMENT_DEMO:-$(mktemp -d /tmp/figment-demo.XXXXXX)}
recipe=${DEMO_RECIPE:-dp-gan-28}
epsilon=${DEMO_EPSILON:-10}
steps=${DEMO_STEPS:-1200}
count=${DEMO_COUNT:-20000}
export FIGMENT_SOCKET="$scratch/control.sock"

mkdir -p "$scratch/watched" "$scratch/drawn"
cat > "$scratch/config.yaml" << CONFIG
output: $scratch/output
recipes: $project/Models
datasets:
  glyphs:
    root: $scratch/watched
    settle: 1
    policy:
      epsilon_max: $epsilon
      delta: 1.0e-5
CONFIG

echo "== the daemon starts in $scratch"
"$bin/figment" config check --config "$scratch/config.yaml"
"$bin/figmentd" serve --config "$scratch/config.yaml" --state "$scratch/state" \
  --socket "$FIGMENT_SOCKET" 2> "$scratch/figmentd.log" &
daemon=$!
stop() {
  kill "$daemon" 2> /dev/null || true
  wait "$daemon" 2> /dev/null || true
}
trap stop EXIT
trap 'exit 130' INT TERM

tries=0
until "$bin/figment" status > /dev/null 2>&1; do
  tries=$((tries + 1))
  if test "$tries" -gt 100 || ! kill -0 "$daemon" 2> /dev/null; then
    echo "the daemon does not answer; its log:" >&2
    cat "$scratch/figmentd.log" >&2
    exit 1
  fi
  sleep 0.1
done
"$bin/figment" status

echo "== $count images are moved into the watched folder"
"$bin/figmentd" draw-glyphs --count "$count" "$scratch/drawn"
mv "$scratch"/drawn/* "$scratch/watched/"
# The watcher finds them by itself; a rescan only saves the settle time.
until test "$("$bin/figment" files glyphs --verdict ok | wc -l)" -eq "$count"; do
  "$bin/figment" rescan glyphs > /dev/null
  sleep 1
done
"$bin/figment" datasets

echo "== the plan and its cost"
"$bin/figment" plan glyphs --recipe "$recipe" --epsilon "$epsilon" --delta 1e-5 --steps "$steps"

echo "== training"
"$bin/figment" train glyphs --recipe "$recipe" --epsilon "$epsilon" --delta 1e-5 --steps "$steps" \
  --count 1000 --watch

echo "== the spent budget and the results"
"$bin/figment" ledger verify glyphs
"$bin/figment" show glyphs-1
echo "All files are in $scratch; remove the folder when you no longer need it."
