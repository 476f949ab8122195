#!/usr/bin/env bash
# voyager's get_distance() gives another distance than query() for inner products, and another order
#
# Seen: 2026-11-30, voyager 2.2.3, NumPy 2.4.6 (CPython 3.11).
#
# One would guess: get_distance(a, b) is the distance that a query for a reports for b, which is 1 - inner product in
# Space.InnerProduct. It is what one takes to rank a few items by hand, or to compare a score with a query's. It takes
# two vectors of callers and nothing of the index, so the items that are in the index do not matter.
#
# In fact: it does so in an empty index only. For inner products voyager gives each vector one more number that makes
# all equally long, and a query has 0 there. get_distance() gives that number to both vectors and adds the
# product to the result: the distance depends on the longest item in the index, and since the number is small for long
# vectors, long items look far: the best item by get_distance() is not the best item of query(). With Cosine and Euclidean
# both calls agree.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install voyager==2.2.3 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import voyager

N, D = 100, 16
rng = np.random.default_rng(1)
items, user = 3 * rng.standard_normal((N, D)).astype(np.float32), rng.standard_normal(D).astype(np.float32)
seen = {}
for space in (voyager.Space.Euclidean, voyager.Space.Cosine, voyager.Space.InnerProduct):
    index = voyager.Index(space, D)
    empty = index.get_distance(user, items[1])
    index.add_items(items)
    ids, distances = index.query(user, N, query_ef=10 * N)
    of_query = dict(zip(ids.tolist(), distances.tolist()))
    of_call = {i: index.get_distance(user, items[i]) for i in of_query}
    order = sorted(of_call, key=of_call.get)
    seen[space.name] = empty, of_query[1], of_call[1], len(set(order[:10]) & set(ids[:10].tolist()))
    print(f"{space.name}, user to item 1: query {of_query[1]:.4f}; get_distance {empty:.4f} while empty, "
          f"{of_call[1]:.4f} with {N} items; of the ten nearest of query get_distance has {seen[space.name][3]}")
print(f"1 - inner product is {1 - float(user @ items[1]):.4f}")


def near(a, b):
    return abs(a - b) < 1e-2


product = seen.pop("InnerProduct")
still = (all(near(e, q) and near(e, c) and same == 10 for e, q, c, same in seen.values()) and
         near(product[0], product[1]) and near(product[1], 1 - float(user @ items[1])) and
         product[2] < product[1] - 50 and product[3] < 9)
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
