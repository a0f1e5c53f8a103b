#!/bin/sh
# Fuzzes the image decoders for SECONDS (default 300) from the golden files and the odd images;
# needs clang with libFuzzer, and Python 3.
# Findings are written to FOLDER/crash-*, and new files that reach new code stay in FOLDER/corpus.
set -eu
cd "$(dirname "$0")/../.."
seconds="${1:-300}"
folder="${2:-.build/fuzz}"
mkdir -p "$folder/corpus" "$folder/odd"

# The odd images, many with a profile, are kept together in one file.
python3 - Tests/Golden/odd/odd.json "$folder/odd" <<'END'
import base64, json, sys
for number, file in enumerate(json.load(open(sys.argv[1]))["files"]):
    open(f"{sys.argv[2]}/{number}", "wb").write(base64.b64decode(file["data"]))
END

# shellcheck disable=SC2046 # a list of flags
${CLANG:-clang} -g -O1 -fsanitize=address,undefined,fuzzer -fno-sanitize-recover=all \
  -Wall -Wextra -Werror -ISources/CImageCodecs -ISources/CImageCodecs/include \
  Tests/Fuzz/image_fuzz.c $(ls Sources/CImageCodecs/*.c) \
  -lpng16 -ljpeg -ltiff -lwebp -llcms2 -lz -o "$folder/image_fuzz"

"$folder/image_fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=1024 \
  -artifact_prefix="$folder/" -print_final_stats=1 \
  "$folder/corpus" "$folder/odd" Tests/Golden/images Tests/Golden/formats
