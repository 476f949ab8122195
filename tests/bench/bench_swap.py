#!/usr/bin/env python3
"""Hot swaps under load: what they cost the requests, and whether any answer is wrong.

    bench_swap.py --build build/bench --data DIR [--quick]

Two versions of a model are published and recsysd serves them. swap_load asks at
a steady rate and checks every answer to the last item and score against what
the library says for that version. Blocks with swaps and blocks of the same
length without take turns; in a block with swaps, versions change places again
and again through POST /api/v1/models/load and .../use.

Memory is what recsysd holds when two versions are loaded (the one that serves
and the previous one, kept for rollback): before the swaps and after. Before
means after a warm-up of some swaps, so that every worker has made its buffers.
"""
import argparse
import http.client
import json
import os
import shutil
import time

from bench_daemon import read_users
from processes import Worker, memory, recsysd, request, run, run_main, say
from tables import Report, machine, mebibytes, median, milliseconds, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "bench-swap-token"
WARM_UP_SWAPS = 50
IDLE_WORKERS = 40       # of recsysd's 64; the load's connections have the others


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--data", required=True, help="directory of ratings.csv and movies.csv")
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--swaps", type=int, default=1000)
    p.add_argument("--blocks", type=int, default=5, help="with swaps; as many without")
    p.add_argument("--every-ms", type=float, default=40.0, help="begin a swap so often; "
                   "0 = as soon as the last one is done")
    p.add_argument("--rate", type=float, default=2000.0, help="requests a second; 0 = as many as "
                   "the connections carry")
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--factors", type=int, default=64)
    a = p.parse_args()
    if a.quick:
        a.swaps, a.blocks = 40, 2
    a.build = os.path.abspath(a.build)
    return a


def publish(args, folder):
    """Two versions of one model in a registry, trained from different seeds; their directories."""
    registry = os.path.join(folder, "registry")
    os.makedirs(registry)
    for seed in (1, 2):
        bundle = os.path.join(folder, "trained-%d" % seed)
        run([os.path.join(args.build, "bin", "recsys-train-als"),
             "--ratings", os.path.join(args.data, "ratings.csv"),
             "--movies", os.path.join(args.data, "movies.csv"), "--out", bundle,
             "--factors", str(args.factors), "--iterations", "5", "--seed", str(seed)])
        run([os.path.join(args.build, "bin", "recsysctl"), "publish", bundle,
             "--registry", registry, "--name", "movies"])
    return registry, [os.path.join(registry, "movies", str(v)) for v in (1, 2)]


class Operator:
    """Loads and uses the version that does not serve."""

    def __init__(self, port):
        self.port, self.version = port, 1
        self.load_ms, self.use_ms, self.failures = [], [], 0

    def step(self, name, body):
        begin = time.monotonic()
        status, text = request(self.port, "POST", "/api/v1/models/" + name, body,
                               {"X-Admin-Token": TOKEN})
        if status != 200:
            self.failures += 1
            say("%s: %d %s" % (name, status, text[:300]))
        return (time.monotonic() - begin) * 1e3

    def swap(self):
        self.version = 3 - self.version
        self.load_ms.append(self.step("load", {"source": "models:/movies/%d" % self.version}))
        self.use_ms.append(self.step("use", {"version": str(self.version)}))


class Block:
    """One stretch of load."""

    def __init__(self, load):
        self.load = load
        load.tell("begin")
        self.begin = time.monotonic()

    def end(self):
        self.seconds = time.monotonic() - self.begin
        self.load.tell("end")
        return self.load.hear(30)


def swap_block(load, operator, args, n_swaps, pid):
    """n_swaps swaps, one every so often; the load's figures, the time and the largest RSS."""
    block, largest = Block(load), 0
    for i in range(n_swaps):
        wait = block.begin + i * args.every_ms / 1e3 - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        operator.swap()
        largest = max(largest, memory(pid)["VmRSS"])
    line = block.end()
    return line, block.seconds, largest


def quiet_block(load, seconds):
    block = Block(load)
    time.sleep(seconds)
    return block.end()


def touch_workers(port):
    """Have workers that serve no connection of the load answer once too."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                   for _ in range(IDLE_WORKERS)]
    for i, connection in enumerate(connections):
        connection.request("POST", "/api/v1/predict", json.dumps({"user_id": i + 1}),
                           {"Content-Type": "application/json"})
        connection.getresponse().read()
    for connection in connections:
        connection.close()


def measure(args, daemon, load):
    operator = Operator(daemon.port)
    one = memory(daemon.pid)["VmRSS"]
    touch_workers(daemon.port)
    warm_up = Block(load)
    for _ in range(WARM_UP_SWAPS):
        operator.swap()
    warm_up.end()
    time.sleep(1)
    two = memory(daemon.pid)["VmRSS"]
    operator.load_ms, operator.use_ms = [], []
    quiet, swapping, largest = [], [], 0
    for i in range(args.blocks):
        n = args.swaps * (i + 1) // args.blocks - args.swaps * i // args.blocks
        line, seconds, peak = swap_block(load, operator, args, n, daemon.pid)
        swapping.append(line)
        largest = max(largest, peak)
        quiet.append(quiet_block(load, seconds))
    time.sleep(1)                           # the daemon tidies up several times a second
    after = memory(daemon.pid)["VmRSS"]
    return operator, quiet, swapping, {"one": one, "two": two, "largest": largest, "after": after}


def report_on(report, args, operator, quiet, swapping, rss):
    rows = []
    for name, lines in (("without swaps", quiet), ("with swaps", swapping)):
        rows.append([name, sum(x["answers"] for x in lines), sum(x["failed"] for x in lines),
                     sum(x["wrong"] for x in lines)] + [
                         milliseconds(median([x[p] for x in lines]) / 1e3)
                         for p in ("p50_us", "p99_us", "p999_us", "max_us")])
    report.add(text_table(["", "answers", "failed", "wrong", "p50 ms", "p99 ms", "p99.9 ms",
                           "longest ms"], rows))
    report.add()
    p99 = [s["p99_us"] / q["p99_us"] for s, q in zip(swapping, quiet)]
    report.add("p99 with swaps / without: %s (block by block: %s)" % (
        ratio(median([x["p99_us"] for x in swapping]) / median([x["p99_us"] for x in quiet])),
        " ".join(ratio(x) for x in p99)))
    report.add("%d swaps, %d failed; load %s ms, use %s ms (medians); a swap began every %s ms" % (
        len(operator.use_ms), operator.failures, milliseconds(median(operator.load_ms)),
        milliseconds(median(operator.use_ms)),
        milliseconds(sum(x["seconds"] for x in swapping) * 1e3 / len(operator.use_ms))))
    report.add("answers by version during swaps: " + ", ".join(
        "%s: %d" % (v, sum(x["by_version"][v] for x in swapping))
        for v in swapping[0]["by_version"]))
    report.add("resident MiB: %s with one version, %s with two before the swaps, at most %s "
               "during, %s after; after / before %s" % (
                   mebibytes(rss["one"]), mebibytes(rss["two"]), mebibytes(rss["largest"]),
                   mebibytes(rss["after"]), ratio(rss["after"] / rss["two"])))


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "swap")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    registry, bundles = publish(args, folder)
    token_file = os.path.join(folder, "token")
    with open(token_file, "w") as f:
        f.write(TOKEN + "\n")
    daemon = recsysd(args.build, folder, "models:/movies/1", "--registry", registry,
                     "--admin-token-file", token_file)
    with daemon:
        daemon.wait("/health/ready")
        command = [os.path.join(args.build, "bench", "swap_load"), "--port", str(daemon.port),
                   "--rate", str(args.rate), "--connections", str(args.connections)]
        for bundle in bundles:
            command += ["--bundle", bundle]
        with Worker(command, os.path.join(folder, "load.log")) as load:
            n_users = load.hear(60)["users"]
            operator, quiet, swapping, rss = measure(args, daemon, load)
            complaint = load.complaint()
    report = Report(args.out)
    report.add("Hot swaps under load. " + machine())
    report.add("%d of %d users tell the versions apart; %s over %d connections; %d + %d blocks" % (
        n_users, len(read_users(args.data)),
        "%g requests/s" % args.rate if args.rate else "as many requests as possible",
        args.connections, args.blocks, args.blocks))
    report.add()
    report_on(report, args, operator, quiet, swapping, rss)
    if complaint:
        report.add("the first complaints: " + complaint[:1000])
    report.close({"quiet": quiet, "swapping": swapping, "rss": rss})
    shutil.rmtree(folder)


if __name__ == "__main__":
    run_main("bench_swap", main)
