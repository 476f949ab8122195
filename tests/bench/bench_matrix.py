#!/usr/bin/env python3
"""Exact top-K in every respect that changes it, for hours if need be: resumable, within a time.

    bench_matrix.py --build build/bench --venv build/bench-venv --minutes 120
                    [--before OTHER/build/bench] [--older-faiss VENV] [--redis REDIS_SERVER]

bench_score.py measures the main cases; this one goes around them: sizes, batches, K, shares of
filters, lengths of seen lists, hot and cold memory, and data: Gaussian, lengths spread as trained
models have them, equal lengths, and factors that implicit has trained (ALS with three
regularisations, BPR) on made-up choices and, with --ratings, on MovieLens. Each library is a
process of its own on the same files and cores, and all take turns.

Cases stand in order of importance. Each result is a line of JSON in --out, written as soon as it is
there; started again with the same --out, cases that are there are not measured again, and when the
minutes are over no new one begins. --list prints the cases, --draw only draws: tables and plots
(SVG) of what there is, beside the results.
"""
import argparse
import json
import os
import time

import matrix_cases
import matrix_draw
from bench_score import Case, Contender, Data, choose_cores
from processes import Failure, environment, run, run_main, say
from tables import machine

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--venv", required=True)
    p.add_argument("--before", help="build directory of an earlier version")
    p.add_argument("--older-faiss", help="Python environment with faiss-cpu 1.13.2")
    p.add_argument("--redis", help="redis-server 8 or later, for vector sets")
    p.add_argument("--ratings", help="ratings.csv of MovieLens")
    p.add_argument("--out", help="default: BUILD/results/matrix.jsonl")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1.0, help="of each library in each round")
    p.add_argument("--largest", type=float, default=4.0, help="GB of item vectors at most")
    p.add_argument("--cold-mib", type=int, default=1024, help="read before each call if cold")
    p.add_argument("--only", default="", help="cases whose names contain this")
    p.add_argument("--quick", action="store_true", help="20,000 items everywhere: does it work?")
    p.add_argument("--list", action="store_true")
    p.add_argument("--draw", action="store_true")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds, a.cold_mib = 1, 0.02, 16
    a.build = os.path.abspath(a.build)
    a.before = a.before and os.path.abspath(a.before)
    a.out = os.path.abspath(a.out or os.path.join(a.build, "results", "matrix.jsonl"))
    a.keep, a.no_peers, a.all_peers, a.norms = True, False, False, 0.0
    return a


class MatrixData(Data):
    """As bench_score's, with more kinds of vectors."""

    def __init__(self, args, name, n, d):
        self.args, self.n, self.d, self.name = args, n, d, name
        self.folder = os.path.join(args.build, "data", "matrix-%s-%dx%d" % (name, n, d))
        os.makedirs(self.folder, exist_ok=True)
        self.log = self.path("log")
        self.items, self.queries = self.path("items.f32"), self.path("queries.f32")
        if name in matrix_cases.TRAINED:
            self.train(matrix_cases.TRAINED[name])
        else:
            self.matrix("items.f32", n, 1, *matrix_cases.MADE[name])
            self.matrix("queries.f32", 4000, 2)
        self.n = os.path.getsize(self.items) // (4 * d)

    def train(self, how):
        if os.path.exists(self.items):
            return
        command = [os.path.join(self.args.venv, "bin", "python"),
                   os.path.join(PEERS, "train_factors.py"), "--out", self.folder,
                   "--factors", str(self.d), *how]
        if "movielens" in self.name:
            command += ["--ratings", self.args.ratings]
        else:
            command += ["--items", str(self.n), "--users", str(max(4000, self.n // 2))]
        say("  " + run(command, timeout=7200).strip())

    def bits_of(self, batch, share):
        return self.make("bits-%d-%g" % (batch, share), "bits", "--rows", str(batch), "--columns",
                         str(self.n), "--share", str(share), "--seed", "3")

    def seen_of(self, batch, n_seen):
        import array
        import random
        path, draw = self.path("seen-%d-%d.i32" % (batch, n_seen)), random.Random(4)
        if not os.path.exists(path):
            rows = array.array("i")
            for _ in range(batch):
                rows.extend(sorted(draw.sample(range(self.n), n_seen)))
            with open(path + ".new", "wb") as f:
                f.write(rows.tobytes())
            os.rename(path + ".new", path)
        return path


class MatrixCase(Case):
    def __init__(self, data, args, case):
        super().__init__(data, "plain", case["batch"], case["threads"])
        self.args, self.case = args, case

    def title(self):
        return matrix_cases.name_of(self.case)

    def common(self):
        case = self.case
        flags = ["--k", str(case["k"]), "--rounds", "--reps", "3", "--seconds",
                 str(self.args.seconds)]
        if case["share"] < 1:
            flags += ["--filter-bits", self.data.bits_of(self.batch, case["share"])]
        if case["seen"]:
            flags += ["--seen", self.data.seen_of(self.batch, case["seen"])]
        if case["cold"]:
            flags += ["--cold", str(self.args.cold_mib)]
        return flags

    def add_peers(self, cores):
        filtered = self.case["share"] < 1 or self.case["seen"]
        waits = ["passive", "active"] if self.threads > 1 and not filtered else [None]
        for wait in waits:
            if not filtered:
                self.add_peer("faiss-blas", cores, wait)
                self.add_peer("implicit", cores, wait)
            self.add_peer("faiss", cores, wait)
        if filtered:
            return
        self.add_peer("numpy", cores)
        self.add_peer("faiss-panorama", cores, waits[0])
        if self.data.n * self.batch <= 64 << 20:    # it writes 16 bytes for every score
            self.add_peer("usearch", cores)
        if self.args.older_faiss:
            for library in ("faiss", "faiss-blas"):
                self.add_peer(library, cores, waits[0])
                peer = self.peers[-1]
                peer.name += " 1.13.2"
                peer.command[0] = os.path.join(self.args.older_faiss, "bin", "python")

    def add_ours(self):
        checks = [x for peer in self.peers if os.path.exists(peer.out) and peer.worker
                  for x in ("--check", peer.out)][:16]
        more = ["--no-check"] if self.data.n > 2000000 else []
        self.ours.append(Contender("recsys", "recsys", self.data.ours(
            self.batch, self.threads, *self.common()) + checks + more))
        if self.args.before and not self.case["cold"]:
            self.ours.append(Contender("before", "before", self.data.ours(
                self.batch, self.threads, *self.common(), bundle="bundle-before",
                build=self.args.before) + more))

    def result(self):
        times = {c.name: round(c.milliseconds(), 5) for c in self.ours + self.peers
                 if c.milliseconds() is not None}
        spread = {c.name: [round(min(x["median_ms"] for x in c.lines), 5),
                           round(max(x["p99_ms"] for x in c.lines), 5)]
                  for c in self.ours + self.peers if c.lines}
        setups = {c.name: "%s %s; %s" % (c.lines[0]["library"], c.lines[0]["version"],
                                         c.lines[0]["setup"])
                  for c in self.ours + self.peers if c.lines}
        return dict(self.case, name=self.title(), ms=times, least_and_p99=spread, setups=setups,
                    answers="not checked" if self.data.n > 2000000 else self.answers(),
                    machine=machine(), rounds=self.args.rounds, seconds=self.args.seconds)


class Results:
    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.lines = []
        if os.path.exists(path):
            with open(path) as f:
                self.lines = [json.loads(line) for line in f if line.endswith("}\n")]
        self.names = {line["name"] for line in self.lines}

    def add(self, line):
        self.lines.append(line)
        self.names.add(line["name"])
        with open(self.path, "a") as f:
            f.write(json.dumps(line) + "\n")


def run_curve(args, data, case):
    """Lines of a program that prints one for each of its settings."""
    python = os.path.join(args.venv, "bin", "python")
    files = ["--items", data.items, "--queries", data.queries, "--n", str(data.n), "--d",
             str(data.d), "--k", str(case["k"])]
    if case["curve"] == "redis":
        command = [python, os.path.join(PEERS, "redis_vectors.py"), "--server", args.redis, *files]
    else:
        command = [python, os.path.join(PEERS, "curve_peers.py"), "--library", case["curve"],
                   "--threads", str(case["threads"]), *files]
    text = run(command, env=environment(), timeout=7200)
    return dict(case, name=matrix_cases.name_of(case), machine=machine(),
                curve_lines=[json.loads(x) for x in text.splitlines()])


def wanted(args):
    for case in matrix_cases.all_cases(args.quick):
        if args.only not in matrix_cases.name_of(case):
            continue
        if 4e-9 * case["n"] * case["d"] > args.largest:
            continue
        if case.get("curve") == "redis" and not args.redis:
            continue
        if "movielens" in case["data"] and not args.ratings:
            continue
        yield case


def main():
    args = parse_args()
    end = time.monotonic() + 60 * args.minutes
    results, cores, data = Results(args.out), {}, {}
    cases = list(wanted(args))
    for case in cases:
        name = matrix_cases.name_of(case)
        if args.list:
            print(("done  " if name in results.names else "      ") + name)
        if args.list or args.draw or name in results.names:
            continue
        if time.monotonic() > end:
            say("the time is over; started again, it goes on from here")
            break
        key = (case["data"], case["n"], case["d"])
        try:
            if key not in data:
                data = {key: MatrixData(args, *key)}
            if case.get("curve"):
                results.add(run_curve(args, data[key], case))
                continue
            cores = cores or choose_cores(args, data[key])
            measured = MatrixCase(data[key], args, case)
            measured.run(cores)
            results.add(measured.result())
        except Failure as e:
            say("  %s: %s" % (name, e))
    if not args.list:
        for path in matrix_draw.draw(results.lines, os.path.splitext(args.out)[0]):
            say(path)


if __name__ == "__main__":
    run_main("bench_matrix", main)
