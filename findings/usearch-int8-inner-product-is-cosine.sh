#!/usr/bin/env bash
# A usearch index of inner products with dtype="i8" forgets how long the vectors are
#
# Seen: 2026-11-30, usearch 2.26.6, NumPy 2.4.6 (CPython 3.11, x86_64).
#
# One would guess: i8 keeps one byte a number, all with the same factor, so that long items stay long. The order of
# the items is that of the inner products but for rounding, as it is with f16 and bf16; vectors that do not fit into
# the range are refused or cut. The distance is 1 - inner product.
#
# In fact: each vector is divided by its own length and multiplied by 127, whatever the metric. The index ranks by
# cosine, and popular items, which training makes long, lose their advantage: of the ten best of 2000 items with
# lengths of 0.05 to 0.9, fewer than five are found. get() of a vector gives the 127-fold unit vector in integers. The
# distances are 1 - the product of those integers, about -9000 for a good item. Nothing is said when items are added.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install usearch==2.26.6 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from usearch.index import Index

N, D, K = 2000, 32, 10
rng = np.random.default_rng(1)


def units(n):
    x = rng.standard_normal((n, D)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


directions, queries = units(N), units(50)
items = directions * rng.uniform(0.05, 0.9, (N, 1)).astype(np.float32)
by_product, by_cosine = (np.argsort(-queries @ x.T, axis=1)[:, :K] for x in (items, directions))


def share(ids, best):
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(ids.tolist(), best.tolist())]))


found = {}
for dtype in ("f32", "f16", "bf16", "i8"):
    index = Index(ndim=D, metric="ip", dtype=dtype)
    index.add(np.arange(N), items)
    matches = index.search(queries, K, exact=True)
    length = float(np.linalg.norm(index.get(0).astype(float)))
    found[dtype] = share(matches.keys, by_product), share(matches.keys, by_cosine), float(matches.distances[0, 0]), length
    print(f"metric ip, {dtype}: {found[dtype][0]:.3f} of the best by inner product, {found[dtype][1]:.3f} of the best "
          f"by cosine; first distance {found[dtype][2]:.4g}; length of item 0: {length:.4g} "
          f"(added: {np.linalg.norm(items[0]):.4g})")
product, cosine, distance, length = found.pop("i8")
still = (product < 0.7 and cosine > 0.85 and distance < -1000 and 120 < length < 130 and
         all(f[0] > 0.95 and f[3] < 1 for f in found.values()))
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
