#!/bin/sh
# Installs the system libraries that the build needs and that are missing, if possible.
set -eu

if ! command -v swift > /dev/null; then
  echo "swift: not found (a Swift 6.2 or newer toolchain expected). See https://swift.org/install." >&2
  exit 1
fi

missing=""
test -e /usr/include/png.h || missing="$missing libpng-dev"
test -e /usr/include/jpeglib.h || missing="$missing libjpeg-dev"
# On some systems these two lie in an architecture-specific folder.
header() { test -e "/usr/include/$1" || ls /usr/include/*/"$1" > /dev/null 2>&1; }
header tiffio.h || missing="$missing libtiff-dev"
header webp/decode.h || missing="$missing libwebp-dev"
test -e /usr/include/lcms2.h || missing="$missing liblcms2-dev"
test -e /usr/include/openssl/evp.h || missing="$missing libssl-dev"
test -e /usr/include/sqlite3.h || missing="$missing libsqlite3-dev"
test -z "$missing" && exit 0

if ! command -v apt-get > /dev/null; then
  echo "missing libraries:$missing (or their names on your system). Install them first." >&2
  exit 1
fi
if test "$(id -u)" -eq 0; then
  sudo=""
elif command -v sudo > /dev/null; then
  sudo="sudo"
else
  echo "missing libraries:$missing. Install them: apt-get install$missing" >&2
  exit 1
fi
echo "installing$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
