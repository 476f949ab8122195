"""The cases of bench_matrix.py, the most important first."""

MADE = {"gauss": (), "spread": ("--norms", "0.4"), "unit": ("--unit", "1")}
TRAINED = {
    "als-0.01": ("--kind", "als", "--regularization", "0.01"),
    "als-0.1": ("--kind", "als", "--regularization", "0.1"),
    "als-1": ("--kind", "als", "--regularization", "1"),
    "bpr": ("--kind", "bpr", "--regularization", "0.01"),
    "als-movielens": ("--kind", "als", "--regularization", "0.05"),
    "bpr-movielens": ("--kind", "bpr", "--regularization", "0.01"),
}
SHAPES = [(1000000, 64), (100000, 64), (1000000, 128)]
LARGEST = (10000000, 128)
TRAINED_ITEMS = 200000
MOVIELENS_ITEMS = 9066 # of ml-latest-small, those that somebody has rated


def case(shape, batch=1, k=10, threads=1, data="gauss", share=1.0, seen=0, cold=False, curve=None):
    found = {"n": shape[0], "d": shape[1], "batch": batch, "k": k, "threads": threads, "data": data,
             "share": share, "seen": seen, "cold": cold}
    if curve:
        found["curve"] = curve
    return found


def name_of(c):
    parts = ["%s %dx%d" % (c["data"], c["n"], c["d"])]
    if c.get("curve"):
        return parts[0] + ", %s, K %d, %d threads" % (c["curve"], c["k"], c["threads"])
    parts += ["batch %d" % c["batch"], "K %d" % c["k"], "%d threads" % c["threads"]]
    if c["share"] < 1:
        parts.append("%g %% allowed" % (100 * c["share"]))
    if c["seen"]:
        parts.append("%d seen" % c["seen"])
    if c["cold"]:
        parts.append("cold")
    return ", ".join(parts)


def ordered():
    main = SHAPES[0]
    for batch in (1, 64):                       # what the targets are about
        for threads in (1, 2):
            for shape in SHAPES:
                yield case(shape, batch, threads=threads)
    for share in (0.1, 0.01, 0.5, 0.001):
        yield case(main, 64, share=share)
    yield case(main, 64, seen=100)
    for data in TRAINED:
        for batch in (1, 64):
            n = MOVIELENS_ITEMS if "movielens" in data else TRAINED_ITEMS
            yield case((n, 64), batch, data=data)
    for data in ("spread", "unit"):
        for batch in (1, 64):
            yield case(main, batch, data=data)
    for shape in SHAPES:
        yield case(shape, cold=True)
    for batch in (8, 1000):
        for threads in (1, 2):
            for shape in SHAPES:
                yield case(shape, batch, threads=threads)
    for k in (100, 1000):
        for batch in (1, 64):
            yield case(main, batch, k=k)
    for share in (0.5, 0.1, 0.01, 0.001):
        yield case(main, 1, share=share)
        yield case(main, 64, share=share, threads=2)
    for seen in (10, 1000):
        yield case(main, 64, seen=seen)
    for library in ("faiss-sq8", "hnswlib", "faiss-hnsw"):
        yield case(SHAPES[1], data="spread", curve=library)
    yield case(SHAPES[1], data="unit", curve="redis")
    for batch in (1, 64, 8, 1000):
        for threads in (1, 2):
            yield case(LARGEST, batch, threads=threads)
    for library in ("faiss-sq8", "hnswlib", "faiss-hnsw"):
        yield case(main, data="spread", curve=library, threads=2)


def all_cases(quick):
    """quick: the same kinds on small data, each once."""
    seen = set()
    for c in ordered():
        if quick:
            c.update(n=20000, d=32, k=min(c["k"], 100))
        if name_of(c) not in seen:
            seen.add(name_of(c))
            yield c
