#!/usr/bin/env bash
# abidiff decides by a header's last name alone whether it is public
#
# Seen: 2026-11-28, libabigail 2.2 (Debian 12: abigail-tools 2.2-2), debug information of gcc 12.2.
#
# One would guess: abidiff --headers-dir1 OLD/include --headers-dir2 NEW/include takes the types that the files
# below these folders define as public. Its manual says so: changes "on types that are not defined in public
# headers" are filtered out. A struct of lib/model/model.h, which users see as an opaque pointer only, may grow.
#
# In fact: of each path only the last part is kept and compared. As soon as the public folder has
# a file of the same name (include/foo/model.h), the private lib/model/model.h counts as public, and its growth is
# reported as a change of the ABI (exit status 4). The very same library with the private header called
# lib/model/layout.h has none (0, "1 filtered out").
# So a project that names private headers like the public ones gets false alarms. A suppression file with
# source_location_not_regexp looks at more than the last part: 0 for both, and 4 when a public struct grows.
#
# Needs apt of Debian 12 and gcc. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -qq download abigail-tools=2.2-2 libabigail0=2.2-2 libctf0=2.40-2 libbinutils=2.40-2 libdw1=0.188-2.1 \
  libelf1=0.188-2.1 libxml2=2.9.14+dfsg-1.3~deb12u6 libicu72=72.1-3+deb12u1 2>apt.log || { cat apt.log >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" tools; done
libraries=$(echo tools/usr/lib/*-linux-gnu)
abidiff() { LD_LIBRARY_PATH=$work/$libraries "$work/tools/usr/bin/abidiff" "$@"; }
abidiff --version

make_library() { # folder, name of the private header, more fields of the private struct, of the public one
  mkdir -p "$1/include/foo" "$1/lib/model"
  cat >"$1/include/foo/model.h" <<C
typedef struct foo_model foo_model;
typedef struct foo_model_options { int limit; $4 } foo_model_options;
int foo_model_size(const foo_model *model, const foo_model_options *options);
C
  echo "struct foo_model { int size; $3 };" >"$1/lib/model/$2"
  cat >"$1/lib/model/model.c" <<C
#include <foo/model.h>
#include "$2"
int foo_model_size(const foo_model *model, const foo_model_options *options)
{
    return model->size < options->limit ? model->size : options->limit;
}
C
  gcc -g -fPIC -shared -I"$1/include" "$1/lib/model/model.c" -o "$1/libfoo.so" || exit 2
}

suppressions=$work/suppressions.ini
printf '[suppress_type]\n  type_kind = struct\n  source_location_not_regexp = include/foo/\n' >"$suppressions"
seen=
compare() { # name of the private header, what more is in the private struct of the newer version, in the public one
  rm -rf old new
  make_library old "$1" '' ''
  make_library new "$1" "$2" "$3"
  by_folder=0 by_regexp=0
  abidiff --headers-dir1 old/include --headers-dir2 new/include old/libfoo.so new/libfoo.so >report || by_folder=$?
  sed '/./!d; s/^/    /' report
  abidiff --suppressions "$suppressions" old/libfoo.so new/libfoo.so >report || by_regexp=$?
  echo "    exit status $by_folder, and with a suppression file instead $by_regexp"
  seen="$seen $by_folder $by_regexp"
}
echo "lib/model/model.h: the private struct grows"
compare model.h 'char more[16];' ''
echo "lib/model/layout.h: the private struct grows"
compare layout.h 'char more[16];' ''
echo "include/foo/model.h: the public struct grows"
compare layout.h '' 'char more[16];'
[ "$seen" = " 4 0 0 0 4 4" ] || { echo "this has changed:$seen instead of 4 0 0 0 4 4"; exit 1; }
echo "still so"
