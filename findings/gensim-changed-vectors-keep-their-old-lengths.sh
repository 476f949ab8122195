#!/usr/bin/env bash
# gensim reports a similarity of 121 after a vector was replaced, and cannot search at all after one was added
#
# Seen: 2026-11-30, gensim 4.4.0, NumPy 2.4.6, SciPy 1.17.1 (CPython 3.11).
#
# One would guess: kv[key] = vector, add_vector() and add_vectors(..., replace=True) are for changing the vectors of a
# KeyedVectors, and the next most_similar() sees what they did. It reports cosines, which are at most 1. Whether
# somebody has searched before does not matter.
#
# In fact: the first most_similar() computes the lengths of all vectors and keeps them. A change afterwards does not
# update them. A replaced vector that is longer than the old one is divided by the old length: its cosine is above 1, and
# it comes first for everyone; a shorter one is not found any more. similarity() divides by the right length, so the two
# disagree. After a new key most_similar() raises ValueError (operands could not be broadcast). fill_norms(force=True)
# after each change helps; none of the three functions calls it. Without a search before the change all is right.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install gensim==4.4.0 numpy==2.4.6 scipy==1.17.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from gensim.models import KeyedVectors

vectors = np.random.default_rng(1).standard_normal((100, 8)).astype(np.float32)
changes = {
    "kv[key] = vector": lambda kv: kv.__setitem__("k5", 100 * vectors[6]),
    "add_vectors(replace=True)": lambda kv: kv.add_vectors(["k5"], [100 * vectors[6]], replace=True),
    "a new key": lambda kv: kv.add_vectors(["new"], [100 * vectors[6]]),
}
seen = {}
for name, change in changes.items():
    for searched, repaired in ((False, False), (True, False), (True, True)):
        kv = KeyedVectors(8)
        kv.add_vectors([f"k{i}" for i in range(100)], vectors)
        if searched:
            kv.most_similar("k0")
        change(kv)
        if repaired:
            kv.fill_norms(force=True)
        key = "new" if name == "a new key" else "k5"
        try:
            outcome = f"{kv.most_similar('k6', topn=1)[0][0]} {kv.most_similar('k6', topn=1)[0][1]:.2f}"
        except ValueError as error:
            outcome = f"ValueError: {str(error)[:34]}"
        seen[name, searched, repaired] = outcome
        print(f"{name}, {'after' if searched else 'without'} a search{' and then fill_norms()' if repaired else ''}: "
              f"most similar to k6: {outcome}; similarity() with it: {kv.similarity('k6', key):.2f}")
still = all(outcome == (f"{'new' if name == 'a new key' else 'k5'} 1.00" if not searched or repaired else
                        "ValueError: operands could not be broadcast to" if name == "a new key" else "k5 121.26")
            for (name, searched, repaired), outcome in seen.items())
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
