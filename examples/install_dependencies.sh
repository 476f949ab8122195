#!/bin/sh
# install_dependencies.sh [--tests] - install what building librecsys needs.
#
# For Debian 12 and 13 and Ubuntu 22.04 and 24.04, and what is made of them. Only
# what is missing is installed, all of it from the distribution, so a machine
# that has everything is not touched and root is not needed on it. --tests adds
# what the tests, the sanitizers and the fuzzers need.
set -eu

packages="build-essential cmake ninja-build pkg-config libopenblas-dev libjansson-dev libssl-dev
zlib1g-dev libxxhash-dev libcivetweb-dev ca-certificates curl python3"

for argument in "$@"; do
    case $argument in
    --tests) packages="$packages libcmocka-dev clang clang-format wrk" ;;
    -h | --help)
        sed -n '2,7s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "install_dependencies.sh: what is '$argument' for?" >&2
        exit 2
        ;;
    esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "install_dependencies.sh: this is not Debian or Ubuntu; install by hand:" >&2
    echo "$packages" >&2
    exit 1
fi

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The sanitizers' run-time library has clang's version in its name, which is
# known once clang is: clang depends on clang-14, that one is wanted.
clang_runtime() {
    version=$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: *clang-\([0-9][0-9]*\)$/\1/p')
    if [ -n "$version" ] && apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1; then
        echo "libclang-rt-$version-dev"
    fi
}

list_missing() {
    for package in $packages; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "install_dependencies.sh: run as root, or install sudo: $*" >&2
        exit 1
    fi
}

missing=$(list_missing)
case $packages in *libcmocka-dev*) with_tests=yes ;; *) with_tests=no ;; esac
if [ $with_tests = yes ] && [ -z "$missing" ]; then
    packages="$packages $(clang_runtime)"
    missing=$(list_missing)
fi
if [ -z "$missing" ]; then
    echo "everything needed is installed"
    exit 0
fi

echo "installing with apt-get: $missing"
as_root apt-get update || echo "install_dependencies.sh: apt-get update failed; trying all the same" >&2
if [ $with_tests = yes ]; then
    packages="$packages $(clang_runtime)"
    missing=$(list_missing)
fi
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
