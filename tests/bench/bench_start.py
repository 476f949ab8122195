#!/usr/bin/env python3
"""recsysd with a large model: time from start to the first answer, and memory.

    bench_start.py --build build/bench [--against OTHER/build/bench] [--quick]

The model is synthetic: 1,000,000 items and 4,000 users of 64 numbers, once with
nothing but vectors and once with a catalogue line for every item. Warm: the
files are in the page cache. Cold: they have been dropped from it before the
start, as far as the kernel obeys (the table says how much had to be read).

The first answer is that of a POST /api/v1/predict, asked again every
millisecond until it is answered with 200. "cpu" is the daemon's processor time
until then, which other programs on the machine change less. "peak" counts the
model's mapped pages that were touched; "own" is what is not backed by files,
"own peak" the most of it that was seen between two requests.

With --against another build (of an older version) takes turns with this one.
Each serves the bundles that its own builder wrote.
"""
import argparse
import os
import shutil
import time

from processes import Failure, cpu_seconds, memory, recsysd, request, run, run_main
from tables import Report, machine, mebibytes, median, milliseconds, text_table


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--against", help="another build, to be compared")
    p.add_argument("--warm", action="store_true", help="only with the files in the page cache")
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


def make_bundles(args, builds, folder):
    """[(name, {build: directory})]"""
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
        bundles = {}
        for i, build in enumerate(builds):
            bundle = os.path.join(folder, "%s-%d" % (name.replace(" ", "-"), i))
            run([os.path.join(build, "bench", "bench_score"), "--build-only", "--bundle", bundle,
                 "--items", items, "--queries", users, "--n", str(args.items),
                 "--d", str(args.dimensions), "--batch", "1", "--k", "10", "--threads", "1", *more])
            bundles[build] = bundle
        made.append((name, bundles))
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
    """Seconds from the start to the first answer, and the largest memory of its own meanwhile."""
    own = 0
    while time.monotonic() - daemon.started < timeout and not daemon.died():
        if daemon.port is None and os.path.exists(daemon.port_file):
            with open(daemon.port_file) as f:
                daemon.port = int(f.read())
        try:
            if daemon.port and request(daemon.port, "POST", "/api/v1/predict",
                                       {"user_id": 1, "top_k": 10})[0] == 200:
                return time.monotonic() - daemon.started, own
        except OSError:
            pass
        own = max(own, memory(daemon.pid).get("RssAnon", 0))
        time.sleep(0.001)
    raise Failure("recsysd does not answer: " + daemon.complaint())


def start_once(build, folder, bundle):
    with recsysd(build, folder, bundle) as daemon:
        seconds, own = first_answer(daemon)
        used = memory(daemon.pid)
        return {"ms": seconds * 1e3, "cpu": cpu_seconds(daemon.pid) * 1e3,
                "peak": used["VmHWM"], "resident": used["VmRSS"], "own": used["RssAnon"],
                "own_peak": max(own, used["RssAnon"]), "read": bytes_read(daemon.pid)}


def measure(args, folder, builds, bundles, prepare):
    """By build: what each start took. Builds take turns."""
    lines = {build: [] for build in builds}
    for _ in range(args.times):
        for build in builds:
            prepare(bundles[build])
            lines[build].append(start_once(build, folder, bundles[build]))
    return lines


def row_of(name, bundle, lines):
    def of(key):
        return median([x[key] for x in lines])

    return [name, mebibytes(size_of(bundle)), milliseconds(of("ms")),
            "%s..%s" % (milliseconds(min(x["ms"] for x in lines)),
                        milliseconds(max(x["ms"] for x in lines))), milliseconds(of("cpu")),
            mebibytes(of("peak")), mebibytes(of("resident")), mebibytes(of("own")),
            mebibytes(of("own_peak")), mebibytes(of("read"))]


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "start")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    builds = [args.build] + ([os.path.abspath(args.against)] if args.against else [])
    rows, kept = [], []
    for name, bundles in make_bundles(args, builds, folder):
        for state, prepare in (("warm", warm), ("cold", cool))[:1 if args.warm else 2]:
            lines = measure(args, folder, builds, bundles, prepare)
            for build in builds:
                kept.append({"bundle": name, "state": state, "build": build, "runs": lines[build]})
                rows.append(row_of("%s, %s%s" % (name, state, "" if build == args.build else
                                                 ", other build"), bundles[build], lines[build]))
    report = Report(args.out)
    report.add("recsysd, %d items x %d: start to first answer. %s" % (
        args.items, args.dimensions, machine()))
    report.add("medians of %d starts; memory in MiB" % args.times)
    report.add()
    report.add(text_table(["", "bundle", "ms", "ms from..to", "cpu", "peak", "resident", "own",
                           "own peak", "read"], rows))
    report.close(kept)
    shutil.rmtree(folder)


if __name__ == "__main__":
    run_main("bench_start", main)
