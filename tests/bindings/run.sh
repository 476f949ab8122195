#!/usr/bin/env bash
# Runs the library from Python (ctypes) and from Go (cgo), installed as users have it.
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

build_go() { # cgocheck looks for Go pointers that C must not keep
  (cd "$here/cgo" && GOFLAGS=-mod=mod GOTOOLCHAIN=local go vet ./... &&
    GOTOOLCHAIN=local go build -o "$prefix/recsys-cgo" .)
}

run python3 "$here/ctypes_program.py" "$library" "$bundle"
run build_go
run env GODEBUG=cgocheck=1 "$prefix/recsys-cgo" "$bundle"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
