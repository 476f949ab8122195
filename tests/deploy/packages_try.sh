#!/bin/bash
# Tries the Debian packages that lie beside this file. packages.sh runs this in a clean root.
set -eu
cd "$(dirname "$0")"
here=$PWD

install() {
  apt-get -qy install --no-install-recommends "$@"
}

ok() { # what has been found right
  echo "ok: $*"
}

# Our files, other than the packages themselves and apt's.
ours() {
  find / -xdev \( -path /proc -o -path "$here" -o -path /tmp -o -path /var/cache/apt -o -path /var/lib/apt \) \
    -prune -o -name '*recsys*' -print
}

linked() { # linked FILE: the libraries that it needs itself
  objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'
}

apt-get -q update
install curl binutils

# Someone who only scores gets no client of Redis, PostgreSQL or HTTP.
install ./librecsys0.2_*.deb
! dpkg -s libhiredis0.14 libhiredis1.1.0 libpq5 2> /dev/null | grep '^Status: install ok' || exit 1
ok the library alone brings no adapter

install ./librecsys*.deb ./recsysd_*.deb ./python3-recsys_*.deb gcc libc6-dev pkg-config cmake make
folder=/usr/lib/$(gcc -print-multiarch)
for name in redis:hiredis postgres:libpq mlflow:libcurl; do
  linked "$folder/librecsys-${name%:*}.so.0.2" | grep -q "${name#*:}"
  ok "librecsys-${name%:*} is there, over ${name#*:}"
done
for program in recsysd recsysctl; do
  test "$($program --version)" = "$program $(dpkg-query -W -f '${source:Upstream-Version}' recsysd)"
  test -s "$(echo /usr/share/man/man*/$program.*.gz)"
  ! objdump -p /usr/bin/$program | grep -E 'RPATH|RUNPATH' || exit 1
  ok "$program runs, has a manual page and no path of its own to the libraries"
done

# Python, from a folder that is not ours.
cd /tmp
python3 - << 'END'
import importlib.metadata
import shutil

import recsys
import recsys.demo
from recsys import _native

assert importlib.metadata.version("recsys") == recsys.__version__
assert recsys.demo.model().recommend(1)
for name in ("redis", "postgres", "mlflow"):
    _native.adapter(name)
shutil.copytree(recsys.demo.folder(), "/tmp/bundle")
END
ok python3 imports the package, recommends, and loads all adapters

# C: the program of the README with pkg-config, shared and static, and with CMake.
gcc -Wall -Werror "$here/readme.c" $(pkg-config --cflags --libs recsys) -o shared
gcc -Wall -Werror "$here/readme.c" $(pkg-config --cflags recsys) -Wl,-Bstatic -lrecsys -Wl,-Bdynamic \
  $(pkg-config --static --libs recsys) -o static
mkdir -p consumer
cp "$here/readme.c" consumer/
cat > consumer/CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.18)
project(consumer LANGUAGES C)
find_package(recsys 0.2 REQUIRED COMPONENTS redis postgres mlflow)
add_executable(consumer readme.c)
target_link_libraries(consumer recsys::recsys)
END
cmake -S consumer -B consumer/build > /dev/null
cmake --build consumer/build > /dev/null
linked shared | grep -q librecsys.so.0.2
! linked static | grep librecsys || exit 1
./shared bundle > answer
test -s answer
./static bundle | cmp - answer
consumer/build/consumer bundle | cmp - answer
ok "the README's C program recommends: shared, static, by CMake"
for example in "$here"/0[0-9]_*.c; do
  gcc "$example" $(pkg-config --cflags --libs recsys recsys-redis recsys-postgres recsys-mlflow) -o example
done
ok every example links

# The daemon: its user, its files, its unit, and that it serves with the settings of the package.
config=/etc/recsysd/recsysd.conf
id recsysd
test "$(stat -c %U:%a $config)" = root:644
dpkg-query -W -f '${Conffiles}' recsysd | grep -q $config
unit=$(dpkg -L recsysd | grep '/recsysd.service$')
test ! -e /etc/systemd/system/multi-user.target.wants/recsysd.service
systemd-analyze verify --man=no "$unit"
systemd-analyze security --offline=true "$unit" | tail -n 1 | tee security
awk '{ for (i = 1; i < NF; i++) if ($i == "recsysd.service:") exit !($(i + 1) < 2.0) } END { if (!NR) exit 1 }' security
ok the unit is right, hardened and not enabled
for folder in $(sed -n 's/^StateDirectory=//p' "$unit"); do # as systemd makes them
  command install -d -o recsysd -g recsysd "/var/lib/$folder"
done
mkdir -p /var/cache/recsysd

serve() { # serve COMMAND...: while recsysd runs as its user
  setpriv --reuid=recsysd --regid=recsysd --clear-groups recsysd --config $config > recsysd.log 2>&1 &
  daemon=$!
  for _ in $(seq 600); do
    curl -sf localhost:8000/health/live > /dev/null && break
    kill -0 $daemon || { cat recsysd.log; return 1; }
    sleep 0.1
  done
  "$@"
  kill $daemon
  wait $daemon
}
first_model() {
  test "$(curl -s -o /dev/null -w '%{http_code}' localhost:8000/health/ready)" = 503
  recsysctl publish bundle --registry /var/lib/recsysd/registry --name films --alias champion
  for _ in $(seq 1200); do
    curl -sf localhost:8000/health/ready > /dev/null && break
    sleep 0.1
  done
  predict
}
predict() {
  curl -sf localhost:8000/api/v1/predict -H 'Content-Type: application/json' -d '{"user_id": 1}' |
    python3 -c 'import json, sys; assert json.load(sys.stdin)["recommendations"]'
}
setpriv --reuid=recsysd --regid=recsysd --clear-groups recsysd --check --config $config
serve first_model
ok recsysd starts with the settings of the package, and serves the first model that is published

# An upgrade to the same thing with a higher version, after the operator has changed the settings.
mkdir newer
for package in "$here"/*.deb; do
  rm -rf unpacked
  dpkg-deb -R "$package" unpacked
  version=$(sed -n 's/^Version: //p' unpacked/DEBIAN/control)
  sed -i "s/$version/$version+1/g" unpacked/DEBIAN/control
  dpkg-deb --root-owner-group -b unpacked "newer/$(basename "$package")" > /dev/null
done
echo "# mine" >> $config
install ./newer/*.deb
dpkg-query -W -f '${Package} ${Version}\n' '*recsys*' | tee versions
! grep -v '+1$' versions || exit 1
tail -n 1 $config | grep -q mine
serve predict
python3 -c 'import recsys'
./shared bundle | cmp - answer
ok after an upgrade the settings are the operator\'s, the model and the programs work

apt-get -qy remove 'librecsys*' recsysd python3-recsys
tail -n 1 $config | grep -q mine
test -e /var/lib/recsysd/registry/films
ours > left
! grep -vE '^/(etc|var/lib|var/cache)/recsysd$|^/etc/recsysd/|^/var/lib/(recsysd|dpkg|systemd)/' left || exit 1
ok a removed daemon leaves settings and models
known() { # what dpkg still has of us; also names that others have mentioned, with "un"
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' '*recsys*' | grep -v '^un' || true
}
test "$(known)" = "rc  recsysd" # the others had nothing to leave
apt-get -qy purge recsysd
test -z "$(known)"
ours > left
cat left
test ! -s left
ok a purge leaves nothing
