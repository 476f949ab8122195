#!/usr/bin/env bash
# Runs the library from plain ctypes, installed as users have it.
#
#   tests/bindings/run.sh BUILD-FOLDER BUNDLE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
bundle=$(cd "$2" && pwd)
prefix=$build/bindings
passed=0
failed=0
rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" > "$build/bindings-install.log"
library=$(find "$prefix" -name 'librecsys.so' | head -n 1)
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
LD_LIBRARY_PATH=$(dirname "$library")
export PKG_CONFIG_PATH LD_LIBRARY_PATH OPENBLAS_NUM_THREADS=1

run() {
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $*"; fi
}

run python3 "$here/ctypes_program.py" "$library" "$bundle"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
