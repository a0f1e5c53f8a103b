#!/bin/sh
# Fuzzes the saved files that figmentd and figment read, for SECONDS (default 300), with the address sanitizer.
# Findings are kept in FOLDER/findings. The programs are built first, which takes as long as a first build.
set -eu
cd "$(dirname "$0")/../.."
seconds="${1:-300}"
folder="${2:-.build/state-fuzz}"
swift="${SWIFT:-swift}"

# A folder of its own: code with a sanitizer is another build.
build() { $swift build -c release --sanitize=address --scratch-path .build-asan "$@"; }
build --product figmentd
build --product figment

exec python3 Tests/Fuzz/state_fuzz.py --bin "$(build --show-bin-path)" --seconds "$seconds" --folder "$folder"
