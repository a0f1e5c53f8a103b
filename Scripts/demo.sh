#!/bin/sh
# The whole way in a scratch folder: a daemon starts, images appear in the folder that it watches, a model learns from
# them privately, and synthetic images come out. Nothing is downloaded: the images are drawn.
#
#   Scripts/demo.sh BIN    BIN is a folder that holds figmentd and figment; make demo builds them and calls this.
#
# FIGMENT_DEMO names the scratch folder (default: a new one in /tmp). DEMO_RECIPE, DEMO_EPSILON, DEMO_STEPS (default: 200,
# half of the recipe's, which is enough for drawn shapes), DEMO_IMAGES (drawn) and DEMO_COUNT (synthetic) change the run.
set -eu

bin=${1:?a folder that holds figmentd and figment is expected, for example .build/release}
recipe=${DEMO_RECIPE:-pixel-28-quick}
epsilon=${DEMO_EPSILON:-3}
steps=${DEMO_STEPS:-200}
images=${DEMO_IMAGES:-20000}
count=${DEMO_COUNT:-1000}
for program in figmentd figment; do
  if [ ! -x "$bin/$program" ]; then
    echo "$bin/$program: no such program (a folder with figmentd and figment expected). Run make build first." >&2
    exit 1
  fi
done
bin=$(cd "$bin" && pwd)
project=$(cd "$(dirname "$0")/.." && pwd)
scratch=${FIGMENT_DEMO:-$(mktemp -d /tmp/figment-demo.XXXXXX)}
mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)
if [ -n "$(ls -A "$scratch")" ]; then
  echo "$scratch is not empty (a new or an empty folder expected)." >&2
  exit 1
fi
export FIGMENT_SOCKET="$scratch/control.sock"
log="$scratch/figmentd.log"
daemon=

# The daemon ends with the demo, however that ends; a failure shows what the daemon wrote.
finish() {
  code=$?
  trap - EXIT
  if [ -n "$daemon" ]; then
    kill "$daemon" 2> /dev/null || true
    wait "$daemon" 2> /dev/null || true
  fi
  if [ "$code" -ne 0 ]; then
    if [ "$code" -lt 128 ] && [ -s "$log" ]; then
      echo "The daemon's log, $log, ends with:" >&2
      tail -n 40 "$log" >&2
    fi
    echo "The demo did not reach its end. To remove what it left: rm -rf '$scratch'" >&2
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# wait_until WHAT COMMAND: calls the command again and again until it succeeds, for about a minute.
wait_until() {
  tries=0
  until "$2"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 300 ] || ! kill -0 "$daemon" 2> /dev/null; then
      echo "The daemon does not $1." >&2
      return 1
    fi
    sleep 0.2
  done
}

is_answered() { "$bin/figment" status > /dev/null 2>&1; }
are_found() { "$bin/figment" datasets --json | grep -Eq "\"usable\" : $images(,|\$)"; }

# A row of the plan's table.
planned() { echo "$plan" | sed -n "s/^$1  *//p"; }

mkdir "$scratch/watched"
cat > "$scratch/config.yaml" << CONFIG
output: "$scratch/output"
recipes: "$project/Models"
release: {mode: "0700"}
datasets:
  glyphs:
    root: "$scratch/watched"
    settle: 1
    policy: {epsilon_max: $epsilon, delta: 1.0e-6}
CONFIG

echo "1. A daemon starts and watches an empty folder."
"$bin/figmentd" serve --config "$scratch/config.yaml" --state "$scratch/state" --socket "$FIGMENT_SOCKET" 2> "$log" &
daemon=$!
wait_until answer is_answered
echo "   All files of this demo are in $scratch."

echo "2. Images appear in the folder. They are drawn here, and stand for images that nobody may see."
drawn=$("$bin/figmentd" draw-glyphs --count "$images" "$scratch/watched")
wait_until "find $images usable images" are_found
"$bin/figment" preview glyphs --recipe "$recipe" --output "$scratch/private.png" > /dev/null
echo "   ${drawn%%:*}; the daemon has found and checked all of them."

echo "3. What will the recipe $recipe cost? The daemon answers before anything is spent."
plan=$("$bin/figment" plan glyphs --recipe "$recipe" --steps "$steps" --count "$count")
time=$(planned time)
echo "   $(planned steps) steps on about $(planned 'expected batch') images each${time:+; about $time on this machine}."
echo "   Epsilon $(planned epsilon): $(planned meaning)."
echo "$plan" | sed -n 's/^Warning: /   Warning: /p'

echo "4. It trains on gradients that are clipped for each image and noisy in sum, then it draws $count images."
"$bin/figment" train glyphs --recipe "$recipe" --steps "$steps" --count "$count" --watch

release="$scratch/output/glyphs-1"
echo "5. The ledger recorded every step before it was computed. Is it whole?"
echo "   $("$bin/figment" ledger verify glyphs | sed 's/, newest record.*//')."
cat << END

To see what came out:
  xdg-open $release/samples.png    # synthetic images, a row for each class
  xdg-open $scratch/private.png    # real ones, to compare
  xdg-open $release/report.html    # the report
  ls $release    # the release, the only folder to share
To draw more, at no cost in privacy:
  $bin/figmentd generate --model $release --count 5000 --output $scratch/more
To remove everything:
  rm -rf '$scratch'
END
