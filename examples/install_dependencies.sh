#!/bin/sh
# install_dependencies.sh [--tests] - install what building librecsys needs.
#
# For Debian 12 and 13, Ubuntu 22.04 and 24.04, and distributions made from them.
# Installs only missing packages, all of them from the distribution, so a machine
# that has everything is not changed and needs no root. --tests adds the packages
# of the tests, the sanitizers and the fuzzers, servers included, but no service:
# no server is started, neither now nor when the machine starts.
set -eu

packages="build-essential cmake ninja-build pkg-config libopenblas-pthread-dev libjansson-dev libssl-dev
zlib1g-dev libxxhash-dev libhiredis-dev libpq-dev libcurl4-openssl-dev libhdf5-dev ca-certificates
curl python3"
# The list names OpenBLAS's flavour, because libopenblas-dev also accepts the serial one, which
# only one thread at a time can use. The tests need all three.
test_packages="libopenblas0-serial libopenblas0-openmp"
# redis-tools also has the server, under another name (tests/support/servers.py);
# the package redis-server would install it as a service.
test_packages="$test_packages libcmocka-dev clang clang-format wrk redis-tools python3-venv"
test_packages="$test_packages abigail-tools mandoc spin systemd"
# Some Python packages that the tests install are compiled on this machine.
test_packages="$test_packages python3-dev"
# The browser for recsysd's pages. Ubuntu has it as a snap only, and there tests/run.sh does without
# it unless one is installed.
grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null || test_packages="$test_packages chromium"
# For Swagger UI and for clients in TypeScript. A Node.js from elsewhere brings npm along.
command -v npm >/dev/null || test_packages="$test_packages nodejs npm"
# tests/run.sh --long runs Spark.
[ -z "${RECSYS_LONG:-}" ] || test_packages="$test_packages default-jre-headless"
# The kernels for arm64 are tested on other processors, too.
[ "$(uname -m)" = aarch64 ] || test_packages="$test_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
with_tests=no

for argument in "$@"; do
    case $argument in
    --tests)
        packages="$packages $test_packages"
        with_tests=yes
        ;;
    -h | --help)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "install_dependencies.sh: unknown argument '$argument'" >&2
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

# Some packages have a version in their name. It comes from the dependency of
# another package: clang depends on clang-14, so its sanitizers are
# libclang-rt-14-dev; postgresql on postgresql-15, so PostGIS is
# postgresql-15-postgis-3.
version_of() {
    apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: *$1-\([0-9][0-9]*\)\$/\1/p" | head -n 1
}
versioned_packages() {
    clang=$(version_of clang)
    if [ -n "$clang" ] && apt-cache show "libclang-rt-$clang-dev" >/dev/null 2>&1; then
        echo "libclang-rt-$clang-dev"
    fi
    postgres=$(version_of postgresql)
    if [ -n "$postgres" ]; then
        echo "postgresql-$postgres postgresql-$postgres-postgis-3"
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

install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# The package postgresql-N makes a database cluster and starts it, unless a file
# in this folder forbids it. This script puts one there during the installation.
settings=/etc/postgresql-common/createcluster.d
install_without_cluster() {
    trap 'as_root rm -f $settings/recsys.conf' EXIT
    trap 'exit 1' HUP INT TERM
    as_root mkdir -p $settings
    echo "create_main_cluster = false" | as_root tee $settings/recsys.conf >/dev/null
    install_packages "$@"
}

fixed_packages=$packages
[ $with_tests = no ] || packages="$fixed_packages $(versioned_packages)"
missing=$(list_missing)
if [ -z "$missing" ]; then
    echo "everything needed is installed"
    exit 0
fi

echo "installing with apt-get: $missing"
as_root apt-get update || echo "install_dependencies.sh: apt-get update failed; trying to install anyway" >&2
if [ $with_tests = yes ]; then # only now is it sure that apt knows the versions
    packages="$fixed_packages $(versioned_packages)"
    missing=$(list_missing)
fi
# shellcheck disable=SC2086 # lists of words
case " $missing" in
*" postgresql-"*) install_without_cluster $missing ;;
*) install_packages $missing ;;
esac
