#!/bin/sh
# hiredis1.sh SOURCE [BUILD] - the Redis tests with another hiredis than the distribution's.
#
# SOURCE is the directory of any hiredis 1.x with its *.c files. It is built as static libraries
# beside BUILD (a new temporary directory unless given), the project is configured to find them
# first, and every test about Redis is run. Nothing is installed.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
source=$(cd "${1:?usage: hiredis1.sh SOURCE [BUILD]}" && pwd)
build=${2:-$(mktemp -d)}
prefix=$build/hiredis
number() { sed -n "s/^#define HIREDIS_$1 *//p" "$source/hiredis.h"; }
version=$(number MAJOR).$(number MINOR).$(number PATCH)

mkdir -p "$prefix/include/hiredis" "$prefix/lib/pkgconfig" "$prefix/objects"
cp "$source"/*.h "$prefix/include/hiredis/"
for part in alloc async hiredis net read sds sockcompat; do
    cc -O2 -g -fPIC -D_GNU_SOURCE -I"$source" -c "$source/$part.c" -o "$prefix/objects/$part.o"
done
cd "$prefix/objects"
ar rcs "$prefix/lib/libhiredis.a" alloc.o async.o hiredis.o net.o read.o sds.o sockcompat.o
printf 'Name: hiredis\nDescription: under test\nVersion: %s\nLibs: -L%s/lib -lhiredis\nCflags: -I%s/include\n' \
    "$version" "$prefix" "$prefix" > "$prefix/lib/pkgconfig/hiredis.pc"

echo "hiredis $version"
PKG_CONFIG_PATH=$prefix/lib/pkgconfig cmake -S "$here" -B "$build/recsys" -G Ninja \
    -DCMAKE_BUILD_TYPE=Debug -DRECSYS_WERROR=${RECSYS_WERROR:-OFF} -DRECSYS_BUILD_TESTS=ON -DRECSYS_BUILD_DAEMON=OFF \
    -DRECSYS_BUILD_EXAMPLES=OFF > "$build/configure.log"
programs=$(cd "$here/tests" && ls unit/test_redis_*.c fault/redis_*.c integration/redis_*.c |
    sed 's/\.c$//; s/\//_/')
ninja -C "$build/recsys" $programs
for program in $programs; do
    "$build/recsys/tests/$program"
done
