#!/usr/bin/env bash
# A faiss index of inner products with a PCA of all dimensions in front returns other items
#
# Seen: 2026-11-30, faiss-cpu 1.15.1, NumPy 2.4.6 (CPython 3.11).
#
# One would guess: a PCA that keeps all dimensions is a rotation. A rotation changes no inner product, so
# "PCA32,Flat" returns what "Flat" returns, as it does with METRIC_L2 and as the rotations "RR32,Flat" do with either
# metric. Panorama, which is exact, asks for such a PCA in front.
#
# In fact: faiss's PCA subtracts the mean of the training vectors first, from items and from queries. Distances do
# not notice. Inner products do: (q - m)(x - m) is another order of items unless the mean is 0, and vectors that
# were trained on what people choose have a large mean. Of the ten best of 5000 items of mean 0.3 and deviation 1,
# 6.3 are found; no message says so, and the scores are those of the moved vectors.
# have_bias = False after the training makes it the rotation that it looks like.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install faiss-cpu==1.15.1 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" - <<'PYTHON'
import sys

import faiss
import numpy as np

N, D, K = 5000, 32, 10
rng = np.random.default_rng(1)
items, queries = (rng.standard_normal((n, D)).astype(np.float32) + np.float32(0.3) for n in (N, 200))


def best(index):
    index.train(items)
    if isinstance(index, faiss.IndexPreTransform) and keep_mean:
        faiss.downcast_VectorTransform(index.chain.at(0)).have_bias = False
    index.add(items)
    return index.search(queries, K)[1]


found = {}
for metric, name in ((faiss.METRIC_L2, "L2"), (faiss.METRIC_INNER_PRODUCT, "inner product")):
    keep_mean = False
    plain = best(faiss.index_factory(D, "Flat", metric))
    for text, keep_mean in ((f"RR{D},Flat", False), (f"PCA{D},Flat", False), (f"PCA{D},Flat", True)):
        ids = best(faiss.index_factory(D, text, metric))
        share = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(plain.tolist(), ids.tolist())]))
        found[name, text[:3], keep_mean] = share
        print(f"{name}, {text}{', have_bias = False' if keep_mean else ''}: {share:.3f} of Flat's ten best")
lost = found.pop(("inner product", "PCA", False))
still = lost < 0.8 and all(share > 0.999 for share in found.values())
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
