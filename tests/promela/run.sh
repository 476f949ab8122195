#!/usr/bin/env bash
# Check the protocol of plain values (plain.pml) in every order of its steps, with spin.
#
# Each line below is a model and what must come of it: "holds", or "fails" where a step is left out
# or more is asked than the protocol promises. So a check that can find nothing is noticed, and what
# docs/caching-protocol.md says about neighbours is what the counterexamples say. The whole takes
# some twenty seconds; RECSYS_LONG=1 adds the largest model.
#
#   tests/promela/run.sh            all of them
#   tests/promela/run.sh -DNO_SEEN… one model, with its counterexample
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0

if ! command -v spin > /dev/null; then
  echo "spin is not installed: examples/install_dependencies.sh --tests"
  [ "${CI:-}" = true ] && exit 1
  exit 77
fi

make_checker() { # make_checker DEFINITION...
  spin -a "$@" "$here/plain.pml" > spin.log 2>&1 &&
    ${CC:-cc} -O2 -w -DSAFETY -DCOLLAPSE -DNOFAIR -DMEMLIM=4000 -o pan pan.c
}

check() { # check EXPECTED MEANING DEFINITION...
  local expected=$1 meaning=$2 found=none n
  shift 2
  rm -f ./*.trail
  make_checker "$@" && timeout 900 ./pan -m100000 -w24 > pan.log 2>&1
  # "Search not completed" and a depth that was too small are no proof.
  if grep -q 'errors: [1-9]' pan.log && grep -q 'assertion violated' pan.log; then
    found=fails
  elif grep -q 'errors: 0' pan.log && ! grep -qE 'not completed|max search depth|out of memory' pan.log; then
    found=holds
  fi
  n=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
  if [ "$found" = "$expected" ]; then
    passed=$((passed + 1))
    printf 'ok      %-6s %12s states  %s\n' "$found" "$n" "$meaning"
  else
    failed=$((failed + 1))
    printf 'FAILED  %-6s %12s states  %s: expected: %s (%s)\n' "$found" "$n" "$meaning" "$expected" "$*"
    tail -n 20 spin.log pan.log
  fi
}

if [ $# -gt 0 ]; then
  make_checker "$@" && ./pan -m100000 -w24
  [ -f plain.pml.trail ] && spin -t -p -g "$@" "$here/plain.pml" | tail -n 120
  exit 0
fi

ours="-DPROCESSES=3 -DKEYS=2 -DACTIONS=1"
beside="-DPROCESSES=2 -DKEYS=2 -DACTIONS=1 -DNEIGHBOUR" # three with the neighbour

# shellcheck disable=SC2086
{
  check holds "three processes of ours, two keys" $ours
  check holds "two processes, one key, twice as many actions" -DPROCESSES=2 -DKEYS=1 -DACTIONS=2
  check holds "two of ours and a neighbour, two keys: invalidations of ours" $beside
  [ "${RECSYS_LONG:-}" = 1 ] && check holds "three of ours and a neighbour, one key" \
    -DPROCESSES=3 -DKEYS=1 -DACTIONS=1 -DNEIGHBOUR

  check fails "without the lease" $ours -DNO_LEASE
  check fails "without the random bytes of a lease" $ours -DNO_TOKEN
  check fails "an invalidation that leaves the companion" $ours -DNO_COMPANION
  check fails "an invalidation that removes nothing" $ours -DNO_UNLINK
  check fails "a fill in two steps" $ours -DNO_ATOM
  check fails "without epoch and incarnation" $ours -DNO_ERA
  check fails "a new epoch that is none" $ours -DNO_EPOCH
  check fails "a restart that nobody notices" $ours -DNO_INCARNATION
  check fails "a companion for whatever value there is" $beside -DNO_FIT
  check fails "a neighbour's value, trusted, after an invalidation of ours" $beside -DTRUST

  check holds "our own values, where others are trusted" $ours -DTRUST -DTOGETHER
  check fails "a lease beside an old value of ours" $ours -DTRUST -DTOGETHER -DNO_CLEAR
  check fails "a companion that is evicted alone" $ours -DTRUST

  check fails "a neighbour's DEL does not end a load where nothing was" $beside -DPROMISE_DEL
  check holds "its UNLINK of both keys does" $beside -DPROMISE_DEL -DTWO_KEYS
  check holds "a neighbour's SET ends a load" $beside -DPROMISE_SET -DNEVER_EVICTED
  check fails "unless its value is evicted before the fill" $beside -DPROMISE_SET
  check fails "or the fill does not look at the value" $beside -DPROMISE_SET -DNEVER_EVICTED -DNO_SEEN
}

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
