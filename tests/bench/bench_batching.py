#!/usr/bin/env python3
"""recsysd that scores requests together against recsysd that does not, in one run.

    bench_batching.py --build build/bench --model BUNDLE [--old PROGRAM] [--quick]

Nothing is cached, so every request is scored. One wrk loads each server in turn, round
after round; each figure is the median over the rounds, and so is each ratio, which is
taken within a round. The servers:

    off    --batching off
    on     as it comes: batching for large models, a thread for each core in one scan
    lone   the same with one thread for each scan (--batch-threads 1), if asked for
    old    another build's recsysd, if one is given

The loads: 1 connection, 64 connections as fast as they can, and 64 connections that
pause so long between requests that `off` has half, three quarters and nine tenths of
what it can do.
"""
import argparse
import json
import os
import shutil

from processes import Failure, Server, run, run_main
from tables import Report, machine, median, milliseconds, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 64
SHARES = (0.5, 0.75, 0.9)


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--model", required=True, help="a bundle whose users are 1 to N")
    p.add_argument("--users", type=int, default=2000)
    p.add_argument("--old", help="recsysd of another build")
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=4, help="of each server under each load")
    p.add_argument("--lone", action="store_true")
    p.add_argument("--only-shares", action="store_true", help="no more than the loads with pauses")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds = 1, 1
    return a


def start(program, folder, model, name, *flags):
    port_file = os.path.join(folder, name + ".port")
    command = [program, "--model", model, "--listen", "127.0.0.1:0", "--port-file", port_file,
               "--cache-bytes", "0", "--access-log", "off", "--threads", str(CONNECTIONS), *flags]
    return Server(command, os.path.join(folder, name + ".log"), port_file=port_file)


def start_all(args, folder):
    own = os.path.join(args.build, "bin", "recsysd")
    servers = {"off": start(own, folder, args.model, "off", "--batching", "off"),
               "on": start(own, folder, args.model, "on")}
    if args.lone:
        servers["lone"] = start(own, folder, args.model, "lone", "--batching", "on",
                                "--batch-threads", "1")
    if args.old:
        servers["old"] = start(args.old, folder, args.model, "old")
    for server in servers.values():
        server.wait("/health/ready", timeout=300)
    return servers


class Load:
    def __init__(self, users_file):
        self.users_file, self.seed = users_file, 0

    def run(self, server, seconds, connections, pause_ms=0.0):
        self.seed += 1
        text = run(["wrk", "-t", "1", "-c", str(connections), "-d", "%ds" % seconds,
                    "--timeout", "60s", "-s", os.path.join(HERE, "predict.lua"),
                    "http://127.0.0.1:%d" % server.port, "--", self.users_file, str(self.seed),
                    "%.3f" % pause_ms])
        line = next((x for x in text.splitlines() if x.startswith("RESULT ")), None)
        if line is None:
            raise Failure("wrk says nothing: " + text)
        result = json.loads(line[7:])
        result["rate"] = result["requests"] / result["seconds"]
        return result


def loads(load, servers, seconds, only_shares):
    """[(name, connections, pause)]; pauses that give `off` its shares of what it can do."""
    full = median([load.run(servers["off"], seconds, CONNECTIONS)["rate"] for _ in range(3)])
    found = [("1 connection", 1, 0.0), ("%d connections" % CONNECTIONS, CONNECTIONS, 0.0)]
    if only_shares:
        found = []
    for share in SHARES:
        found.append(("%.0f %% of off's %d/s" % (100 * share, full), CONNECTIONS,
                      1000.0 * CONNECTIONS / (share * full)))
    return found


def rows_of(results, name, reference):
    """One row for each server, with the medians of its ratios to `reference`."""
    rows = []
    for server, lines in results.items():
        def against(key):
            return ratio(median([a[key] / max(1e-9, b[key])
                                 for a, b in zip(lines, results[reference])]))
        rows.append([name, server, "%.0f" % median([x["rate"] for x in lines]),
                     milliseconds(median([x["p50_us"] for x in lines]) / 1e3),
                     milliseconds(median([x["p99_us"] for x in lines]) / 1e3),
                     sum(x["failed"] for x in lines),
                     against("rate"), against("p50_us"), against("p99_us")])
        name = ""
    return rows


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "batching")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    users_file = os.path.join(folder, "users")
    with open(users_file, "w") as f:
        f.write("".join("%d\n" % (u + 1) for u in range(args.users)))
    report, load = Report(args.out), Load(users_file)
    servers = start_all(args, folder)
    reference = "old" if args.old else "off"
    results, rows = {}, []
    try:
        for server in servers.values():
            load.run(server, 1, CONNECTIONS)
        for name, connections, pause in loads(load, servers, args.seconds,
                                              args.only_shares):
            lines = results[name] = {server: [] for server in servers}
            for turn in range(args.rounds):
                order = list(servers) if turn % 2 == 0 else list(reversed(list(servers)))
                for server in order:
                    lines[server].append(load.run(servers[server], args.seconds, connections, pause))
            rows += rows_of(lines, name, reference)
    finally:
        for server in servers.values():
            server.stop()
    report.add("POST /api/v1/predict, uncached, %s. %s" % (args.model, machine()))
    report.add("%d rounds of %d s; ratios to %s within a round" % (args.rounds, args.seconds, reference))
    report.add()
    report.add(text_table(["load", "", "requests/s", "p50 ms", "p99 ms", "failed", "rate /",
                           "p50 /", "p99 /"], rows))
    report.close(results)


if __name__ == "__main__":
    run_main("bench_batching", main)
