#!/usr/bin/env bash
# Makes the Debian packages in a clean root and tries them in another one, as a user would.
#
#   sudo tests/deploy/packages.sh [--keep] [bookworm|trixie]...
#
# Run by hand before a release: it needs root, debootstrap and some ten minutes for each release of
# Debian. packages_build.sh runs in the first root, packages_try.sh in the second one. The packages and
# the logs stay in build/packages/; so do the clean roots with --keep, for the next run.
#
# Whatever is mounted, is mounted in a mount namespace and ends with it, whatever kills this script.
set -eu
cd "$(dirname "$0")/../.."
place=${RECSYS_PACKAGES:-$PWD/build/packages}
keep=no
if [ "${1:-}" = --keep ]; then
  keep=yes
  shift
fi
[ $# -gt 0 ] || set -- bookworm trixie
[ "$(id -u)" = 0 ] || { echo "packages.sh: run as root" >&2; exit 2; }
command -v debootstrap > /dev/null || { echo "packages.sh: install debootstrap" >&2; exit 2; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Label: Debian' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
mkdir -p "$place"

# inside ROOT ARCHIVES COMMAND...: with a clean environment; apt keeps what it fetches in ARCHIVES.
inside() {
  mkdir -p "$2"
  unshare --mount --pid --fork --kill-child=KILL sh -ec '
    mount --make-rprivate /
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount --bind "$2" "$1/var/cache/apt/archives"
    root=$1
    shift 2
    exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
}

make_root() { # make_root RELEASE
  local root=$place/$1
  [ ! -e "$root.done" ] || return 0
  rm -rf "$root"
  unshare --mount debootstrap --variant=minbase "$1" "$root" "$mirror" || return 1
  # The root can be made again, so no file of it has to survive a crash.
  echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/90host"
  # A mirror that is behind, as the host's apt knows, would be one that apt refuses as expired.
  apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' > "$root/etc/apt/apt.conf.d/90host" || true
  cp -L /etc/resolv.conf "$root/etc/"
  touch "$root.done"
}

# README.md's program in C, and our examples, with nothing else of this checkout.
put_programs() { # put_programs FOLDER
  awk '/^```c$/ { text = ""; inside = 1; next }
    inside && /^```$/ { inside = 0; if (text ~ /int main/) { printf "%s", text; exit } }
    inside { text = text $0 "\n" }' README.md > "$1/readme.c"
  cp examples/0[0-9]_*.c tests/deploy/packages_try.sh "$1"
}

try() { # try RELEASE
  local build=$place/$1-build user=$place/$1-user made=$place/debs-$1
  rm -rf "$build" "$user" "$made"
  make_root "$1" && cp -a "$place/$1" "$build" && cp -a "$place/$1" "$user" || return 1
  mkdir -p "$build/src/librecsys" "$user/packages" "$made"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$build/src/librecsys" || return 1
  inside "$build" "$place/archives-$1" /src/librecsys/tests/deploy/packages_build.sh || return 1
  cp "$build"/src/*.deb "$build"/src/lintian.txt "$made/"
  cp "$made"/*.deb "$user/packages/" && rm -f "$user"/packages/*-dbgsym_*.deb
  put_programs "$user/packages"
  inside "$user" "$place/archives-$1" /packages/packages_try.sh
}

p=0 f=0
for release in "$@"; do
  start=$SECONDS
  if try "$release" > "$place/$release.log" 2>&1; then
    p=$((p + 1))
    size=$(cd "$place/debs-$release" && du -ch ./*.deb | tail -n 1 | cut -f 1)
    echo "$release: $(grep -c '^ok: ' "$place/$release.log") checks, $size of packages," \
      "$((SECONDS - start)) s; lintian: $(grep -cE '^[EW]: ' "$place/debs-$release/lintian.txt" || true) errors and warnings"
  else
    f=$((f + 1))
    echo "$release: failed after $((SECONDS - start)) s, log: $place/$release.log"
    tail -n 20 "$place/$release.log"
  fi
  rm -rf "$place/$release-build" "$place/$release-user"
  [ "$keep" = yes ] || rm -rf "${place:?}/$release" "$place/$release.done" "$place/archives-$release"
done
echo "$p passed, $f failed"
[ "$f" -eq 0 ]
