#!/bin/sh
# Makes again the files of starting weights that are shipped beside the recipes, from images that a program draws.
#
#   Scripts/pretrain.sh BIN [FOLDER]
#
# BIN holds figmentd; the files are written to FOLDER (default: a new one in /tmp). Processors of
# the same kind make the same bytes as those in Models; others round differently.
set -eu

bin=${1:?a folder that holds figmentd is expected, for example .build/release}
models=$(cd "$(dirname "$0")/../Models" && pwd)
folder=${2:-$(mktemp -d /tmp/figment-weights.XXXXXX)}
mkdir -p "$folder"
made=0
for recipe in "$models"/*.yaml; do
  name=$(basename "$recipe" .yaml)
  # A recipe that names a file of another recipe makes none.
  grep -q "^ *weights: $name\$" "$recipe" || continue
  "$bin/figmentd" pretrain --recipe "$recipe" --output "$folder/$name.safetensors"
  made=$((made + 1))
done
if [ "$made" -eq 0 ]; then
  echo "$models: no recipe names weights of its own ('weights: NAME' on a line of its own expected)." >&2
  exit 1
fi
echo "The files are in $folder."
