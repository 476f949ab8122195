#!/usr/bin/env bash
# The kernels for arm64, made by a cross compiler and run by an emulator on other processors.
#
#   tests/unit/arm64_kernels.sh FOLDER   the program goes into FOLDER
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
aarch64-linux-gnu-gcc -std=c11 -O2 -Wall -Wextra -Werror -ffp-contract=off -D_DEFAULT_SOURCE -static \
  -I. -Iinclude tests/unit/test_code_kernels.c lib/score/code_kernel*.c -lm \
  -o "$folder/arm64_kernels"
kernels=$(qemu-aarch64 -cpu max "$folder/arm64_kernels")
echo "$kernels"
grep -qx dotprod <<< "$kernels" || { echo "arm64_kernels.sh: dotprod was not run" >&2; exit 1; }
