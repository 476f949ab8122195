#!/usr/bin/env python3
"""Replicas that follow an alias of a real MLflow server, under load: lag, failed answers, p99.

    bench_registry.py --build build/bench --mlflow-python build/venv-mlflow/bin/python
                      [--versions 500] [--every 3] [--poll 1] [--pollers 20] [--quick]

Two replicas of recsysd serve models:/films@live while wrk asks both, and every answer is checked: an
answer whose items are not those of the version that it names counts as mixed. Versions are published
one after the other, through the server, in two blocks: in the first one the alias stays where it is
("steady"), in the second one it is moved to each version. So both blocks have the same server and the
same uploads beside them, and their p99 differs by what swaps cost.

Lag is the time from the answer to "move the alias" until a replica names the version, in poll
intervals; looking costs a GET every 20 ms. Then so many pollers are started, which ask through a
counting proxy, and their requests for each interval are counted. Last, bench_rollback: how long a
rollback takes in a process that answers and loads at the same time.
"""
import argparse
import array
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TOP, "tests", part) for part in ("daemon", "support", "mlflow")]

import make_bundle  # noqa: E402
from mlflow_server import MlflowServer  # noqa: E402
from processes import Failure, recsysd, request, run, run_main, say  # noqa: E402
from tables import Report, machine, median, ratio, text_table  # noqa: E402
from trouble import Trouble  # noqa: E402

USERS, ITEMS, DIMENSIONS = 500, 2000, 32


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--mlflow-python", default=os.path.join(TOP, "build", "venv-mlflow", "bin", "python"))
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--versions", type=int, default=500, help="in each of the two blocks")
    p.add_argument("--every", type=float, default=3.0, help="seconds from one version to the next; more than two polls")
    p.add_argument("--poll", type=int, default=1, help="poll_registry_s")
    p.add_argument("--connections", type=int, default=8, help="to each replica")
    p.add_argument("--pause-ms", type=float, default=40.0, help="mean pause of a connection between two requests")
    p.add_argument("--pollers", type=int, default=20)
    p.add_argument("--poll-intervals", type=int, default=20)
    p.add_argument("--rollbacks", type=int, default=1000)
    a = p.parse_args()
    if a.quick:
        a.versions, a.pollers, a.poll_intervals, a.rollbacks = 5, 4, 5, 50
    a.build = os.path.abspath(a.build)
    return a


def write_version(folder, number):
    """A bundle whose items' ids are number * 1000000 + 1, ..."""
    rng = random.Random(number)
    pool = [rng.gauss(0, 0.4) for _ in range(4096)]
    floats = lambda n: array.array("f", [pool[rng.randrange(4096)] for _ in range(n)]).tobytes()
    os.makedirs(folder)
    ids = array.array("q", [number * 1000000 + i for i in range(1, ITEMS + 1)]).tobytes()
    make_bundle.tensors(os.path.join(folder, "model.safetensors"), [
        ("item_factors", "F32", [ITEMS, DIMENSIONS], floats(ITEMS * DIMENSIONS)),
        ("user_factors", "F32", [USERS, DIMENSIONS], floats(USERS * DIMENSIONS)),
        ("item_ids", "I64", [ITEMS], ids)])
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        content = file.read()
    manifest = {"format": "recsys-bundle", "format_version": 1, "name": "films", "version": str(number), "algorithm": "als",
                "dtype": "F32", "dimensions": DIMENSIONS, "n_users": USERS, "n_items": ITEMS, "metric": "inner_product",
                "link": {"kind": "sigmoid"}, "files": [{"name": "model.safetensors", "size": len(content),
                                                        "sha256": hashlib.sha256(content).hexdigest()}]}
    with open(os.path.join(folder, "recsys.json"), "w", encoding="utf-8") as out:
        json.dump(manifest, out)


class Publisher:
    """Publishes through the server's REST interface, as MLflow's client does."""

    def __init__(self, url, folder):
        self.url, self.folder, self.number = url, folder, 0
        self.call("POST", "registered-models/create", {"name": "films"})
        run_info = self.call("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]
        self.run_id, self.root = run_info["run_id"], run_info["artifact_uri"].removeprefix("mlflow-artifacts:/")

    def call(self, method, path, body):
        data = json.dumps(body).encode()
        sent = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(sent, timeout=120) as reply:
            return json.load(reply)

    def publish(self):
        """The number of the next version, which no alias names yet."""
        self.number += 1
        bundle = os.path.join(self.folder, "bundle-%d" % self.number)
        write_version(bundle, self.number)
        for name in os.listdir(bundle):
            with open(os.path.join(bundle, name), "rb") as file:
                sent = urllib.request.Request(f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{self.root}/{self.number}/{name}",
                                              file.read(), {"Content-Type": "application/octet-stream"}, method="PUT")
            urllib.request.urlopen(sent, timeout=120).close()
        made = self.call("POST", "model-versions/create", {"name": "films", "run_id": self.run_id,
                                                             "source": f"mlflow-artifacts:/{self.root}/{self.number}"})
        assert made["model_version"]["version"] == str(self.number), made
        return self.number

    def point(self, number):
        self.call("POST", "registered-models/alias", {"name": "films", "alias": "live", "version": str(number)})


class Load:
    """wrk on one replica, until it is over."""

    def __init__(self, args, port, seconds, seed):
        self.process = subprocess.Popen(
            ["wrk", "-t", "1", "-c", str(args.connections), "-d", "%ds" % seconds, "--timeout", "30s", "-s",
             os.path.join(HERE, "versions.lua"), "http://127.0.0.1:%d" % port, "--", str(USERS), str(args.pause_ms), str(seed)],
            stdout=subprocess.PIPE, text=True)

    def result(self):
        text = self.process.communicate()[0]
        line = next((x for x in text.splitlines() if x.startswith("RESULT ")), None)
        if line is None:
            raise Failure("wrk says nothing: " + text)
        return json.loads(line[7:])


def wait_until(port, number, end):
    """Seconds until the replica serves the version; None if it does not by `end`."""
    begin = time.monotonic()
    while time.monotonic() < end:
        status, text = request(port, "GET", "/api/v1/models/current")
        if status == 200 and json.loads(text)["model_version"] == str(number):
            return time.monotonic() - begin
        time.sleep(0.02)
    return None


def block(args, publisher, ports, moves):
    """(results of wrk, lags in seconds, how many were not followed in time)"""
    seconds = int(args.versions * args.every) + 1
    loads = [Load(args, port, seconds, seed) for seed, port in enumerate(ports)]
    lags, missed, begin = [], 0, time.monotonic()
    for i in range(args.versions):
        number = publisher.publish()
        due = begin + (i + 1) * args.every
        if moves:
            publisher.point(number)
            found = [None] * len(ports)
            watchers = [threading.Thread(target=lambda r=r, p=p: found.__setitem__(r, wait_until(p, number, due + 30)))
                        for r, p in enumerate(ports)]
            [w.start() for w in watchers]
            [w.join() for w in watchers]
            lags += [lag for lag in found if lag is not None]
            missed += found.count(None)
        time.sleep(max(0, due - time.monotonic()))
    return [load.result() for load in loads], lags, missed


def count_polls(args, server, folder):
    """Requests of so many pollers, for each interval and poller."""
    proxy, replicas = Trouble(server.url), []
    try:
        for i in range(args.pollers):
            own = os.path.join(folder, "poller-%d" % i)
            os.makedirs(own)
            replicas.append(recsysd(args.build, own, "models:/films@live", "--registry", proxy.url, "--registry-cache",
                                    os.path.join(folder, "cache"), "--poll-registry-s", str(args.poll), "--threads", "2"))
        for replica in replicas:
            replica.wait("/health/ready", timeout=120)
        time.sleep(2 * args.poll)
        with proxy.lock:
            del proxy.requests[:]
        begin = time.monotonic()
        time.sleep(args.poll_intervals * args.poll)
        with proxy.lock:
            n, elapsed = len(proxy.requests), time.monotonic() - begin
        return n / (elapsed / args.poll) / args.pollers
    finally:
        for replica in replicas:
            replica.stop()
        proxy.close()


def row(name, results):
    return [name, str(sum(r["requests"] for r in results)), str(sum(r["failed"] for r in results)),
            str(sum(r["mixed"] for r in results)), "%.2f" % (median([r["p50_us"] for r in results]) / 1000),
            "%.2f" % (max(r["p99_us"] for r in results) / 1000)]


def measure(args, folder):
    report = Report(args.out)
    with MlflowServer(python=args.mlflow_python) as server:
        publisher = Publisher(server.url, folder)
        publisher.point(publisher.publish())
        replicas = []
        try:
            for i in range(2):
                own = os.path.join(folder, "replica-%d" % i)
                os.makedirs(own)
                replicas.append(recsysd(args.build, own, "models:/films@live", "--registry", server.url, "--registry-cache",
                                        os.path.join(own, "cache"), "--poll-registry-s", str(args.poll),
                                        "--cache-bytes", "0").wait("/health/ready", timeout=120))
            ports = [replica.port for replica in replicas]
            say("steady: %d versions, the alias stays" % args.versions)
            steady, _, _ = block(args, publisher, ports, False)
            say("swaps: %d versions, the alias moves" % args.versions)
            swaps, lags, missed = block(args, publisher, ports, True)
        finally:
            for replica in replicas:
                replica.stop()
        say("%d pollers" % args.pollers)
        polls = count_polls(args, server, folder)
    rolled = json.loads(run([os.path.join(args.build, "bench", "bench_rollback"), os.path.join(folder, "bundle-1"),
                             os.path.join(folder, "bundle-2"), "--rollbacks", str(args.rollbacks)]))
    lags.sort()
    report.add(machine())
    report.add("%d versions a block, one every %.1f s; polled every %d s; wrk: %d connections to each of two replicas, "
               "%.0f ms between requests" % (args.versions, args.every, args.poll, args.connections, args.pause_ms))
    report.add(text_table(["block", "answers", "failed", "mixed", "p50 ms", "p99 ms"],
                          [row("steady", steady), row("swaps", swaps)]))
    p99 = [max(r["p99_us"] for r in results) for results in (swaps, steady)]
    report.add("p99 with swaps / steady: %s" % ratio(p99[0] / max(1, p99[1])))
    if lags:
        report.add("lag in poll intervals: median %.2f, 99 %% %.2f, largest %.2f; not followed: %d of %d" % (
            lags[len(lags) // 2] / args.poll, lags[len(lags) * 99 // 100] / args.poll, lags[-1] / args.poll, missed,
            2 * args.versions))
    report.add("requests for each poller and interval, %d pollers: %.3f" % (args.pollers, polls))
    report.add("rollback while %d threads answer and one loads: call p50 %.0f us, p99 %.0f us, largest %.0f us; first answer of "
               "the model that came back: p50 %.0f us, p99 %.0f us, largest %.0f us; %d of %d answers failed, %d loads" % (
                   rolled["threads"], rolled["call"]["p50_us"], rolled["call"]["p99_us"], rolled["call"]["max_us"],
                   rolled["effect"]["p50_us"], rolled["effect"]["p99_us"], rolled["effect"]["max_us"], rolled["failed"],
                   rolled["answers"], rolled["loads"]))
    report.close({"steady": steady, "swaps": swaps, "lags_s": lags, "missed": missed, "polls": polls, "rollback": rolled})


def main():
    with tempfile.TemporaryDirectory(prefix="bench-registry.") as folder:
        measure(parse_args(), folder)


if __name__ == "__main__":
    run_main("bench_registry", main)
