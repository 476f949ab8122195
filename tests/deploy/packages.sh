#!/usr/bin/env bash
# Makes the Debian packages in a clean root and tries them in another one, as a user would.
#
#   sudo tests/deploy/packages.sh [bookworm|trixie]...
#
# Run by hand before a release: it needs root, debootstrap and some minutes for each. The roots and the
# packages are in build/packages/.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD place=$PWD/build/packages
[ $# -gt 0 ] || set -- bookworm trixie
[ "$(id -u)" = 0 ] || { echo "packages.sh: run as root" >&2; exit 2; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Label: Debian' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
mkdir -p "$place"

# inside ROOT COMMAND: with a clean environment and mounts that end with it.
inside() {
  unshare --mount --pid --fork --kill-child=KILL sh -ec '
    mount --make-rprivate /
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
      sh -exc "$2"' sh "$1" "$2"
}

copy_of() { # copy_of ROOT NAME
  rm -rf "${place:?}/$2"
  cp -a "$place/$1" "$place/$2"
}

p=0 f=0
for release in "$@"; do
  if [ ! -e "$place/$release/etc/debian_version" ]; then
    rm -rf "${place:?}/$release"
    # In a mount namespace: what is mounted there ends with it, whatever kills this script.
    unshare --mount debootstrap --variant=minbase "$release" "$place/$release" "$mirror" \
      > "$place/$release.log"
    # A mirror that is behind, as the host's apt knows, would be one that apt refuses as expired.
    apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' \
      > "$place/$release/etc/apt/apt.conf.d/90host" || true
    cp /etc/resolv.conf "$place/$release/etc/"
  fi
  copy_of "$release" "$release-build"
  copy_of "$release" "$release-user"
  mkdir -p "$place/$release-build/src/librecsys" "$place/$release-user/packages"
  git ls-files -z | xargs -0 cp --parents -t "$place/$release-build/src/librecsys"
  cp -r examples/data "$place/$release-user/packages/"
  cp examples/01_recommend.c "$place/$release-user/packages/"
  if inside "$place/$release-build" 'cd /src/librecsys
      apt-get -q update && apt-get -qy install --no-install-recommends dpkg-dev
      apt-get -qy build-dep --no-install-recommends ./
      dpkg-buildpackage --build=binary --no-sign' >> "$place/$release.log" 2>&1 &&
    cp "$place/$release-build"/src/*.deb "$place/$release-user/packages/" &&
    inside "$place/$release-user" 'cd /packages
      apt-get -q update && apt-get -qy install --no-install-recommends ./librecsys0.2_*.deb ./recsysd_*.deb
      id recsysd
      test "$(stat -c %U /etc/recsysd/recsysd.conf)" = root
      recsysd --version
      mkdir -p /var/lib/recsysd/registry
      recsysd --check --config /etc/recsysd/recsysd.conf
      apt-get -qy install --no-install-recommends ./python3-recsys_*.deb
      cd /tmp && python3 -c "import recsys.demo; print(recsys.demo.model().recommend(1)); import shutil; shutil.copytree(recsys.demo.folder(), \"/tmp/bundle\")"
      recsysctl inspect /tmp/bundle
      recsysctl recommend /tmp/bundle --user 1
      apt-get -qy install --no-install-recommends /packages/librecsys-dev_*.deb gcc libc6-dev pkg-config
      gcc /packages/01_recommend.c -o first $(pkg-config --cflags --libs recsys) && ./first /tmp/bundle
      gcc /packages/01_recommend.c -o second $(pkg-config --cflags --libs recsys-redis recsys-postgres)
      apt-get -qy purge recsysd librecsys0.2 librecsys-dev python3-recsys
      test ! -e /etc/recsysd/recsysd.conf && test ! -e /usr/bin/recsysd' >> "$place/$release.log" 2>&1; then
    p=$((p + 1))
    echo "$release: $(cd "$place/$release-user/packages" && du -ch ./*.deb | tail -n 1 | cut -f 1) of packages"
  else
    f=$((f + 1))
    echo "$release: failed, log: build/packages/$release.log"
    tail -n 20 "$place/$release.log"
  fi
  rm -rf "${place:?}/$release-build" "${place:?}/$release-user"
done
echo "$p passed, $f failed"
[ "$f" -eq 0 ]
