#!/usr/bin/env python3
"""Item and user factors of models that implicit has trained, as raw float32 files.

    train_factors.py --kind als --factors 64 --out DIR [--ratings ml-latest-small/ratings.csv]
                     [--items 100000 --users 50000] [--regularization 0.05]

Without ratings the choices are made up: items have a popularity that falls as a power of their
rank, items and users have a few interests of 24, and users choose mostly what is popular within
theirs. So the vectors are those of a trained model (lengths that follow popularity, a spectrum that
falls), and only the people are made up. BPR's item bias becomes one of the factors, as implicit
itself multiplies it. Writes items.f32 and queries.f32, which are users in random order, and prints
a line of JSON.
"""
import argparse
import json
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from scipy.sparse import coo_matrix  # noqa: E402

INTERESTS = 24


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kind", choices=("als", "bpr"), required=True)
    p.add_argument("--factors", type=int, default=64)
    p.add_argument("--regularization", type=float, default=0.05)
    p.add_argument("--iterations", type=int, default=0, help="0: 8 of ALS, 40 of BPR")
    p.add_argument("--ratings")
    p.add_argument("--items", type=int, default=100000)
    p.add_argument("--users", type=int, default=50000)
    p.add_argument("--per-user", type=int, default=60)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--out", required=True)
    return p.parse_args()


def rated(path):
    rows = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1))
    users, items = (np.unique(rows[:, i], return_inverse=True)[1] for i in (0, 1))
    return coo_matrix((np.ones(len(rows), np.float32), (users, items))).tocsr()


def made_up(args):
    draw = np.random.default_rng(args.seed)
    popularity = (1.0 + np.arange(args.items)) ** -0.8
    of_item = draw.integers(INTERESTS, size=args.items)
    users, items = [], []
    tables = []
    for interest in range(INTERESTS):
        members = np.flatnonzero(of_item == interest)
        tables.append((members, np.cumsum(popularity[members]) / popularity[members].sum()))
    everything = np.cumsum(popularity) / popularity.sum()
    for user in range(args.users):
        own = draw.choice(INTERESTS, size=3, replace=False)
        n = 1 + draw.poisson(args.per_user)
        where = draw.integers(4, size=n)            # a quarter is anything
        for part in range(3):
            members, table = tables[own[part]]
            items.append(members[np.searchsorted(table, draw.random(int((where == part).sum())))])
        items.append(np.searchsorted(everything, draw.random(int((where == 3).sum()))))
        users.append(np.full(n, user))
    pairs = np.concatenate(users), np.minimum(np.concatenate(items), args.items - 1)
    seen = coo_matrix((np.ones(len(pairs[0]), np.float32), pairs), shape=(args.users, args.items)).tocsr()
    seen.data[:] = 1
    return seen


def main():
    args = parse_args()
    seen = rated(args.ratings) if args.ratings else made_up(args)
    begin = time.perf_counter()
    if args.kind == "als":
        from implicit.cpu.als import AlternatingLeastSquares
        model = AlternatingLeastSquares(factors=args.factors, regularization=args.regularization, alpha=20.0,
                                        iterations=args.iterations or 8, num_threads=args.threads,
                                        random_state=args.seed)
    else:
        from implicit.cpu.bpr import BayesianPersonalizedRanking
        model = BayesianPersonalizedRanking(factors=args.factors - 1, regularization=args.regularization,
                                            iterations=args.iterations or 40, num_threads=args.threads,
                                            random_state=args.seed)
    model.fit(seen, show_progress=False)
    items, users = (np.ascontiguousarray(x[:, :args.factors], dtype="<f4")
                    for x in (model.item_factors, model.user_factors))
    users = users[np.random.default_rng(2).permutation(len(users))]
    users = np.tile(users, (-(-4000 // len(users)), 1))[:4000]
    os.makedirs(args.out, exist_ok=True)
    for name, rows in (("items.f32", items), ("queries.f32", users)):
        rows.tofile(os.path.join(args.out, name))
    norms = np.sort(np.linalg.norm(items, axis=1))[::-1]
    print(json.dumps({"kind": args.kind, "n": len(items), "d": items.shape[1], "choices": int(seen.nnz),
                      "seconds": round(time.perf_counter() - begin, 1),
                      "norms": {q: round(float(np.quantile(norms, 1 - float(q))), 4)
                                for q in ("0.01", "0.1", "0.5", "0.9")}}))


if __name__ == "__main__":
    main()
