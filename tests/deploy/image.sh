#!/usr/bin/env bash
# Builds the image of examples/deploy/docker with buildah and runs its program as a container would.
#
#   sudo tests/deploy/image.sh
#
# Run by hand before a release: it needs root, debootstrap, buildah and some ten minutes. No registry of
# images is asked: the image that the Dockerfile begins with is a root of debootstrap under its name.
# buildah runs the steps in a chroot, and so does this script with the result: where containers are not
# allowed, this still is. The root is read-only; the user, the environment, the command and the check of
# health are those that the image says; there are no capabilities, and no gain of them.
set -eu
cd "$(dirname "$0")/../.."
place=${RECSYS_PACKAGES:-$PWD/build/packages}
program=${RECSYS_TEST_BIN:-build/release/bin}
dockerfile=examples/deploy/docker/Dockerfile
base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' $dockerfile)
[ "$(id -u)" = 0 ] || { echo "image.sh: run as root" >&2; exit 2; }
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot CONTAINERS_STORAGE_CONF=$place/storage.conf
mkdir -p "$place"
printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' "$place/containers-run" \
  "$place/containers" > "$place/storage.conf"

if ! buildah images -q "$base" > /dev/null 2>&1; then
  root=$place/image-base
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
  rm -rf "$root"
  unshare --mount debootstrap --variant=minbase bookworm "$root" "$mirror" > "$place/image-base.log"
  apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' > "$root/etc/apt/apt.conf.d/90host" || true
  # Debian makes its slim images without these, too.
  rm -rf "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/{lib/apt/lists,cache/apt}/*
  container=$(buildah from scratch)
  buildah add -q "$container" "$root" / > /dev/null
  buildah commit -q --rm "$container" "$base" > /dev/null
  rm -rf "$root"
fi
if ! buildah bud --format docker --layers=false --pull-never -t recsysd:test -f $dockerfile . > "$place/image.log" 2>&1; then
  tail -n 20 "$place/image.log"
  exit 1
fi

container=$(buildah from --pull-never recsysd:test)
root=$(buildah mount "$container")
models=$place/image-models
daemon=
finish() {
  [ -z "$daemon" ] || kill "$daemon" 2> /dev/null || true
  buildah rm "$container" > /dev/null
  rm -rf "$models"
}
trap finish EXIT
says() { # says FIELD: of the image's configuration
  buildah inspect --format "{{$1}}" "$container"
}
ok() {
  echo "ok: $*"
}

rm -rf "$models" && mkdir -p "$models/registry"
PYTHONPATH=tests/daemon python3 -c 'import make_bundle, sys; make_bundle.make_bundle(sys.argv[1])' "$models/bundle"
"$program/recsysctl" publish "$models/bundle" --registry "$models/registry" --name films --alias champion
echo a-key-of-the-test > "$models/registry/api-keys"
chmod -R a+rX "$models"
mapfile -t environment < <(says 'range .Docker.Config.Env}}{{.}}{{"\n"}}{{end')
mapfile -t entrypoint < <(says 'range .Docker.Config.Entrypoint}}{{.}}{{"\n"}}{{end')
mapfile -t health < <(says 'range .Docker.Config.Healthcheck.Test}}{{.}}{{"\n"}}{{end')
user=$(says .Docker.Config.User)
test "$user" = recsysd && test "${health[0]}" = CMD
ids=$(awk -F : -v name="$user" '$1 == name { print "--reuid=" $3 " --regid=" $4 }' "$root/etc/passwd")
# shellcheck disable=SC2206 # a list of words
plain=(setpriv $ids --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all
  env -i "${environment[@]}" RECSYSD_MODEL=models:/films@champion
  RECSYSD_API_KEYS_FILE=/var/lib/recsysd/registry/api-keys)

# A network of its own, so that the ports are free, whatever listens on this machine.
unshare --mount --ipc --uts --net sh -ec '
  root=$1 models=$2
  shift 2
  ip link set lo up
  mount --make-rprivate /
  mount --bind "$root" "$root"
  mount --bind "$models/registry" "$root/var/lib/recsysd/registry"
  mount -o remount,bind,ro "$root/var/lib/recsysd/registry"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  mount -o remount,bind,ro "$root"
  exec chroot "$root" "$@"' sh "$root" "$models" "${plain[@]}" "${entrypoint[@]}" > "$place/image-daemon.log" 2>&1 &
daemon=$!
contained() { # contained COMMAND...: beside the daemon
  nsenter --target "$daemon" --mount --net --root --wd "${plain[@]}" "$@"
}

for _ in $(seq 600); do
  contained "${health[@]:1}" 2> /dev/null && break
  kill -0 "$daemon"
  sleep 0.1
done
contained "${health[@]:1}"
ok "the daemon lives: the image's check of health says so"
until contained /bin/bash -c 'exec 3<> /dev/tcp/127.0.0.1/8001 && printf "GET /health/ready HTTP/1.0\r\n\r\n" >&3 &&
  grep -q "HTTP/1.[01] 200" <&3'; do
  kill -0 "$daemon"
  sleep 0.2
done
ask='exec 3<> /dev/tcp/127.0.0.1/8000; body="{\"user_id\": 1}"
printf "POST /api/v1/predict HTTP/1.0\r\n$1Content-Type: application/json\r\nContent-Length: ${#body}\r\n\r\n$body" >&3
cat <&3'
contained /bin/bash -c "$ask" sh 'X-API-Key: a-key-of-the-test\r\n' | grep -q '"recommendations":\[{'
contained /bin/bash -c "$ask" sh '' | head -n 1 | grep -q ' 401 '
ok "clients with a key get recommendations, others 401"
test "$(awk '$1 == "Uid:" { print $2, $3 }' "/proc/$daemon/status")" = \
  "$(awk -F : -v name="$user" '$1 == name { print $3, $3 }' "$root/etc/passwd")"
test "$(awk '/^Cap(Prm|Eff|Bnd):/ && $2 !~ /^0*$/' "/proc/$daemon/status")" = ""
ok "it runs as $user without capabilities"
for folder in / /var/lib/recsysd /var/cache/recsysd /tmp /var/lib/recsysd/registry; do
  ! contained /bin/bash -c "echo x > $folder/x" 2> /dev/null || exit 1
done
ok "it needs no folder that it can write to"
kill "$daemon"
wait "$daemon"
daemon=
ok "it ends with status 0 at SIGTERM"
test ! -e "$root/usr/bin/systemctl" && test ! -e "$root/usr/bin/gcc" && test ! -e "$root/src"
base_root=$(buildah mount "$(buildah from --pull-never --name recsysd-base "$base")")
whole=$(du -xsm "$root" | cut -f 1) before=$(du -xsm "$base_root" | cut -f 1)
buildah rm recsysd-base > /dev/null
ok "$whole MB, $((whole - before)) of them more than $base"
