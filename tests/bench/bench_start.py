#!/usr/bin/env python3
"""recsysd with a large model: time from start to the first answer, and memory.

    bench_start.py --build build/bench [--quick]

The model is synthetic: 1,000,000 items and 4,000 users of 64 numbers, once with
nothing but vectors and once with a catalogue line for every item. Warm: the
files are in the page cache. Cold: they have been dropped from it before the
start, as far as the kernel obeys (the table says how much had to be read).

The first answer is that of a POST /api/v1/predict, asked again every
millisecond until it is answered with 200. "peak" counts the model's mapped
pages that were touched; "own" is what is not backed by files.
"""
import argparse
import os
import shutil
import time

from processes import Failure, memory, recsysd, request, run, run_main
from tables import Report, machine, mebibytes, median, milliseconds, text_table


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--items", type=int, default=1000000)
    p.add_argument("--dimensions", type=int, default=64)
    p.add_argument("--users", type=int, default=4000)
    p.add_argument("--times", type=int, default=5)
    a = p.parse_args()
    if a.quick:
        a.items, a.times = 20000, 2
    a.build = os.path.abspath(a.build)
    return a


def make_bundles(args, folder):
    """[(name, directory)]"""
    def data(kind, name, rows, columns, seed):
        path = os.path.join(folder, name)
        run([os.path.join(args.build, "bench", "bench_data"), kind, "--out", path,
             "--rows", str(rows), "--columns", str(columns), "--seed", str(seed)])
        return path

    items = data("matrix", "items", args.items, args.dimensions, 1)
    users = data("matrix", "users", args.users, args.dimensions, 2)
    catalog = data("catalog", "catalog", args.items, 1, 3)
    made = []
    for name, more in (("vectors only", []), ("with catalogue", ["--catalog", catalog])):
        bundle = os.path.join(folder, name.replace(" ", "-"))
        run([os.path.join(args.build, "bench", "bench_score"), "--build-only", "--bundle", bundle,
             "--items", items, "--queries", users, "--n", str(args.items),
             "--d", str(args.dimensions), "--batch", "1", "--k", "10", "--threads", "1", *more])
        made.append((name, bundle))
    for path in (items, users, catalog):
        os.unlink(path)
    return made


def files_of(bundle):
    return [os.path.join(bundle, name) for name in sorted(os.listdir(bundle))]


def size_of(bundle):
    return sum(os.path.getsize(path) for path in files_of(bundle))


def warm(bundle):
    for path in files_of(bundle):
        with open(path, "rb") as f:
            while f.read(1 << 22):
                pass


def cool(bundle):
    for path in files_of(bundle):
        with open(path, "rb") as f:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_read(pid):
    """From the disk, since the start."""
    try:
        with open("/proc/%d/io" % pid) as f:
            return next(int(x.split()[1]) for x in f if x.startswith("read_bytes"))
    except OSError:
        return 0


def first_answer(daemon, timeout=120):
    """Seconds from the start to the first answer."""
    while time.monotonic() - daemon.started < timeout and not daemon.died():
        if daemon.port is None and os.path.exists(daemon.port_file):
            with open(daemon.port_file) as f:
                daemon.port = int(f.read())
        try:
            if daemon.port and request(daemon.port, "POST", "/api/v1/predict",
                                       {"user_id": 1, "top_k": 10})[0] == 200:
                return time.monotonic() - daemon.started
        except OSError:
            pass
        time.sleep(0.001)
    raise Failure("recsysd does not answer: " + daemon.complaint())


def start_once(args, folder, bundle):
    with recsysd(args.build, folder, bundle) as daemon:
        seconds = first_answer(daemon)
        used = memory(daemon.pid)
        return {"ms": seconds * 1e3, "peak": used["VmHWM"], "resident": used["VmRSS"],
                "own": used["RssAnon"], "read": bytes_read(daemon.pid)}


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "start")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    rows, kept = [], []
    for name, bundle in make_bundles(args, folder):
        for state, prepare in (("warm", warm), ("cold", cool)):
            lines = []
            for _ in range(args.times):
                prepare(bundle)
                lines.append(start_once(args, folder, bundle))
            kept.append({"bundle": name, "state": state, "runs": lines})

            def of(key):
                return median([x[key] for x in lines])

            rows.append([name + ", " + state, mebibytes(size_of(bundle)), milliseconds(of("ms")),
                         "%s..%s" % (milliseconds(min(x["ms"] for x in lines)),
                                     milliseconds(max(x["ms"] for x in lines))),
                         mebibytes(of("peak")), mebibytes(of("resident")), mebibytes(of("own")),
                         mebibytes(of("read"))])
    report = Report(args.out)
    report.add("recsysd, %d items x %d: start to first answer. %s" % (
        args.items, args.dimensions, machine()))
    report.add("medians of %d starts; memory in MiB" % args.times)
    report.add()
    report.add(text_table(["", "bundle", "ms", "ms from..to", "peak", "resident", "own",
                           "read"], rows))
    report.close(kept)
    shutil.rmtree(folder)


if __name__ == "__main__":
    run_main("bench_start", main)
