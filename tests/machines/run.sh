#!/usr/bin/env bash
# Runs the README's two commands on fresh Debian and Ubuntu machines and prints a table.
#
#   tests/machines/run.sh [OPTIONS] [MACHINE...]
#
#   MACHINE            debian-12, debian-13, debian-testing, debian-13-arm64 (these are the
#                      default), ubuntu-22.04, ubuntu-24.04 (which need the next option)
#   --ubuntu URL FILE  Ubuntu's mirror, and the file of keys that its package ubuntu-keyring has
#   --suites "NAME..." only these suites of tests/run.sh; "none" leaves tests/run.sh out
#   --again            make the roots again, though there are some of an earlier run
#   --table            only print what the last runs have found
#
# A machine is a root that debootstrap makes in build/machines/, from the mirror of
# the host's own apt, and a copy of it for every guest: root, a user with sudo, a
# user without. A guest sees the root, /proc, /sys (read only), a /dev of its own
# and the host's network; nothing else of the host, and nothing of its environment.
# Every mount is made in a mount namespace and ends with it, every process in a
# process namespace, whatever kills this script. The arm64 machine runs under
# qemu-user: the kernel is told of it in binfmt_misc for as long as the script runs.
#
# Needs root, Linux and debootstrap (and qemu-user-static for arm64), about 4 GB for
# each machine, and an hour for each. Results worth keeping go to docs/machines.md.
set -u
cd "$(dirname "$0")/../.." || exit 2
top=$PWD
place=$top/build/machines
suites=
again=no
guest=
binfmt=
bad=no
machines=()
debian_machines="debian-12 debian-13 debian-testing debian-13-arm64"
all_machines="$debian_machines ubuntu-22.04 ubuntu-24.04"
ubuntu=() # mirror, keys

usage() {
  sed -n '2,24s/^# \{0,1\}//p' "$0"
}

die() {
  echo "tests/machines/run.sh: $*" >&2
  exit 2
}

print_table() {
  local machine
  echo "| machine | who | command | result | time | download |"
  echo "|---|---|---|---|---|---|"
  for machine in $all_machines; do
    [ ! -f "$place/results/$machine" ] || cat "$place/results/$machine"
  done
  echo
  for machine in $all_machines; do
    [ ! -f "$place/results/$machine.versions" ] || cat "$place/results/$machine.versions"
  done
}

while [ $# -gt 0 ]; do
  case $1 in
    --suites) [ $# -gt 1 ] || die "--suites needs names"; suites=$2; shift ;;
    --ubuntu) [ $# -gt 2 ] || die "--ubuntu needs a mirror and a file of keys"; ubuntu=("$2" "$3"); shift 2 ;;
    --again) again=yes ;;
    --table) print_table; exit 0 ;;
    -h|--help) usage; exit 0 ;;
    *) case " $all_machines " in
         *" $1 "*) machines+=("$1") ;;
         *) die "no machine $1; there are: $all_machines" ;;
       esac ;;
  esac
  shift
done
# shellcheck disable=SC2206 # a list of words
[ ${#machines[@]} -gt 0 ] || machines=($debian_machines)
[ "$(id -u)" = 0 ] || die "run as root"
command -v debootstrap > /dev/null || die "install debootstrap"

finish() {
  [ -z "$guest" ] || kill -KILL "$guest" 2> /dev/null
  if [ -n "$binfmt" ]; then
    kill "$binfmt"
    in_binfmt '[ ! -e recsys-arm64 ] || echo -1 > recsys-arm64' # older kernels keep it
  fi 2> /dev/null
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# The mirror that the host installs Debian from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Label: Debian' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
[ -n "$mirror" ] || die "apt knows no mirror of Debian; run apt-get update"

in_binfmt() {
  unshare --mount sh -c "cd /proc/sys/fs && mount -t binfmt_misc none binfmt_misc && cd binfmt_misc &&
    $1"
}

# arm64 programs are given to qemu; F: the kernel opens it now, so that the roots need none.
# Newer kernels forget it with the last mount, which a process of ours therefore keeps.
register_arm64() {
  local qemu='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  local program
  [ "$(uname -m)" != aarch64 ] || return 0
  ! in_binfmt 'grep -qs "^flags:.*F" qemu-aarch64' || return 0
  program=$(command -v qemu-aarch64-static) || die "install qemu-user-static"
  in_binfmt "[ -e recsys-arm64 ] || printf '%s' ':recsys-arm64:M::$qemu:$mask:$program:OCF' > register
    exec sleep infinity" > /dev/null 2>&1 &
  binfmt=$!
  for _ in 1 2 3 4 5; do
    ! in_binfmt 'grep -qs enabled recsys-arm64' || return 0
    sleep 1
  done
  die "the kernel does not take qemu for arm64 programs"
}

# The emulated processor has vectors of 256 bits, as Neoverse V1 has. qemu would give it 2048,
# where OpenBLAS 0.3.29 errs in single precision (docs/pitfalls.md).
arm64_cpu=max,sve-max-vq=2

# inside ROOT USER FOLDER LOG COMMAND...: with a clean environment; FOLDER is the root's.
inside() {
  local root=$1 user=$2 folder=$3 log=$4 home=/root emulated=TERM=dumb status
  case $root in *-arm64-*) emulated=QEMU_CPU=$arm64_cpu ;; esac
  shift 4
  [ "$user" = root ] || home=/home/$user
  unshare --mount --pid --ipc --uts --fork --kill-child=KILL sh -c '
    root=$1 user=$2 folder=$3 home=$4 emulated=$5
    shift 5
    set -e
    hostname guest
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    for name in null zero full random urandom tty; do
      touch "$root/dev/$name"
      mount --bind "/dev/$name" "$root/dev/$name"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    for name in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${name%:*}" "$root/dev/${name#*:}"; done
    exec chroot --userspec="$user" "$root" /usr/bin/env -i HOME="$home" USER="$user" TERM=dumb "$emulated" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$folder" "$@"
  ' sh "$root" "$user" "$folder" "$home" "$emulated" "$@" > "$log" 2>&1 < /dev/null &
  guest=$!
  wait "$guest"
  status=$?
  guest=
  return $status
}

# make_base MACHINE: the root as debootstrap leaves it, and what the host needs for its network.
make_base() {
  local base=$place/bases/$1 suite arch from=$mirror options=() script=()
  case $1 in
    debian-12) suite=bookworm ;;
    debian-13*) suite=trixie ;;
    debian-testing) suite=testing ;;
    ubuntu-22.04) suite=jammy ;;
    ubuntu-24.04) suite=noble ;;
  esac
  case $1 in
    ubuntu-*)
      [ ${#ubuntu[@]} -gt 0 ] || die "$1 needs --ubuntu"
      from=${ubuntu[0]}
      options=(--components=main,universe --keyring="${ubuntu[1]}")
      # The script of every Ubuntu since then; debootstrap may not know the newest ones' names.
      script=(gutsy)
      ;;
  esac
  case $1 in *-arm64) arch=arm64 ;; *) arch=amd64 ;; esac
  [ "$again" = no ] || rm -f "$base.done"
  [ ! -f "$base.done" ] || return 0
  rm -rf "$base"
  # In a mount namespace, so that no mount is left if it is killed.
  unshare --mount debootstrap --variant=minbase --arch="$arch" "${options[@]}" "$suite" "$base" \
    "$from" "${script[@]}" \
    > "$place/logs/$1-debootstrap.log" 2>&1 < /dev/null || return 1
  cp -L /etc/resolv.conf "$base/etc/resolv.conf"
  printf '127.0.0.1 localhost guest\n' > "$base/etc/hosts"
  # A mirror that is behind, as the host's apt knows, would be one that apt refuses as expired.
  apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' > "$base/etc/apt/apt.conf.d/90host"
  # Where a proxy looks into TLS, its certificate is needed, by pip under this name.
  if ls /usr/local/share/ca-certificates/*.crt > /dev/null 2>&1; then
    mkdir -p "$base/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$base/usr/local/share/ca-certificates/"
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > "$base/etc/pip.conf"
  fi
  chroot "$base" useradd --create-home --shell /bin/bash guest && touch "$base.done"
}

# Spaces in paths are part of the test.
source_folder() {
  [ "$1" = root ] && echo "/root/rec sys" || echo "/home/$1/rec sys"
}

# put_source ROOT USER: a checkout of the user's own.
put_source() {
  local folder
  folder=$1$(source_folder "$2")
  rm -rf "$folder"
  mkdir -p "$folder"
  git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2> /dev/null |
    tar -c -T - | tar -x -C "$folder" && chroot "$1" chown -R "$2:" "$(source_folder "$2")"
}

fresh_root() { # fresh_root MACHINE NAME: prints the root
  local root=$place/roots/$1-$2
  rm -rf "$root"
  mkdir -p "$place/roots"
  cp -a --reflink=auto "$place/bases/$1" "$root" || return 1
  if [ -d "$place/debs/$1" ]; then
    cp -a --reflink=auto "$place/debs/$1/." "$root/var/cache/apt/archives/"
  fi
  echo "$root"
}

row() { # row MACHINE WHO COMMAND RESULT SECONDS DOWNLOAD
  local time
  case $4 in
    failed*) bad=yes ;;
    *" failed"*) case $4 in *" 0 failed"* | *" 0 tests failed"*) ;; *) bad=yes ;; esac ;;
  esac
  time=$(printf '%d:%02d' $(($5 / 60)) $(($5 % 60)))
  printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" "$time" "$6" |
    tee -a "$place/results/$1"
}

# The bytes that apt had to fetch for it on a machine that has nothing: its lists, and the packages, of which
# a root may have some from an earlier run ("Need to get 0 B/121 MB of archives").
download() {
  awk 'function mb(n, unit) { return unit == "B" ? n / 1e6 : unit == "kB" ? n / 1e3 : n }
    /^Need to get / { sub(/^.*\//, ""); sub(/^Need to get /, ""); sum += mb($1, $2); packages = 1 }
    /^Fetched / && !packages { sum += mb($2, $3) }
    END { if (sum > 0) printf "%.0f MB\n", sum }' "$1"
}

# quickstart MACHINE ROOT USER WHO: it has served recommendations four times, or it has failed.
quickstart() {
  local log=$place/logs/$1-quickstart-${4//[^a-z]/-}.log start=$SECONDS result=failed
  put_source "$2" "$3"
  if inside "$2" "$3" "$(source_folder "$3")" "$log" ./examples/quickstart.sh &&
    [ "$(grep -c '^  (strategy ' "$log")" = 4 ]; then
    result=passed
  fi
  row "$1" "$4" quickstart.sh "$result" $((SECONDS - start)) "$(download "$log")"
}

# Without sudo and without packages it must say what is needed, and do nothing.
refusal() {
  local log=$place/logs/$1-refusal.log start=$SECONDS result="failed: no clear refusal"
  put_source "$2" guest
  if ! inside "$2" guest "$(source_folder guest)" "$log" ./examples/quickstart.sh &&
    grep -q 'run as root, or install sudo' "$log"; then
    result="says what is missing"
  fi
  row "$1" "user without sudo, nothing installed" quickstart.sh "$result" $((SECONDS - start)) ""
}

tests() {
  local log=$place/logs/$1-tests.log start=$SECONDS last
  [ "$suites" != none ] || return 0
  # shellcheck disable=SC2086 # a list of words
  inside "$2" root "$(source_folder root)" "$log" ./tests/run.sh $suites
  last=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$' || echo "failed")
  row "$1" root "tests/run.sh${suites:+ $suites}" "$last" $((SECONDS - start)) "$(download "$log")"
  rm -rf "$place/logs/$1-tests"
  cp -r "$2$(source_folder root)/build/test-logs" "$place/logs/$1-tests" 2> /dev/null
}

# The foreign machine runs few tests, because it is slow: the unit tests say whether it counts
# as others do. They alone are built, and they need no server, only their library.
unit_tests() {
  local log=$place/logs/$1-tests.log start=$SECONDS result
  [ "$suites" != none ] || return 0
  inside "$2" root "$(source_folder root)" "$log" sh -c 'apt-get install -y libcmocka-dev &&
    cmake --preset release -DRECSYS_TEST_SECONDS=3600 && ninja -C build/release $(cd tests && ls unit/*.c | sed "s/\.c$//; s/\//_/") &&
    ctest --test-dir build/release --output-on-failure -j "$(nproc)" -L unit'
  result=$(grep -E 'tests passed, [0-9]+ tests failed out of' "$log" || echo failed)
  row "$1" root "build, unit tests" "$result" $((SECONDS - start)) "$(download "$log")"
}

versions() { # versions MACHINE ROOT
  local log=$place/logs/$1-versions.log
  inside "$2" root / "$log" sh -c '
    for tool in gcc clang cmake; do
      ! command -v $tool > /dev/null || $tool --version | head -n 1
    done
    dpkg-query -W -f "\${Package} \${Version}\n" libc6 libopenblas0-pthread libjansson4 \
      libhiredis0.14 libhiredis1.1.0 libpq5 libssl3 libssl3t64 zlib1g libcmocka-dev redis-tools 2> /dev/null |
      grep -v " \$"'
  { echo "$1, $(date -u +%Y-%m-%d), $(git describe --always --dirty):"
    sed 's/^/    /' "$log"; } > "$place/results/$1.versions"
}

run_machine() {
  local root
  echo "# $1" >&2
  make_base "$1" || { tail -n 5 "$place/logs/$1-debootstrap.log"; row "$1" "" debootstrap failed 0 ""; return; }
  rm -f "$place/results/$1"
  root=$(fresh_root "$1" plain) || return
  refusal "$1" "$root"
  quickstart "$1" "$root" root root
  case $1 in
    *-arm64) unit_tests "$1" "$root" ;;
    *) quickstart "$1" "$root" guest "user without sudo, all installed" ;;
  esac
  case $1 in *-arm64) ;; *) tests "$1" "$root" ;; esac
  versions "$1" "$root"
  mkdir -p "$place/debs/$1"
  cp -n --reflink=auto "$root"/var/cache/apt/archives/*.deb "$place/debs/$1/"
  case $1 in *-arm64) return ;; esac
  root=$(fresh_root "$1" sudo) || return
  inside "$root" root / "$place/logs/$1-sudo.log" sh -c 'apt-get update && apt-get install -y sudo &&
    echo "guest ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/guest' || {
    row "$1" "user with sudo" "apt-get install sudo" failed 0 ""
    return
  }
  quickstart "$1" "$root" guest "user with sudo"
}

mkdir -p "$place/bases" "$place/logs" "$place/results"
for machine in "${machines[@]}"; do
  case $machine in *-arm64) register_arm64 ;; esac
  run_machine "$machine"
done
echo
print_table
[ "$bad" = no ]
