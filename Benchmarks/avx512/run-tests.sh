#!/bin/sh
# Runs the kernel tests on the AVX-512 kernels where the processor has AVX2 alone: the same source,
# with `immintrin.h` beside this script in the place of the compiler's.
#
#     Benchmarks/avx512/run-tests.sh [filter of swift test]
#
# It proves tiles, masks, tails and the order of lanes, not the speed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/Sources" "$copy/Tests"
cp -r "$root/Sources/CKernels" "$root/Sources/Compute" "$copy/Sources"
cp -r "$root/Tests/ComputeTests" "$copy/Tests"
cp "$here/immintrin.h" "$copy/Sources/CKernels/isa/emulated.h"

cat > "$copy/Package.swift" <<'PACKAGE'
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
  name: "emulated",
  targets: [
    .target(
      name: "CKernels",
      cSettings: [
        .unsafeFlags([
          "-O2", "-mavx2", "-mfma", "-ffp-contract=off", "-Wno-psabi",
        ])
      ]),
    .target(name: "Compute", dependencies: ["CKernels"]),
    .testTarget(name: "ComputeTests", dependencies: ["Compute"]),
  ],
  swiftLanguageModes: [.v6])
PACKAGE

# Without the target attribute no AVX-512 instruction is emitted, and every processor has the set.
sed -i -e '/pragma clang attribute/d' -e '/__attribute__((target/d' \
  -e 's|<immintrin.h>|"emulated.h"|' "$copy/Sources/CKernels/isa/avx512.c"
sed -i 's/__builtin_cpu_supports("[a-z0-9]*")/1/g' "$copy/Sources/CKernels/dispatch.c"

FIGMENT_ISA=avx512 swift test --package-path "$copy" -c release -Xswiftc -enable-testing \
  --filter "${1:-ComputeTests}"
