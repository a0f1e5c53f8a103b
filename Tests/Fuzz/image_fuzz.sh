#!/bin/sh
# Fuzzes the image decoders for SECONDS (default 300) from the golden files; needs clang with libFuzzer.
# Findings are written to FOLDER/crash-*, and new files that reach new code stay in FOLDER/corpus.
set -eu
cd "$(dirname "$0")/../.."
seconds="${1:-300}"
folder="${2:-.build/fuzz}"
mkdir -p "$folder/corpus"

# shellcheck disable=SC2046 # a list of flags
${CLANG:-clang} -g -O1 -fsanitize=address,undefined,fuzzer -fno-sanitize-recover=all \
  -Wall -Wextra -Werror -ISources/CImageCodecs -ISources/CImageCodecs/include \
  Tests/Fuzz/image_fuzz.c $(ls Sources/CImageCodecs/*.c) \
  -lpng16 -ljpeg -ltiff -lwebp -lz -o "$folder/image_fuzz"

"$folder/image_fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=1024 \
  -artifact_prefix="$folder/" -print_final_stats=1 \
  "$folder/corpus" Tests/Golden/images Tests/Golden/formats
