#!/usr/bin/env bash
# An NGT index of inner products ranks by the lengths that the first batch had, and longer items come last
#
# Seen: 2026-11-30, ngt 2.8.0.post1 (ngtpy), NumPy 2.4.6 (CPython 3.11).
#
# One would guess: what an index finds depends on the vectors in it, and not on how many calls brought them. Items that
# are added later are found like the others; with inner products the longest ones have the best chances.
#
# In fact: NGT adds one number to each vector that makes all as long as the longest. The longest one of the first
# batch_insert() counts for good: a later item that is longer gets 0 there, stays too long, and is far from everyone by
# the Euclidean distance that NGT then takes. The same 2000 items in one call: all of the ten best are found. In
# twenty calls, shortest first: none. In random order, the first 100 in a call of their own: one in twenty. No
# exception, no message, and epsilon does not help.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install ngt==2.8.0.post1 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cat >"$work/try.py" <<'PYTHON'
import sys

import ngtpy
import numpy as np

N, D, K = 2000, 16, 10
rng = np.random.default_rng(1)
items = (rng.standard_normal((N, D)) * rng.lognormal(0, 0.5, (N, 1))).astype(np.float32)
queries = rng.standard_normal((50, D)).astype(np.float32)
best = np.argsort(-queries @ items.T, axis=1)[:, :K].tolist()
by_length = np.argsort(np.linalg.norm(items, axis=1))
as_drawn = np.arange(N)
found = {}
for name, batches in (("in one call", [as_drawn]), ("shortest first, in one call", [by_length]),
                      ("shortest first, 100 a call", np.split(by_length, 20)),
                      ("longest first, 100 a call", np.split(by_length[::-1], 20)),
                      ("in random order, the first 100 in a call of their own", [as_drawn[:100], as_drawn[100:]])):
    path = (sys.argv[1] + "/" + name.replace(" ", "-").replace(",", "")).encode()
    ngtpy.create(path, D, distance_type="Inner Product")
    index, ids = ngtpy.Index(path), np.concatenate(batches)
    for batch in batches:
        index.batch_insert(items[batch])
    answers = [[int(ids[i]) for i, _ in index.search(query, K, epsilon=1.0)] for query in queries]
    found[name] = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(answers, best)]))
    print(f"RESULT {N} items {name}: {found[name]:.3f} of the ten best are found")
one, sorted_one, ascending, descending, random = found.values()
still = one > 0.95 and sorted_one > 0.95 and descending > 0.95 and ascending < 0.2 and random < 0.9
print("RESULT", "still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
status=0
"$work/venv/bin/python" "$work/try.py" "$work" >"$work/out" 2>"$work/errors" || status=$? # NGT itself prints much
sed -n 's/^RESULT //p' "$work/out"
grep -q '^RESULT' "$work/out" || { tail -n 5 "$work/errors" >&2; exit 2; }
exit "$status"
