#!/bin/sh
# Makes the Debian packages and asks lintian about them. packages.sh runs this in a clean root, where
# /src/librecsys is the checkout; the packages and lintian.txt land beside it.
set -eux
cd /src/librecsys
apt-get -q update
apt-get -qy install --no-install-recommends dpkg-dev
apt-get -qy build-dep --no-install-recommends ./
dpkg-buildpackage --build=binary --no-sign

# A second build begins with "clean", which leaves the checkout as it was.
debian/rules clean > /dev/null
test ! -e debian/tmp && test ! -e debian/recsysd.service

# After the build, so that nothing that lintian depends on is missing from Build-Depends.
apt-get -qy install --no-install-recommends lintian
lintian --allow-root --display-info --tag-display-limit 0 --fail-on error,warning ../*.changes > ../lintian.txt || {
  cat ../lintian.txt
  exit 1
}
cat ../lintian.txt
