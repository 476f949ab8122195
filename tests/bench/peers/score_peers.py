#!/usr/bin/env python3
"""Times exact top-K inner-product search in faiss, NumPy, implicit or usearch.

    score_peers.py --items items.f32 --queries queries.f32 --n 1000000 --d 64 \
        --batch 64 --k 10 --threads 2 --library faiss

Reads raw little-endian float32 matrices, row-major: items [n, d] and queries
[at least batch, d]. Every repetition takes the next `batch` queries of the
file and starts over at its end. Prints one JSON line on stdout; everything
else goes to stderr.

Where a library can be used in more than one sensible way (tile sizes, BLAS
threads, a pool of Python threads), each way is tried first and the fastest is
timed; the line says which under "setup". One process measures one library, so
that thread settings and memory of one never touch another.

    --filter-bits FILE   one bitmap of n bits, or one for each query of the batch
                         (LSB first, (n+7)/8 bytes each); a set bit allows the item
    --seen FILE          int32 [batch, m]: rows of items each query must not get
                         (negative numbers are padding)
    --out FILE           the ids of the first batch, int64 [batch, k], -1 where
                         fewer than k items are eligible
    --rounds             measure again for every line of standard input, so that
                         libraries can be measured in turn
"""
import argparse
import gc
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

LIBRARIES = ("faiss", "faiss-blas", "faiss-noblas", "faiss-panorama", "numpy", "implicit", "usearch")
SCORES_LIMIT = 1 << 30      # bytes of scores a NumPy plan may hold at once
TUNE_QUERIES = 256          # plans are compared on at most so many queries
TUNE_SCORES = 1 << 26       # ... and scores


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--items", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--n", type=int, required=True)
    p.add_argument("--d", type=int, required=True)
    p.add_argument("--batch", type=int, required=True)
    p.add_argument("--k", type=int, required=True)
    p.add_argument("--threads", type=int, required=True)
    p.add_argument("--library", choices=LIBRARIES, required=True)
    p.add_argument("--reps", type=int, default=30, help="at least so many repetitions (default 30)")
    p.add_argument("--seconds", type=float, default=2.0, help="and at least so long (default 2)")
    p.add_argument("--cold", type=int, default=0, help="read so many MiB of other memory before each call")
    p.add_argument("--filter-bits")
    p.add_argument("--seen")
    p.add_argument("--out")
    p.add_argument("--omp-wait", choices=("active", "passive"), help="sets OMP_WAIT_POLICY; not set by default")
    p.add_argument("--no-check", action="store_true", help="skip the float64 check of the first answers")
    p.add_argument("--rounds", action="store_true",
                   help="say {\"ready\": true}, then measure once for every line of standard input")
    p.add_argument("--limit-ms", type=float, help="with --rounds: if comparing the ways to use a library shows that a "
                   "batch takes longer than this, say {\"ready\": false} with the time expected, and end")
    a = p.parse_args()
    if min(a.n, a.d, a.batch, a.k, a.threads, a.reps) < 1 or a.k > a.n:
        p.error("n, d, batch, k, threads and reps must be positive, and k at most n")
    return a


args = parse_args()
# Thread counts are read when the libraries load.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(args.threads)
if args.omp_wait:
    os.environ["OMP_WAIT_POLICY"] = args.omp_wait.upper()

import numpy as np  # noqa: E402
import threadpoolctl  # noqa: E402


def open_matrix(path, dtype, columns, what):
    size = os.path.getsize(path)
    row = np.dtype(dtype).itemsize * columns
    if size == 0 or size % row:
        sys.exit("%s: %s: %d bytes are not whole rows of %d bytes" % (path, what, size, row))
    return np.memmap(path, dtype=dtype, mode="r", shape=(size // row, columns))


class Blocked:
    """The items that the queries of a batch must not get: bitmaps and seen items."""

    def __init__(self, n, batch, bits_path, seen_path):
        self.n = n
        self.bits = self.penalty = self.seen = None
        self.allowed = 1.0
        if bits_path:
            row = (n + 7) // 8
            self.bits = np.array(open_matrix(bits_path, "u1", row, "bitmaps"))
            if len(self.bits) not in (1, batch):
                sys.exit("%s: holds %d bitmaps; 1 or %d expected" % (bits_path, len(self.bits), batch))
            self.allowed = float(np.mean([self.mask(i).mean() for i in range(len(self.bits))]))
            if self.bits.shape[0] * n * 4 <= SCORES_LIMIT and args.library == "numpy":
                # 0 or -inf to add to the scores: NumPy adds several times faster than it assigns under a mask.
                self.penalty = np.stack([np.where(self.mask(i), 0, -np.inf).astype(np.float32)
                                         for i in range(len(self.bits))])
        if seen_path:
            size = os.path.getsize(seen_path)
            if size % (4 * batch):
                sys.exit("%s: %d bytes are not int32 [%d, m]" % (seen_path, size, batch))
            self.seen = np.array(open_matrix(seen_path, "<i4", size // 4 // batch, "seen items"))
            if self.seen.max(initial=-1) >= n:
                sys.exit("%s: an item id is not below n" % seen_path)

    @property
    def shared(self):
        return self.bits is not None and len(self.bits) == 1

    def row(self, query):
        return 0 if self.shared else query

    def mask(self, row):
        return np.unpackbits(self.bits[row], bitorder="little", count=self.n).view(bool)

    def penalties(self, start, stop):
        """float32 [stop-start or 1, n], -inf where an item is filtered out."""
        if self.shared:
            start, stop = 0, 1
        if self.penalty is not None:
            return self.penalty[start:stop]
        return np.stack([np.where(self.mask(i), 0, -np.inf).astype(np.float32) for i in range(start, stop)])

    def seen_row(self, query):
        row = self.seen[query]
        return row[row >= 0]

    def describe(self):
        parts = []
        if self.bits is not None:
            kind = "one bitmap for the batch" if self.shared else "a bitmap for each query"
            parts.append("%s, %.4g %% allowed" % (kind, 100 * self.allowed))
        if self.seen is not None:
            parts.append("%d seen items a query" % self.seen.shape[1])
        return "; ".join(parts) or "none"


def top_sorted(scores, ids, k):
    """The k best of each row, best first; ids is a matrix like scores, or None for column numbers."""
    if scores.shape[1] > k:
        part = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
        ids = part if ids is None else np.take_along_axis(ids, part, axis=1)
        scores = np.take_along_axis(scores, part, axis=1)
    elif ids is None:
        ids = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)


class Plan:
    """One way to use a library: run(queries, position in the batch) -> ids, scores; and the BLAS threads it wants."""

    def __init__(self, name, run, blas=None):
        self.name, self.run, self.blas = name, run, blas
        self.expected_ms = 0

    def prepare(self):
        if self.blas:
            threadpoolctl.threadpool_limits(limits=self.blas, user_api="blas")


class Numpy:
    """matmul, argpartition, sort of the k; in tiles of queries and items."""

    def __init__(self, items, blocked):
        self.items = np.array(items)
        self.blocked = blocked
        self.version = np.__version__

    def plans(self):
        n, batch, threads = args.n, args.batch, args.threads
        fits = max(1, SCORES_LIMIT // 4 // n)
        query_tiles = sorted({min(q, batch, fits) for q in (1, 4, 16, 64, 256, batch)}, reverse=True)
        if len(query_tiles) > 3:
            query_tiles.remove(1)       # a product of a vector, far behind in any larger batch
        for workers in sorted({1, threads}) if batch > 1 else [1]:
            blas = threads if workers == 1 else 1
            for q in query_tiles:
                if workers > 1 and (q * workers > fits or q * (workers - 1) >= batch):
                    continue        # too much memory, or idle workers
                yield Plan("tiles of %d queries, %d Python threads" % (q, workers), self.tiles(q, n, workers), blas)
            for width in (16384, 131072):
                q = min(batch, 64)
                if width < n and (workers == 1 or q < batch):
                    yield Plan("tiles of %d queries x %d items, %d Python threads" % (q, width, workers),
                               self.tiles(q, width, workers), blas)
        if self.blocked.bits is not None:
            yield Plan("allowed rows gathered", self.gathered, threads)

    def tiles(self, q_tile, width, workers):
        pool = ThreadPoolExecutor(workers) if workers > 1 else None
        buffers = {}

        def one(queries, start):
            # A buffer for each thread: fresh memory for every call would cost more than the product.
            key = threading.get_ident()
            if key not in buffers:
                buffers[key] = np.empty((q_tile, min(width, args.n)), dtype=np.float32)
            return self.tile(queries, start, width, buffers[key])

        def run(queries, first):
            starts = range(0, len(queries), q_tile)
            parts = list((pool.map if pool else map)(lambda s: one(queries[s:s + q_tile], first + s), starts))
            return tuple(np.concatenate(x) for x in zip(*parts)) if len(parts) > 1 else parts[0]

        return run

    def tile(self, queries, start, width, buffer):
        n, count = args.n, len(queries)
        best_ids, best_scores = [], []
        penalty = self.blocked.penalties(start, start + count) if self.blocked.bits is not None else None
        seen = self.blocked.seen[start:start + count] if self.blocked.seen is not None else None
        for a in range(0, n, width):
            b = min(a + width, n)
            if count == 1:
                scores = buffer[:1, :b - a]
                np.matmul(self.items[a:b], queries[0], out=scores[0])      # gemv
            else:
                scores = buffer[:count, :b - a] if b - a == buffer.shape[1] else np.empty((count, b - a), np.float32)
                np.matmul(queries, self.items[a:b].T, out=scores)
            if penalty is not None:
                scores += penalty[:, a:b]
            if seen is not None:
                r, c = np.nonzero((seen >= a) & (seen < b))
                scores[r, seen[r, c] - a] = -np.inf
            ids, values = top_sorted(scores, None, args.k)
            best_ids.append(ids + a)
            best_scores.append(values)
        if len(best_ids) == 1:
            return best_ids[0], best_scores[0]
        return top_sorted(np.concatenate(best_scores, axis=1), np.concatenate(best_ids, axis=1), args.k)

    def gathered(self, queries, first):
        out_ids = np.full((len(queries), args.k), -1, dtype=np.int64)
        out_scores = np.full((len(queries), args.k), -np.inf, dtype=np.float32)
        allowed = rows = None
        for i, query in enumerate(queries):
            if allowed is None or not self.blocked.shared:
                allowed = np.flatnonzero(self.blocked.mask(self.blocked.row(first + i)))
                rows = self.items[allowed]
                together = queries @ rows.T if self.blocked.shared and self.fits(len(queries), len(allowed)) else None
            scores = together[i] if together is not None else rows @ query
            if self.blocked.seen is not None and len(allowed):
                s = self.blocked.seen_row(first + i)
                at = np.minimum(np.searchsorted(allowed, s), len(allowed) - 1)
                scores[at[allowed[at] == s]] = -np.inf
            ids, values = top_sorted(scores[None, :], None, args.k)
            out_ids[i, :ids.shape[1]] = allowed[ids[0]]
            out_scores[i, :ids.shape[1]] = values[0]
        return out_ids, out_scores

    @staticmethod
    def fits(queries, items):
        return queries * items * 4 <= SCORES_LIMIT

    def setup(self):
        return blas_in_use()


class Faiss:
    """IndexFlatIP. Different filters in one batch mean one search call for each query."""

    def __init__(self, items, blocked):
        import faiss
        self.faiss = faiss
        self.version = faiss.__version__
        self.blocked = blocked
        faiss.omp_set_num_threads(args.threads)
        if args.library == "faiss-blas":
            faiss.cvar.distance_compute_blas_threshold = 1
        elif args.library == "faiss-noblas":
            faiss.cvar.distance_compute_blas_threshold = 2**31 - 1
        if args.library == "faiss-panorama":
            # Its levels need dimensions by importance: a PCA of all of them comes first, without its
            # mean, which would change inner products.
            pca = faiss.PCAMatrix(args.d, args.d)
            panorama = faiss.IndexFlatIPPanorama(args.d, max(2, args.d // 16), 1024)
            self.index = faiss.IndexPreTransform(pca, panorama)
            self.index.train(np.asarray(items[:100000]))
            pca.have_bias = False
        else:
            self.index = faiss.IndexFlatIP(args.d)
        self.index.add(np.asarray(items))

    def plans(self):
        if self.blocked.bits is None and self.blocked.seen is None:
            yield Plan("one search call", self.search)
        elif self.blocked.seen is None and self.blocked.shared:
            yield Plan("one search call with IDSelectorBitmap", self.search_shared)
        else:
            yield Plan("a search call for each query", self.search_each)
            if args.threads > 1 and args.batch > 1:
                pool = ThreadPoolExecutor(args.threads, initializer=self.faiss.omp_set_num_threads, initargs=(1,))
                yield Plan("a search call for each query, from %d Python threads" % args.threads,
                           lambda queries, first: self.search_each(queries, first, pool))
            if self.blocked.bits is None or self.blocked.shared:
                yield Plan("one search call for k + seen, seen items dropped", self.search_more)

    def search(self, queries, first):
        scores, ids = self.index.search(queries, args.k)
        return ids, scores

    def search_shared(self, queries, first):
        f = self.faiss
        selector = f.IDSelectorBitmap(self.blocked.bits[0])
        scores, ids = self.index.search(queries, args.k, params=f.SearchParameters(sel=selector))
        return ids, scores

    def search_each(self, queries, first, pool=None):
        f, blocked = self.faiss, self.blocked

        def one(i):
            selector = None
            if blocked.bits is not None:
                selector = f.IDSelectorBitmap(blocked.bits[blocked.row(first + i)])
            if blocked.seen is not None:
                unseen = f.IDSelectorNot(f.IDSelectorBatch(blocked.seen_row(first + i)))
                selector = f.IDSelectorAnd(selector, unseen) if selector else unseen
            return self.index.search(queries[i:i + 1], args.k, params=f.SearchParameters(sel=selector))

        parts = list((pool.map if pool else map)(one, range(len(queries))))
        return np.concatenate([p[1] for p in parts]), np.concatenate([p[0] for p in parts])

    def search_more(self, queries, first):
        f, blocked, k = self.faiss, self.blocked, args.k
        params = None
        if blocked.bits is not None:
            selector = f.IDSelectorBitmap(blocked.bits[0])
            params = f.SearchParameters(sel=selector)
        scores, ids = self.index.search(queries, min(k + blocked.seen.shape[1], args.n), params=params)
        out_ids = np.full((len(queries), k), -1, dtype=np.int64)
        out_scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for i in range(len(queries)):
            keep = np.flatnonzero(~np.isin(ids[i], blocked.seen[first + i]))[:k]
            out_ids[i, :len(keep)] = ids[i, keep]
            out_scores[i, :len(keep)] = scores[i, keep]
        return out_ids, out_scores

    def setup(self):
        return "%s; blas threshold %d; %s" % (self.faiss.get_compile_options().strip(),
                                              self.faiss.cvar.distance_compute_blas_threshold, blas_in_use())


class Usearch:
    """search() with exact=True; it has no filters."""

    def __init__(self, items, blocked):
        import usearch
        from usearch.index import MetricKind, search
        self.exact, self.kind, self.items = search, MetricKind.IP, np.array(items)
        self.version = usearch.__version__

    def plans(self):
        yield Plan("search(exact=True)", self.run)

    def run(self, queries, first):
        found = self.exact(self.items, queries, args.k, self.kind, exact=True, threads=args.threads)
        shape = (len(queries), args.k)
        return np.asarray(found.keys).astype(np.int64).reshape(shape), -np.asarray(found.distances).reshape(shape)

    def setup(self):
        return "%d threads" % args.threads


class Implicit:
    """implicit.cpu.topk.topk: NumPy's product in batches of 100 queries, selection in C++."""

    def __init__(self, items, blocked):
        import implicit
        from implicit.cpu.topk import topk
        from scipy.sparse import csr_matrix
        self.topk = topk
        self.version = implicit.__version__
        self.items = np.array(items)
        self.blocked = blocked
        self.rows = self.shared = None
        if args.n > (2**31 - 1) // 100:
            sys.exit("implicit indexes 100 x n scores with an int, so n may be at most %d" % ((2**31 - 1) // 100))
        # implicit takes lists of items to leave out, not bitmaps. They are made here, outside the clock.
        if blocked.bits is not None and blocked.shared:
            self.shared = np.flatnonzero(~blocked.mask(0))
        per_query = []
        if blocked.bits is not None and not blocked.shared or blocked.seen is not None:
            for i in range(args.batch):
                row = np.empty(0, dtype=np.int32)
                if blocked.bits is not None and not blocked.shared:
                    row = np.flatnonzero(~blocked.mask(i)).astype(np.int32)
                if blocked.seen is not None:
                    row = np.union1d(row, blocked.seen_row(i)).astype(np.int32)
                per_query.append(row)
            indptr = np.concatenate([[0], np.cumsum([len(r) for r in per_query])])
            indices = np.concatenate(per_query)
            self.rows = csr_matrix((np.ones(len(indices), np.int8), indices, indptr), shape=(args.batch, args.n))

    def plans(self):
        for blas in sorted({1, args.threads}):
            yield Plan("%d BLAS threads" % blas, self.run, blas)

    def run(self, queries, first):
        rows = self.rows
        if rows is not None and len(queries) != rows.shape[0]:
            rows = rows[first:first + len(queries)]
        return self.topk(self.items, queries, args.k, filter_query_items=rows, filter_items=self.shared,
                         num_threads=args.threads)

    def setup(self):
        return blas_in_use()


def blas_in_use():
    found = ["%s %s %s" % (os.path.basename(i["filepath"]).split("-")[0], i.get("version"), i.get("architecture"))
             for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]
    return " + ".join(sorted(set(found)))


def choose(plans, queries):
    """The plan with the fastest call. Short calls are repeated more often, as a busy machine disturbs them more;
    a plan that is far behind is not repeated."""
    plans = list(plans)
    if len(plans) > 1:
        queries = queries[:max(16, min(TUNE_QUERIES, TUNE_SCORES // args.n))]
        best = float("inf")
        for plan in plans:
            plan.prepare()
            plan.best = timed(plan, queries)        # warms up; counts only if it is hopeless
            if plan.best <= 3 * best:
                plan.best, calls, begin = float("inf"), 0, time.perf_counter()
                while calls < 2 or time.perf_counter() - begin < 0.1:
                    plan.best = min(plan.best, timed(plan, queries))
                    calls += 1
                    if plan.best > 2 * best:
                        break
            best = min(best, plan.best)
            print("  %9.3f ms  %s" % (plan.best * 1e3, plan.name), file=sys.stderr)
            plan.expected_ms = plan.best * 1e3 * args.batch / len(queries)
        plans.sort(key=lambda plan: plan.best)
    plans[0].prepare()
    return plans[0]


def timed(plan, queries):
    t = time.perf_counter()
    plan.run(queries, 0)
    return time.perf_counter() - t


def measure(plan, batches):
    """Milliseconds of each call, ascending."""
    gc.collect()
    gc.disable()
    times = []
    others = np.ones(args.cold << 17) if args.cold else None
    begin = time.perf_counter()
    while len(times) < args.reps or time.perf_counter() - begin < args.seconds:
        batch = batches[len(times) % len(batches)]
        if others is not None:
            others.sum()
        t = time.perf_counter()
        plan.run(batch, 0)
        times.append((time.perf_counter() - t) * 1e3)
    gc.enable()
    return sorted(times)


def recall_note(items, queries, ids, blocked):
    """Compares with float64 scores. An id within rounding of the K-th score counts as right."""
    count = min(len(queries), 4)
    q = queries[:count].astype(np.float64)
    scores = np.empty((count, args.n))
    longest = 0.0
    for a in range(0, args.n, 65536):
        block = np.asarray(items[a:a + 65536], dtype=np.float64)
        scores[:, a:a + len(block)] = q @ block.T
        longest = max(longest, float(np.sqrt((block * block).sum(axis=1).max())))
    right = wanted = 0
    for i in range(count):
        row = scores[i]
        if blocked.bits is not None:
            row[~blocked.mask(blocked.row(i))] = -np.inf
        if blocked.seen is not None:
            row[blocked.seen_row(i)] = -np.inf
        k = min(args.k, int(np.isfinite(row).sum()))
        if k == 0:
            continue
        bound = np.partition(row, args.n - k)[args.n - k]
        u = args.d * 2.0**-24
        slack = 2 * u / (1 - u) * float(np.linalg.norm(q[i])) * longest
        mine = np.unique(ids[i][ids[i] >= 0])
        right += int((row[mine] >= bound - slack).sum())
        wanted += k
    return "recall@%d %.4f against float64, %d queries" % (args.k, right / wanted if wanted else 1.0, count)


def main():
    items = open_matrix(args.items, "<f4", args.d, "items")
    if len(items) != args.n:
        sys.exit("%s: %d rows, --n says %d" % (args.items, len(items), args.n))
    queries = np.array(open_matrix(args.queries, "<f4", args.d, "queries"))
    if len(queries) < args.batch:
        sys.exit("%s: %d queries, --batch wants %d" % (args.queries, len(queries), args.batch))
    batches = [queries[i:i + args.batch] for i in range(0, len(queries) - args.batch + 1, args.batch)]
    blocked = Blocked(args.n, args.batch, args.filter_bits, args.seen)

    library = {"numpy": Numpy, "implicit": Implicit, "usearch": Usearch}.get(args.library, Faiss)(items, blocked)
    plan = choose(library.plans(), batches[0])
    if args.limit_ms and plan.expected_ms > args.limit_ms:
        print(json.dumps({"ready": False, "expected_ms": round(plan.expected_ms, 4)}), flush=True)
        return

    begin = time.perf_counter()
    ids, scores = plan.run(batches[0], 0)
    first_ms = (time.perf_counter() - begin) * 1e3
    for i in range(1, 3):
        if time.perf_counter() - begin < 1:
            plan.run(batches[i % len(batches)], 0)

    # Items that are filtered out have -inf (NumPy), the lowest float (implicit) or the id -1 already (faiss).
    ids = np.where(scores > np.finfo(np.float32).min, ids, -1).astype("<i8")
    if args.out:
        ids.tofile(args.out)
    facts = {
        "filter": blocked.describe(),
        "recall_note": "not checked" if args.no_check else recall_note(items, batches[0], ids, blocked),
        "setup": "%s; %s" % (plan.name, library.setup()),
    }
    if args.rounds:
        print(json.dumps({"ready": True, "first_ms": round(first_ms, 4)}), flush=True)
    for _ in sys.stdin if args.rounds else [None]:
        times = measure(plan, batches)
        print(json.dumps({
            "library": args.library, "version": library.version,
            "n": args.n, "d": args.d, "batch": args.batch, "k": args.k, "threads": args.threads,
            "median_ms": round(float(np.median(times)), 4),
            "p99_ms": round(times[-(-99 * len(times) // 100) - 1], 4),
            "min_ms": round(times[0], 4), "reps": len(times), **facts,
        }), flush=True)


if __name__ == "__main__":
    main()
