#!/bin/sh
# Makes the files of starting weights again that are shipped beside the recipes, from images that a program draws alone.
#
#   Scripts/pretrain.sh BIN [FOLDER]
#
# BIN holds figmentd; the files are written to FOLDER (default: a new one in /tmp). The same processor and number of
# threads give the same bytes as those in Models; another processor rounds otherwise. Takes about an hour on two cores.
set -eu

bin=${1:?a folder that holds figmentd is expected, for example .build/release}
models=$(cd "$(dirname "$0")/../Models" && pwd)
folder=${2:-$(mktemp -d /tmp/figment-weights.XXXXXX)}
for recipe in "$models"/*.yaml; do
  name=$(basename "$recipe" .yaml)
  # A recipe that names a file of another recipe makes none.
  grep -q "^ *weights: $name\$" "$recipe" || continue
  "$bin/figmentd" pretrain --recipe "$recipe" --output "$folder/$name.safetensors"
done
echo "The files are in $folder."
