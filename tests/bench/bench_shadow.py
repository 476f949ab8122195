#!/usr/bin/env python3
"""recsysd whose requests are asked to a shadow, too, against the same process without, in one run.

    bench_shadow.py --build build/bench --model BUNDLE [--shadow BUNDLE] [--quick]

Nothing is cached, so every request is scored, and with the shadow at 100 % each is scored
twice. One recsysd; the shadow is switched on and off through the API, round after round, in
an order that changes. Each figure is the median over the rounds, and so is each ratio, which
is taken within a round. The loads:

    a core idle     1 connection: one core scores, another one is free (on two cores and more)
    none idle       64 connections as fast as they can

`compared` and `dropped` are the shadow's share of the requests: it is meant to drop where no
core is idle. The machine must have nothing else to do: other programs' work takes the idle
core from the shadow, and looks like the shadow's cost.
"""
import argparse
import json
import os
import shutil
import urllib.request

from bench_batching import Load
from processes import Server, run_main
from tables import Report, machine, median, milliseconds, ratio, text_table

TOKEN = "bench-shadow"
LOADS = (("a core idle", 1), ("none idle", 64))


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--model", required=True, help="a bundle whose users are 1 to N")
    p.add_argument("--shadow", help="another one of the same ids; the same one if left out")
    p.add_argument("--users", type=int, default=2000)
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--seconds", type=int, default=5, help="of each round, with and without")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds = 2, 1
    return a


def call(server, method, path, body=None):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (server.port, path), method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json",
                                              "X-Admin-Token": TOKEN})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def findings(server):
    found = call(server, "GET", "/api/v1/models?model=shadow")["shadow_findings"]
    return found or {"compared": 0, "dropped": 0}


def measure(load, server, percent, seconds, connections):
    call(server, "PUT", "/api/v1/models/assignment", {"shadows": {"shadow": percent}})
    before = findings(server)
    result = load.run(server, seconds, connections)
    after = findings(server)
    for name in ("compared", "dropped"):
        result[name] = (after[name] - before[name]) / max(1, result["requests"])
    return result


def row_of(name, rounds):
    def of(with_shadow, key):
        return median([pair[with_shadow][key] for pair in rounds])

    def against(key):
        return ratio(median([pair[1][key] / max(1e-9, pair[0][key]) for pair in rounds]))
    return [name, "%.0f" % of(0, "rate"), milliseconds(of(0, "p50_us") / 1e3),
            milliseconds(of(0, "p99_us") / 1e3), sum(x["failed"] for pair in rounds for x in pair),
            "%.0f %%" % (100 * of(1, "compared")), "%.0f %%" % (100 * of(1, "dropped")),
            against("rate"), against("p50_us"), against("p99_us")]


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "shadow")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    users_file = os.path.join(folder, "users")
    with open(users_file, "w") as f:
        f.write("".join("%d\n" % (u + 1) for u in range(args.users)))
    port_file = os.path.join(folder, "port")
    server = Server([os.path.join(args.build, "bin", "recsysd"), "--model", args.model, "--models",
                     "shadow=" + (args.shadow or args.model), "--listen", "127.0.0.1:0",
                     "--port-file", port_file, "--cache-bytes", "0", "--access-log", "off",
                     "--batching", "off", "--admin-token", TOKEN],
                    os.path.join(folder, "log"), port_file=port_file)
    report, load, results, rows = Report(args.out), Load(users_file), {}, []
    try:
        server.wait("/health/ready", timeout=300)
        load.run(server, 1, 64)
        for name, connections in LOADS:
            rounds = results[name] = []
            for turn in range(args.rounds):
                pair = [None, None]
                for with_shadow in ((0, 1) if turn % 2 == 0 else (1, 0)):
                    pair[with_shadow] = measure(load, server, 100 * with_shadow, args.seconds,
                                                connections)
                rounds.append(pair)
            rows.append(row_of(name, rounds))
    finally:
        server.stop()
    report.add("POST /api/v1/predict, uncached, %s, shadow at 100 %%. %s" % (args.model, machine()))
    report.add("%d rounds of %d s with and without; ratios: with / without, within a round" %
               (args.rounds, args.seconds))
    report.add()
    report.add(text_table(["load", "requests/s", "p50 ms", "p99 ms", "failed", "compared", "dropped",
                           "rate /", "p50 /", "p99 /"], rows))
    report.close(results)


if __name__ == "__main__":
    run_main("bench_shadow", main)
