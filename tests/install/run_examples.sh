#!/usr/bin/env bash
# Runs every program of examples/ and says what failed.
#
#   tests/install/run_examples.sh BUILD_DIR BUNDLE
#
# BUILD_DIR is a build with examples, as build/release; BUNDLE a bundle with
# integer ids, a catalogue and users 1 and 2, as the demo data gives. An example
# passes if it ends with status 0, complains about nothing and prints what it is
# there to show. The trainer has tests of its own, which run here too.
set -u
if [ $# -ne 2 ]; then
  sed -n '4p' "$0" | sed 's/^# */usage: /' >&2
  exit 2
fi
build=$1
bundle=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
if [ -z "${RECSYS_TEST_POSTGRES:-}" ]; then # some of them need servers
  exec python3 "$here/../support/servers.py" run "$scratch" -- "$0" "$@"
fi
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

expect() { # expect PATTERN COMMAND...: the output has a line that matches
  local pattern=$1 status
  shift
  "$@" > "$scratch/out" 2> "$scratch/err"
  status=$?
  if [ "$status" -eq 0 ] && [ ! -s "$scratch/err" ] && grep -Eq "$pattern" "$scratch/out"; then
    echo "ok: $(basename "$1")"
    passed=$((passed + 1))
  else
    echo "FAILED (status $status): $*"
    cat "$scratch/out" "$scratch/err"
    failed=$((failed + 1))
  fi
}

expect '^0\.[0-9]{3}  .* \([0-9]{4}\)' "$build/examples/01_recommend" "$bundle" 2
expect '^[1-9][0-9]* answers and 0 failures during 11 swaps' "$build/examples/02_hot_swap" "$bundle"
expect '^best of [1-9][0-9]* items rated 7 or more$' "$build/examples/03_score" "$bundle"
expect '^after it was invalidated: profile of user 42, loaded 2 times$' "$build/examples/04_cache"
expect '^  0\.76  Love and Explosions$' "$build/examples/05_build" "$scratch/by-hand"
expect '^loaded 2 times$' "$build/examples/06_cache_aside"
expect '^applied' "$build/bin/recsysctl" migrate --demo --database "$RECSYS_TEST_POSTGRES"
expect '^near Seoul City Hall: \[\{"id":' "$build/examples/07_domains" "$RECSYS_TEST_POSTGRES" \
  "redis://127.0.0.1:$RECSYS_TEST_REDIS"
for cache in "" "redis://127.0.0.1:$RECSYS_TEST_REDIS/10"; do
  expect '^miss \[{"item_id":296},{"item_id":318}\]$' "$build/examples/08_own_domain" "$RECSYS_TEST_POSTGRES" ${cache:+"$cache"}
done

if [ -x "$build/bin/recsys-train-als" ]; then
  output=$(python3 "$here/train_als_test.py" --bin "$build/bin" 2>&1)
  echo "$output"
  passed=$((passed + $(echo "$output" | sed -n 's/^\([0-9]*\) passed, .*/\1/p' | tail -n 1 | grep . || echo 0)))
  failed=$((failed + $(echo "$output" | sed -n 's/.* passed, \([0-9]*\) failed$/\1/p' | tail -n 1 | grep . || echo 1)))
else
  echo "recsys-train-als is not built: no LAPACK"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
