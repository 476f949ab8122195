#!/usr/bin/env python3
"""Measures the Python package: a call beside C, a batch beside NumPy and implicit, the import.

    build/bench-venv/bin/python tests/bench/bench_python.py --library build/bench/lib/librecsys.so

Three tables, each of one run, contenders in turn, round after round. Times are the processor's, so
that other programs disturb them less:

  a call       recommend() for one user, beside the same loop in C (bench_python.c)
  a batch      64 users, 100,000 items, 64 dimensions, 50 seen items each, beside NumPy (product,
               seen items to minus infinity, argsort; user by user) and implicit's own recommend()
  the import   of the package, over NumPy's

--wheel FILE also prints the wheel's size, with BLAS and without.
"""
import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "bindings" / "python")]
import tables  # noqa: E402


def build_model(folder, name, n_users, n_items, d, n_seen):
    import numpy as np
    import recsys

    rng = np.random.default_rng(5)
    users = rng.normal(size=(n_users, d)).astype(np.float32)
    items = rng.normal(size=(n_items, d)).astype(np.float32)
    seen = np.stack([np.sort(rng.choice(n_items, n_seen, replace=False)) for _ in range(n_users)])
    builder = recsys.Builder(name=name)
    builder.set_array("user_factors", users)
    builder.set_array("item_factors", items)
    builder.set_array("seen_offsets", np.arange(n_users + 1) * n_seen)
    builder.set_array("seen_items", seen.ravel())
    path = folder / name
    builder.write(path)
    return path, users, items, seen


def timed(function, calls):
    start = time.process_time()
    for i in range(calls):
        function(i)
    return (time.process_time() - start) / calls


def measure_call(arguments, folder):
    """Microseconds a call: C, Python, and Python with the list of ids that was asked for."""
    import recsys

    library = pathlib.Path(arguments.library).resolve()
    program = folder / "bench_python"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", f"-I{TOP / 'include'}", "-o", program,
                    HERE / "bench_python.c", f"-L{library.parent}", f"-Wl,-rpath,{library.parent}",
                    "-lrecsys"], check=True)
    path = build_model(folder, "small", 200, 300, 16, 10)[0]
    model, calls, k = recsys.Model(path), arguments.calls, 10
    rounds = {"C": [], "Python": [], "Python, ids": []}
    for _ in range(arguments.rounds):
        said = subprocess.run([program, path, str(calls), str(k)], check=True, capture_output=True,
                              text=True).stdout
        rounds["C"].append(float(said.split()[0]) / 1e3)
        rounds["Python"].append(1e6 * timed(lambda i: model.recommend(i % 200, k), calls))
        rounds["Python, ids"].append(1e6 * timed(lambda i: model.recommend(i % 200, k).ids, calls))
    best = {name: min(values) for name, values in rounds.items()}
    return [[name, f"{tables.median(rounds[name]):.2f}", f"{best[name]:.2f}",
             f"{best[name] - best['C']:.2f}"] for name in rounds]


def measure_batch(arguments, folder):
    """Milliseconds for 64 users."""
    import numpy as np
    import recsys
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    n, n_items, d, k = 64, arguments.items, 64, 10
    path, users, items, seen = build_model(folder, "large", n, n_items, d, 50)
    model = recsys.Model(path)
    recsys.set_blas_threads(1)
    theirs = AlternatingLeastSquares(factors=d, num_threads=1)
    theirs.user_factors, theirs.item_factors = users, items
    matrix = csr_matrix((np.ones(seen.size, np.float32), seen.ravel(), np.arange(n + 1) * 50),
                        shape=(n, n_items))
    recommender = recsys.Recommender(n_threads=1)

    def numpy_loop():
        found = []
        for user in range(n):
            scores = items @ users[user]
            scores[seen[user]] = -np.inf
            found.append(np.argsort(-scores)[:k])
        return np.array(found)

    ways = {"recsys": lambda: recommender.recommend_batch(model, np.arange(n), k).ids,
            "NumPy argsort": numpy_loop,
            "implicit": lambda: theirs.recommend(np.arange(n), matrix, N=k,
                                                 filter_already_liked_items=True)[0]}
    answers = {name: way() for name, way in ways.items()}
    rounds = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            rounds[name].append(1e3 * timed(lambda i: way(), 5 if name == "recsys" else 1))
    ours = tables.median(rounds["recsys"])
    return [[name, tables.milliseconds(tables.median(values)),
             tables.ratio(tables.median(values) / ours),
             "%d of %d" % ((answers[name] == answers["recsys"]).all(axis=1).sum(), n)]
            for name, values in rounds.items()]


def measure_import(arguments):
    """Milliseconds that a process takes longer than one that does nothing."""
    programs = {"nothing": "pass", "NumPy": "import numpy", "recsys": "import numpy, recsys"}
    rounds = {name: [] for name in programs}
    environment = {**os.environ, "PYTHONPATH": str(TOP / "bindings" / "python")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's has been compiled before
    for i in range(arguments.rounds * 2 + 1):
        for name, text in programs.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", text], check=True, env=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if i:
                rounds[name].append(1e3 * (after.ru_utime + after.ru_stime - before.ru_utime -
                                           before.ru_stime))
    best = {name: min(values) for name, values in rounds.items()}
    return [[name, tables.milliseconds(best[name]),
             tables.milliseconds(best[name] - best["NumPy"]) if name == "recsys" else ""]
            for name in programs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True, help="librecsys.so of a release build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--items", type=int, default=100000)
    parser.add_argument("--wheel")
    arguments = parser.parse_args()
    os.environ["RECSYS_LIBRARY"] = arguments.library
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    print(tables.machine(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        print(tables.text_table(["a call, us", "median", "best", "best over C"],
                                measure_call(arguments, folder)), "\n")
        print(tables.text_table(["64 users, ms", "median", "/ recsys", "same answers"],
                                measure_batch(arguments, folder)), "\n")
    print(tables.text_table(["import, ms", "best", "over NumPy"], measure_import(arguments)))
    if arguments.wheel:
        with zipfile.ZipFile(arguments.wheel) as archive:
            blas = sum(info.compress_size for info in archive.infolist()
                       if re.search(r"lib(openblas|gfortran|quadmath)", info.filename))
        size = os.path.getsize(arguments.wheel)
        print(f"\nwheel: {size / 1e6:.2f} MB, {(size - blas) / 1e6:.2f} MB without BLAS")


if __name__ == "__main__":
    main()
