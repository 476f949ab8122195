#!/usr/bin/env bash
# Installs a build into a folder of its own and builds a consumer against it:
# by find_package, by pkg-config, and by pkg-config --static.
#
#   tests/install/run.sh BUILD_DIR BUNDLE
#
# All three must print the same recommendations for the bundle's first user. The
# adapters that were built get a consumer each, by find_package and by pkg-config.
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -ne 2 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
build=$(cd "$1" && pwd) || exit 2
bundle=$(cd "$2" && pwd) || exit 2
room=$(mktemp -d "${TMPDIR:-/tmp}/recsys install.XXXXXX") || exit 2 # paths may have spaces
trap 'rm -rf "$room"' EXIT
prefix=$room/prefix
passed=0
failed=0
cc=${CC:-cc}
strict=(-std=c11 -Wall -Wextra)
[ "${RECSYS_WERROR:-ON}" = OFF ] || strict+=(-Werror) # as tests/run.sh says for newer compilers

step() { # step WHAT COMMAND...
  local what=$1
  shift
  if "$@" > "$room/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok: $what"
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
    cat "$room/log"
    return 1
  fi
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

step "cmake --install" cmake --install "$build" --prefix "$prefix" || finish
libdir=$(dirname "$(find "$prefix" -name 'librecsys.so' | head -n 1)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
export LD_LIBRARY_PATH=$libdir

headers_are_all_there() {
  diff -r "$here/../../include/recsys" "$prefix/include/recsys"
}
step "the public headers, and nothing else, are installed" headers_are_all_there

nothing_outside_names_the_build() {
  # Paths of the machine it was built on have no place in what is installed.
  ! grep -rlF -e "$build" "$libdir/cmake" "$libdir/pkgconfig"
}
step "installed files do not name the build folder" nothing_outside_names_the_build

programs_find_their_libraries() {
  local program
  for program in "$1"/bin/*; do
    ! env -u LD_LIBRARY_PATH ldd "$program" | grep 'not found' || return 1
  done
}
step "installed programs find the libraries beside them" programs_find_their_libraries "$prefix"

sonames_name_the_minor_version() {
  local library count=0
  for library in "$libdir"/librecsys*.so; do
    readelf -d "$library" | grep -F "soname: [$(basename "$library").0.2]" || return 1
    count=$((count + 1))
  done
  [ "$count" -ge 1 ]
}
step "the sonames name the minor version, which may break" sonames_name_the_minor_version

# find_package must take what it may and nothing else.
find_package_takes() { # find_package_takes VERSION
  rm -rf "$room/version" && mkdir "$room/version" && cat > "$room/version/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(recsys $1 REQUIRED)
END
  cmake -S "$room/version" -B "$room/version/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc"
}
find_package_refuses() {
  ! find_package_takes "$1" > "$room/refused" 2>&1 &&
    grep 'recsysConfig.cmake, version: 0.2' "$room/refused" || ! cat "$room/refused"
}
step "find_package(recsys 0.2) is served" find_package_takes 0.2
for version in 0.1 0.3 1.0; do
  step "find_package(recsys $version) is refused" find_package_refuses $version
done

by_find_package() {
  mkdir -p "$room/cmake" && cat > "$room/cmake/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(recsys 0.2 REQUIRED)
add_executable(consumer "$here/consumer.c")
target_link_libraries(consumer PRIVATE recsys::recsys)
END
  cmake -S "$room/cmake" -B "$room/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" && cmake --build "$room/cmake/build" &&
    "$room/cmake/build/consumer" "$bundle" > "$room/by_find_package.txt"
}
step "a consumer by find_package" by_find_package

# pkg-config quotes what a shell would split, so it is a shell that must read it.
flags_of() { # flags_of PKG-CONFIG'S ARGUMENTS...: into the array `flags`
  local text
  text=$(pkg-config "$@") && eval "flags=($text)"
}

by_pkg_config() {
  flags_of --cflags --libs recsys &&
    $cc "${strict[@]}" "$here/consumer.c" -o "$room/shared" "${flags[@]}" &&
    "$room/shared" "$bundle" > "$room/by_pkg_config.txt"
}
step "a consumer by pkg-config" by_pkg_config

by_pkg_config_static() {
  # The archive lies beside the shared library, which -lrecsys would choose.
  flags_of --static --cflags --libs recsys &&
    $cc "${strict[@]}" "$here/consumer.c" -o "$room/static" "${flags[@]/#-lrecsys/-l:librecsys.a}" &&
    ! ldd "$room/static" | grep -q librecsys &&
    "$room/static" "$bundle" > "$room/by_pkg_config_static.txt"
}
step "a consumer by pkg-config --static" by_pkg_config_static

# Everything in one program, statically, which has a function of its own for every one that the
# archives keep to themselves, and calls none of theirs by accident.
static_program_has_names_of_its_own() {
  local library flag
  for library in "$libdir"/librecsys*.a; do
    ! nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | grep -v '^recsys_' || return 1
    nm --defined-only "$library" | awk 'NF == 3 && $3 ~ /^rs_[a-z0-9_]+$/ { print $3 }'
  done | sort -u > "$room/names"
  grep -qx rs_alloc "$room/names" && grep -qx rs_error "$room/names" || return 1
  {
    echo '#include <stdlib.h>'
    sed 's/.*/void &(void); void &(void) { abort(); }/' "$room/names"
    echo 'int redis(void); int postgres(void); int mlflow(void); int core(int, char **);'
    echo 'int main(int c, char **v) { return core(c, v) || redis() || postgres() || mlflow(); }'
  } > "$room/names.c"
  flags_of --static --cflags --libs recsys-redis recsys-postgres recsys-mlflow recsys || return 1
  for flag in "${!flags[@]}"; do
    case ${flags[$flag]} in -lrecsys*) flags[flag]=-l:lib${flags[$flag]#-l}.a ;; esac
  done
  $cc "${strict[@]}" -Dmain=core -c "$here/consumer.c" -o "$room/core.o" "${flags[@]}" &&
    $cc "${strict[@]}" -Dmain=redis -c "$here/consumer_redis.c" -o "$room/redis.o" "${flags[@]}" &&
    $cc "${strict[@]}" -Dmain=postgres -c "$here/consumer_postgres.c" -o "$room/postgres.o" \
      "${flags[@]}" &&
    $cc "${strict[@]}" -Dmain=mlflow -c "$here/consumer_mlflow.c" -o "$room/mlflow.o" "${flags[@]}" &&
    $cc "$room/names.c" "$room"/{core,redis,postgres,mlflow}.o -o "$room/all" "${flags[@]}" &&
    ! ldd "$room/all" | grep librecsys && "$room/all" "$bundle"
}
step "a static program may have functions called as the library's are inside" \
  static_program_has_names_of_its_own

static_needs_no_package_of_openssl() {
  # The libraries that libcrypto, libssl, libpq and libcurl need are not ours to ask for.
  local package
  mkdir -p "$room/packages" && for package in jansson libxxhash zlib; do
    cp "$(pkg-config --variable=pcfiledir $package)/$package.pc" "$room/packages" || return 1
  done
  for package in "$libdir"/pkgconfig/*.pc; do
    PKG_CONFIG_LIBDIR=$room/packages pkg-config --static --cflags --libs \
      "$(basename "$package" .pc)" || return 1
  done
}
step "pkg-config --static asks for no package of OpenSSL or PostgreSQL" \
  static_needs_no_package_of_openssl

adapter_by_find_package() {
  mkdir -p "$room/cmake-$1" && cat > "$room/cmake-$1/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(recsys 0.2 REQUIRED COMPONENTS $1)
add_executable(consumer "$here/consumer_$1.c")
target_link_libraries(consumer PRIVATE recsys::$1)
END
  cmake -S "$room/cmake-$1" -B "$room/cmake-$1/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" && cmake --build "$room/cmake-$1/build" &&
    "$room/cmake-$1/build/consumer"
}

adapter_by_pkg_config() {
  flags_of --cflags --libs "recsys-$1" &&
    $cc "${strict[@]}" "$here/consumer_$1.c" -o "$room/$1" "${flags[@]}" && "$room/$1"
}
for adapter in redis postgres mlflow; do
  if [ -f "$libdir/pkgconfig/recsys-$adapter.pc" ]; then
    step "a consumer of recsys::$adapter by find_package" adapter_by_find_package $adapter
    step "a consumer of recsys-$adapter by pkg-config" adapter_by_pkg_config $adapter
  fi
done

it_may_be_moved() {
  mv "$prefix" "$room/elsewhere" &&
    export PKG_CONFIG_PATH=${libdir/#"$prefix"/"$room/elsewhere"}/pkgconfig &&
    export LD_LIBRARY_PATH=${libdir/#"$prefix"/"$room/elsewhere"} &&
    by_pkg_config && programs_find_their_libraries "$room/elsewhere"
}
all_say_the_same() {
  [ -s "$room/by_find_package.txt" ] &&
    cmp "$room/by_find_package.txt" "$room/by_pkg_config.txt" &&
    cmp "$room/by_find_package.txt" "$room/by_pkg_config_static.txt"
}
step "all of them print the same recommendations" all_say_the_same
step "the installed folder may be moved" it_may_be_moved
finish
