#!/usr/bin/env bash
# Builds with -DBUILD_SHARED_LIBS=OFF, installs that, and builds consumers against it.
#
#   tests/install/static_only.sh SOURCE_DIR BUNDLE
#
# No shared library of ours may be made or needed: by the programs, by a consumer
# that uses find_package, or by one that asks pkg-config without --static.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
bundle=$(cd "$2" && pwd)
room=$(mktemp -d "${TMPDIR:-/tmp}/recsys-static.XXXXXX")
trap 'rm -rf "$room"' EXIT
cc=${CC:-cc}

cmake -S "$source" -B "$room/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DBUILD_SHARED_LIBS=OFF \
  -DRECSYS_BUILD_EXAMPLES=OFF -DCMAKE_C_COMPILER="$cc"
cmake --build "$room/build"
cmake --install "$room/build" --prefix "$room/prefix"

needs_none_of_ours() {
  if ldd "$1" | grep librecsys; then
    echo "FAILED: $1 needs a shared library of ours"
    exit 1
  fi
}
if find "$room/build" "$room/prefix" -name '*recsys*.so*' | grep .; then
  echo "FAILED: shared libraries were built"
  exit 1
fi
needs_none_of_ours "$room/prefix/bin/recsysd"
needs_none_of_ours "$room/prefix/bin/recsysctl"
"$room/prefix/bin/recsysd" --help > "$room/help"

mkdir "$room/cmake"
cat > "$room/cmake/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(recsys 0.2 REQUIRED COMPONENTS redis postgres mlflow)
add_executable(core "$here/consumer.c")
target_link_libraries(core PRIVATE recsys::recsys)
foreach(name redis postgres mlflow)
  add_executable(\${name} "$here/consumer_\${name}.c")
  target_link_libraries(\${name} PRIVATE recsys::\${name})
endforeach()
END
cmake -S "$room/cmake" -B "$room/cmake/build" -DCMAKE_PREFIX_PATH="$room/prefix" \
  -DCMAKE_C_COMPILER="$cc"
cmake --build "$room/cmake/build"
"$room/cmake/build/core" "$bundle" > "$room/by_find_package"
"$room/cmake/build/redis"
"$room/cmake/build/postgres"
"$room/cmake/build/mlflow"
needs_none_of_ours "$room/cmake/build/redis"

PKG_CONFIG_PATH=$(dirname "$(find "$room/prefix" -name recsys.pc)")
export PKG_CONFIG_PATH
text=$(pkg-config --cflags --libs recsys)
eval "flags=($text)"
$cc "$here/consumer.c" -o "$room/consumer" "${flags[@]}"
"$room/consumer" "$bundle" > "$room/by_pkg_config"
needs_none_of_ours "$room/consumer"
[ -s "$room/by_find_package" ]
cmp "$room/by_find_package" "$room/by_pkg_config"
