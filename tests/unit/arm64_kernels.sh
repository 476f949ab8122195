#!/usr/bin/env bash
# The kernels for arm64, made by a cross compiler and run by an emulator on other processors.
#
#   tests/unit/arm64_kernels.sh FOLDER   the programs go into FOLDER
#
# Without compiler or emulator: skipped (exit status 77), with CI=true a failure. Debian's
# packages are gcc-aarch64-linux-gnu and qemu-user.
set -eu
folder=$1
cd "$(dirname "$0")/../.."

for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
  if ! command -v "$tool" > /dev/null; then
    echo "arm64_kernels.sh: no $tool; examples/install_dependencies.sh --tests installs it" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 77
  fi
done
mkdir -p "$folder"

run() { # run KERNEL TEST SOURCE...: tests/unit/TEST.c, which prints the kernels it has run
  local kernel=$1 test=$2 kernels
  shift 2
  aarch64-linux-gnu-gcc -std=c11 -O2 -Wall -Wextra -Werror -ffp-contract=off -D_DEFAULT_SOURCE \
    -static -I. -Iinclude "tests/unit/$test.c" "$@" -lm -o "$folder/arm64_$test"
  kernels=$(qemu-aarch64 -cpu max "$folder/arm64_$test")
  echo "$kernels"
  grep -qx "$kernel" <<< "$kernels" || { echo "arm64_kernels.sh: $kernel was not run" >&2; exit 1; }
}

run dotprod test_code_kernels lib/score/code_kernel*.c lib/bundle/codes.c lib/bundle/short_codes.c
run neon test_kernels lib/score/kernel*.c lib/score/canonical.c
