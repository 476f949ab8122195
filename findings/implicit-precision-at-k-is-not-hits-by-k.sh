#!/usr/bin/env bash
# implicit's precision_at_k divides by min(K, held-out items), and not user by user
#
# Seen: 2026-11-29, implicit 0.7.3, NumPy 2.4.6, SciPy 1.17.1 (CPython 3.11).
#
# One would guess: precision at K of a user is hits / K, and the figure is the mean over users. Two held-out items,
# both among ten recommended ones: 0.2. Of two users, one with all of its one item found and one with none of its
# ten: 0.05.
#
# In fact: the hits of all users are added up and divided by the sum of min(K, held-out items). The first case gives
# 1.0, the second 1/11. So a user with many held-out items counts for more than one with few, a perfect list of a
# user with one item has precision 1, and the figure is beside recall, not beside other libraries' precision: five
# to ten times as high where users have one or two held-out items. ndcg and map of the same call are means over users.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install implicit==0.7.3 numpy==2.4.6 scipy==1.17.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
OPENBLAS_NUM_THREADS=1 "$work/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.evaluation import ranking_metrics_at_k
from scipy.sparse import csr_matrix

K, ITEMS = 10, 40


def precision(user_factors, held_out):
    """A model of given vectors: item i has the vector (ITEMS - i, i), so users order items as they like."""
    model = AlternatingLeastSquares(factors=2, num_threads=1)
    model.user_factors = np.array(user_factors, np.float32)
    model.item_factors = np.array([[ITEMS - i, i] for i in range(ITEMS)], np.float32)
    test = np.zeros((len(user_factors), ITEMS), np.float32)
    for user, items in enumerate(held_out):
        test[user, items] = 1
    ids, _ = model.recommend(np.arange(len(test)), csr_matrix(test.shape, dtype=np.float32), N=K)
    hits = [len(set(row) & set(items)) for row, items in zip(ids.tolist(), held_out)]
    figures = ranking_metrics_at_k(model, csr_matrix(test.shape, dtype=np.float32), csr_matrix(test), K=K,
                                   show_progress=False, num_threads=1)
    print(f"held-out items {[len(items) for items in held_out]}, hits {hits}: mean of hits/{K} is "
          f"{np.mean(hits) / K:.4f}, precision is {figures['precision']:.4f}, ndcg {figures['ndcg']:.4f}")
    return hits, figures["precision"]


first = [1, 0]  # likes items 0, 1, 2, ... in this order
one = precision([first], [[0, 1]])
two = precision([first, first], [[0], list(range(30, 40))])
still = one[0] == [2] and abs(one[1] - 1.0) < 1e-9 and two[0] == [1, 0] and abs(two[1] - 1 / 11) < 1e-9
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
