#!/usr/bin/env python3
"""Recall and time of approximate search, one line of JSON for each setting.

    curve_peers.py --library hnswlib --items items.f32 --queries queries.f32 --n 100000 --d 64
                   --k 10 --threads 1

hnswlib and faiss-hnsw build graphs of 16 and 32 neighbours (200 while building) and search with
growing ef; on inner products as they are, and on the same items made equally long by one more
dimension, which is what graphs need. faiss-sq8 is an index of 8-bit numbers whose best candidates
are computed again (k_factor 2, 4, 8). Time is the median of single queries; recall counts ids of the
exact K best, which NumPy finds. Building is timed, too, and ends after --build-seconds: a graph that
is not finished then is left out.
"""
import argparse
import json
import os
import sys
import time

import numpy as np


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--library", choices=("hnswlib", "faiss-hnsw", "faiss-sq8"), required=True)
    p.add_argument("--items", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--n", type=int, required=True)
    p.add_argument("--d", type=int, required=True)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--n-queries", type=int, default=200)
    p.add_argument("--build-seconds", type=float, default=600)
    return p.parse_args()


args = parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)
EFS = (10, 20, 40, 80, 160, 320, 640, 1280)


def exact(items, queries):
    best = np.empty((len(queries), args.k), np.int64)
    for i in range(0, len(queries), 16):
        scores = queries[i:i + 16].astype(np.float64) @ items.T.astype(np.float64)
        best[i:i + 16] = np.argpartition(-scores, args.k, axis=1)[:, :args.k]
    return best


def made_equal(items, queries):
    """Inner products become distances: a dimension more in which each item has what it lacks."""
    norms = (items.astype(np.float64) ** 2).sum(axis=1)
    lacks = np.sqrt(np.maximum(norms.max() - norms, 0)).astype(np.float32)[:, None]
    return np.hstack([items, lacks]), np.hstack([queries, np.zeros((len(queries), 1), np.float32)])


def report(setting, build_s, search, queries, best):
    times, right = [], 0
    for query in queries[:3]:
        search(query[None])
    for query, wanted in zip(queries, best):
        begin = time.perf_counter()
        ids = search(query[None])
        times.append((time.perf_counter() - begin) * 1e3)
        right += len(np.intersect1d(np.asarray(ids).ravel()[:args.k], wanted))
    print(json.dumps({"library": args.library, "setting": setting, "n": args.n, "d": args.d, "k": args.k,
                      "threads": args.threads, "build_s": round(build_s, 2), "median_ms": round(float(np.median(times)), 4),
                      "p99_ms": round(float(np.quantile(times, 0.99)), 4),
                      "recall": round(right / best.size, 4)}), flush=True)


def in_time(add, rows):
    """Add rows in parts; None if there are some left when the time is over."""
    begin, step = time.perf_counter(), 5000
    for first in range(0, len(rows), step):
        if time.perf_counter() - begin > args.build_seconds:
            print("%s: not built in %.0f s" % (args.library, args.build_seconds), file=sys.stderr)
            return None
        add(rows[first:first + step])
    return time.perf_counter() - begin


def run_hnswlib(name, metric, items, queries, best):
    import hnswlib
    for m in (16, 32):
        index = hnswlib.Index(space=metric, dim=items.shape[1])
        index.init_index(max_elements=len(items), M=m, ef_construction=200)
        index.set_num_threads(args.threads)
        build_s = in_time(index.add_items, items)
        for ef in EFS if build_s is not None else ():
            if ef >= args.k:
                index.set_ef(ef)
                report("%s, M %d, ef %d" % (name, m, ef), build_s,
                       lambda q: index.knn_query(q, k=args.k)[0], queries, best)


def run_faiss_hnsw(name, metric, items, queries, best):
    import faiss
    faiss.omp_set_num_threads(args.threads)
    for m in (16, 32):
        index = faiss.IndexHNSWFlat(items.shape[1], m,
                                    faiss.METRIC_INNER_PRODUCT if metric == "ip" else faiss.METRIC_L2)
        index.hnsw.efConstruction = 200
        build_s = in_time(index.add, items)
        for ef in EFS if build_s is not None else ():
            if ef >= args.k:
                index.hnsw.efSearch = ef
                report("%s, M %d, ef %d" % (name, m, ef), build_s,
                       lambda q: index.search(q, args.k)[1], queries, best)


def run_sq8(items, queries, best):
    import faiss
    faiss.omp_set_num_threads(args.threads)
    begin = time.perf_counter()
    base = faiss.IndexScalarQuantizer(args.d, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexRefineFlat(base)
    index.train(items[:100000])
    index.add(items)
    build_s = time.perf_counter() - begin
    for factor in (1, 2, 4, 8):
        index.k_factor = factor
        report("SQ8, refine %d" % factor, build_s, lambda q: index.search(q, args.k)[1], queries, best)


def main():
    items = np.array(np.memmap(args.items, dtype="<f4", mode="r", shape=(args.n, args.d)))
    queries = np.fromfile(args.queries, dtype="<f4", count=args.n_queries * args.d).reshape(-1, args.d)
    best = exact(items, queries)
    if args.library == "faiss-sq8":
        run_sq8(items, queries, best)
        return
    run = run_hnswlib if args.library == "hnswlib" else run_faiss_hnsw
    run("inner product", "ip", items, queries, best)
    run("made equal", "l2", *made_equal(items, queries), best)


if __name__ == "__main__":
    main()
