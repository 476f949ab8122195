#!/usr/bin/env python3
"""Exact top-10: librecsys against faiss, NumPy and implicit, in one run.

    bench_score.py --build build/bench --venv build/bench-venv [--quick]

Every library is a process of its own on the same files. For each case all of
them load, choose their fastest way and warm up; then they are measured in
turn, A B C A B C, so that whatever else the machine does hits all alike.
The figure is the median of the rounds' medians. A peer that in the first
round takes more than 1.5 times as long as the best peer is left out of the
later ones, and before the first if its slow warm-up call or its own trials take
three times as long (~ in the table).

Peers get the better of OMP_WAIT_POLICY active and passive, and of the BLAS
kernels their wheel chooses and those that can be forced on this processor;
ours is measured as it comes. Data is Gaussian, which leaves a search nothing
to skip; --norms 0.4 spreads the lengths of items as trained models do.
"""
import argparse
import array
import json
import os
import random
import shutil

from processes import Worker, environment, run, run_main, say
from tables import Report, machine, median, milliseconds, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers", "score_peers.py")
K = 10
N_SEEN = 100
LEFT_BEHIND = 1.5
FAISS_BLAS_THRESHOLD = 128000   # its distance_compute_blas_threshold, in numbers of the batch
HOPELESS, SLOW_MS = 3, 500      # times the best peer's first call, if it is slow


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, help="build directory with RECSYS_BUILD_BENCH")
    p.add_argument("--venv", required=True, help="Python environment with the peers")
    p.add_argument("--before", help="build directory of an earlier version, measured beside this one")
    p.add_argument("--out", help="also write the table to this file, and its data beside it")
    p.add_argument("--quick", action="store_true", help="small data, few cases: does it work?")
    p.add_argument("--shapes", default="100000x64,1000000x64,1000000x128")
    p.add_argument("--batches", default="1,64,1000")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--kinds", default="plain,bits,seen", help="bits: a bitmap of 10 %%%% for each "
                   "query; seen: %d seen items for each user" % N_SEEN)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=0.5, help="of each library in each round")
    p.add_argument("--norms", type=float, default=0.0)
    p.add_argument("--all-peers", action="store_true",
                   help="NumPy and implicit with filters too; takes long")
    p.add_argument("--no-peers", action="store_true", help="only ours")
    p.add_argument("--keep", action="store_true", help="keep the data for the next run")
    a = p.parse_args()
    if a.quick:
        a.shapes, a.batches, a.threads, a.rounds, a.seconds = "20000x32", "1,64", "2", 2, 0.05
    a.build = os.path.abspath(a.build)
    a.before = a.before and os.path.abspath(a.before)
    a.shapes = [tuple(map(int, s.split("x"))) for s in a.shapes.split(",")]
    a.batches = [int(b) for b in a.batches.split(",")]
    a.threads = [int(t) for t in a.threads.split(",")]
    a.kinds = a.kinds.split(",")
    return a


class Data:
    """The files of one shape."""

    def __init__(self, args, n, d):
        self.args, self.n, self.d = args, n, d
        self.folder = os.path.join(args.build, "data", "%dx%d-%g" % (n, d, args.norms))
        os.makedirs(self.folder, exist_ok=True)
        self.items = self.matrix("items.f32", n, 1, "--norms", str(args.norms))
        self.queries = self.matrix("queries.f32", 4000, 2)
        self.log = self.path("log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, *command):
        path = self.path(name)
        if not os.path.exists(path):
            run([os.path.join(self.args.build, "bench", "bench_data"), command[0],
                 "--out", path + ".new", *command[1:]])
            os.rename(path + ".new", path)
        return path

    def matrix(self, name, rows, seed, *more):
        return self.make(name, "matrix", "--rows", str(rows), "--columns", str(self.d),
                         "--seed", str(seed), *more)

    def bits(self, batch):
        return self.make("bits-%d" % batch, "bits", "--rows", str(batch),
                         "--columns", str(self.n), "--share", "0.1", "--seed", "3")

    def seen(self, batch):
        """Half of what a user has seen is what suits them best; the other half is anything."""
        path, best = self.path("seen-%d.i32" % batch), self.path("best-%d.i64" % batch)
        if os.path.exists(path):
            return path
        half = N_SEEN // 2
        run(self.ours(batch, 1, "--k", str(half), "--reps", "1", "--seconds", "0", "--no-check",
                      "--out", best))
        ids = array.array("q")
        with open(best, "rb") as f:
            ids.frombytes(f.read())
        rows, draw = array.array("i"), random.Random(4)
        for q in range(batch):
            row = set(ids[q * half:(q + 1) * half])
            while len(row) < N_SEEN:
                row.add(draw.randrange(self.n))
            rows.extend(sorted(row))
        with open(path + ".new", "wb") as f:
            f.write(rows.tobytes())
        os.rename(path + ".new", path)
        return path

    def flags(self, batch, threads):
        return ["--items", self.items, "--queries", self.queries, "--n", str(self.n),
                "--d", str(self.d), "--batch", str(batch), "--threads", str(threads)]

    def ours(self, batch, threads, *more, bundle="bundle", build=None):
        return [os.path.join(build or self.args.build, "bench", "bench_score"),
                *self.flags(batch, threads), "--bundle", self.path(bundle), *more]

    def remove(self):
        if not self.args.keep:
            shutil.rmtree(self.folder)


class Contender:
    """One library in one case."""

    def __init__(self, name, column, command, env=None, out=None):
        self.name, self.column, self.command, self.env = name, column, command, env
        self.out = out
        self.worker, self.lines, self.first_ms = None, [], None

    def start(self, log, limit_ms=None):
        """Its warm-up. It is not measured further if that takes too long."""
        command = self.command + (["--limit-ms", str(limit_ms)] if limit_ms else [])
        self.worker = Worker(command, log, environment(**(self.env or {})))
        line = self.worker.hear(900)
        self.first_ms = line.get("expected_ms") or line["first_ms"]
        if line["ready"] and not (limit_ms and self.first_ms > limit_ms):
            self.worker.pause()
        else:
            self.stop()

    def measure(self):
        self.worker.resume()
        self.worker.tell("go")
        self.lines.append(self.worker.hear(300))
        self.worker.pause()

    def stop(self):
        if self.worker:
            self.worker.stop()
            self.worker = None

    def milliseconds(self):
        return median([line["median_ms"] for line in self.lines]) if self.lines else self.first_ms


class Case:
    def __init__(self, data, kind, batch, threads):
        self.data, self.kind, self.batch, self.threads = data, kind, batch, threads
        self.args = data.args
        self.ours, self.peers = [], []

    def title(self):
        filters = {"plain": "", "bits": ", 10 % filter", "seen": ", %d seen" % N_SEEN}[self.kind]
        n = self.data.n
        count = "%dM" % (n // 10**6) if n >= 10**6 else "%dk" % (n // 1000)
        return "%s x %d, batch %d%s" % (count, self.data.d, self.batch, filters)

    def common(self):
        flags = ["--k", str(K), "--rounds", "--reps", "1", "--seconds", str(self.args.seconds)]
        if self.kind == "bits":
            flags += ["--filter-bits", self.data.bits(self.batch)]
        elif self.kind == "seen":
            flags += ["--seen", self.data.seen(self.batch)]
        return flags

    def add_peer(self, library, cores, omp=None):
        name = library + (" " + omp if omp else "")
        out = self.data.path("out " + name)
        if os.path.exists(out):
            os.unlink(out)
        command = [os.path.join(self.args.venv, "bin", "python"), PEERS,
                   *self.data.flags(self.batch, self.threads), *self.common(),
                   "--library", library, "--no-check", "--out", out]
        if omp:
            command += ["--omp-wait", omp]
        core = cores["numpy" if library in ("numpy", "implicit") else "faiss"]
        self.peers.append(Contender(name, library, command, {"OPENBLAS_CORETYPE": core}, out))

    def add_peers(self, cores):
        """The fastest ones first, as they decide which of the others are measured at length."""
        waits = ["passive", "active"] if self.threads > 1 else [None]
        if self.kind == "plain":
            for wait in waits:
                self.add_peer("faiss-blas", cores, wait)
            for wait in waits:
                self.add_peer("implicit", cores, wait)
            # Waiting is between BLAS and OpenMP; without BLAS there is no difference.
            for wait in waits if self.batch * self.data.d >= FAISS_BLAS_THRESHOLD else waits[:1]:
                self.add_peer("faiss", cores, wait)
            self.add_peer("numpy", cores)
        else:
            self.add_peer("faiss", cores, waits[0])
            if self.args.all_peers:
                self.add_peer("implicit", cores)
                self.add_peer("numpy", cores)

    def limit_ms(self):
        """When a slow peer is hopeless; None as long as nothing can be said."""
        times = [p.first_ms for p in self.peers if p.first_ms]
        return max(SLOW_MS, HOPELESS * min(times)) if times else None

    def add_ours(self):
        checks = [x for peer in self.peers if os.path.exists(peer.out)
                  for x in ("--check", peer.out)]
        command = self.data.ours(self.batch, self.threads, *self.common())
        self.ours.append(Contender("recsys", "recsys", command + checks))
        self.ours.append(Contender("recsys huge", "huge pages",
                                   command + checks + ["--huge-pages"]))
        if self.args.before:
            command = self.data.ours(self.batch, self.threads, *self.common(),
                                     bundle="bundle-before", build=self.args.before)
            self.ours.append(Contender("before", "before", command + checks))
        if self.kind == "seen":
            command = self.data.ours(self.batch, self.threads, *self.common(), "--recommend",
                                     *checks, bundle="bundle-seen-%d" % self.batch)
            self.ours.append(Contender("recsys-recommend", "recommend", command))

    def best_peer(self):
        return min((p.milliseconds() for p in self.peers), default=None)

    def leave_behind(self):
        """The best two stay whatever their distance, as a single round may mislead."""
        for peer in sorted(self.peers, key=Contender.milliseconds)[2:]:
            if peer.milliseconds() > LEFT_BEHIND * self.best_peer():
                peer.stop()

    def run(self, cores):
        if not self.args.no_peers:
            self.add_peers(cores)
        try:
            for peer in self.peers:
                peer.start(self.data.log, self.limit_ms())
            self.add_ours()                             # they read the peers' answers
            for contender in self.ours:
                contender.start(self.data.log)
            for turn in range(self.args.rounds):
                racing = [c for c in self.peers + self.ours if c.worker]
                for contender in racing if turn % 2 == 0 else reversed(racing):
                    contender.measure()
                if turn == 0:
                    self.leave_behind()
        finally:
            for contender in self.peers + self.ours:
                contender.stop()
        say("  " + self.title() + ", %d threads: " % self.threads + ", ".join(
            "%s %s" % (c.name, milliseconds(c.milliseconds())) for c in self.ours + self.peers))

    def cell(self, column):
        """The best of a column's contenders; ~ if none of them was in every round."""
        found = [c for c in self.ours + self.peers if c.column == column]
        if not found:
            return "-"
        best = min(found, key=Contender.milliseconds)
        return ("" if len(best.lines) == self.args.rounds else "~") + milliseconds(
            best.milliseconds())

    def answers(self):
        """Are all answers right, and the peers' the same?"""
        line = [c.lines[0] for c in self.ours]
        if any("1.0000" not in x["recall_note"] for x in line):
            return "WRONG"
        different = sum(v["different"] for x in line for v in x.get("check", {}).values())
        return "%d differ" % different if different else "same"

    def row(self):
        ours = next(c for c in self.ours if c.column == "recsys").milliseconds()
        best = self.best_peer()
        before = [c.milliseconds() for c in self.ours if c.column == "before"]
        return [self.title(), self.threads] + [self.cell(c) for c in COLUMNS] + [
            ratio(before[0] / ours if before else None), ratio(best / ours if best else None),
            self.answers()]


COLUMNS = ["recsys", "huge pages", "recommend", "before", "faiss", "faiss-blas", "numpy",
           "implicit"]
HEADERS = ["milliseconds a batch", "threads"] + COLUMNS + [
    "before / recsys", "best peer / recsys", "answers"]


def choose_cores(args, data):
    """The OPENBLAS_CORETYPE with which each of the peers' OpenBLAS is fastest; None = its own."""
    try:
        with open("/proc/cpuinfo") as f:
            flags = next((x.split() for x in f if x.startswith("flags")), [])
    except OSError:
        flags = []
    names = [None] + ["Haswell"] * ("avx2" in flags) + ["SkylakeX"] * ("avx512dq" in flags)
    chosen = {}
    for key, library in (("faiss", "faiss-blas"), ("numpy", "numpy")):
        times = {}
        for name in names:
            line = run([os.path.join(args.venv, "bin", "python"), PEERS, *data.flags(64, 1),
                        "--k", str(K), "--library", library, "--no-check", "--reps", "5",
                        "--seconds", "0.3"], env=environment(OPENBLAS_CORETYPE=name))
            times[name] = json.loads(line)["min_ms"]
        chosen[key] = min(names, key=lambda name: times[name] * (1.0 if name is None else 1.05))
    return chosen


def main():
    args = parse_args()
    report = Report(args.out)
    cores, rows, lines, data = {}, [], [], None
    for n, d in args.shapes:
        data = Data(args, n, d)
        if not cores and not args.no_peers:
            cores = choose_cores(args, data)
        for threads in args.threads:
            for kind in args.kinds:
                for batch in args.batches if kind == "plain" else [64]:
                    case = Case(data, kind, batch, threads)
                    case.run(cores)
                    rows.append(case.row())
                    lines += [dict(x, contender=c.name) for c in case.ours + case.peers
                              for x in c.lines]
        data.remove()
    report.add("Exact top-%d. %s" % (K, machine()))
    report.add("%d rounds of %g s each; %s" % (args.rounds, args.seconds, (
        "norms spread by exp(%g x Gaussian)" % args.norms if args.norms else "Gaussian data")))
    if cores:
        report.add("OPENBLAS_CORETYPE for faiss: %s; for NumPy and implicit: %s" % (
            cores["faiss"] or "its own choice", cores["numpy"] or "its own choice"))
    report.add()
    report.add(text_table(HEADERS, rows))
    report.close(lines)


if __name__ == "__main__":
    run_main("bench_score", main)
