#!/usr/bin/env python3
"""Hits of the cache-aside layer against redis-py and go-redis/cache, on one Redis server.

    bench_cache.py --build build/bench --venv build/bench-venv [--quick]

Every client reads random keys of 10,000, each of 200 bytes, all of them cached.
The peers do what services do by hand: get, and on a miss load and set. Ours does
all that recsys_aside_get_or_load does. The clients take turns, several rounds;
the tables show medians. Then the same hit in the process, without a server.
"""
import argparse
import json
import os
import shutil
import time

from processes import Failure, Process, free_port, run, run_main, say
from tables import Report, machine, median, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--venv", required=True)
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--keys", type=int, default=10000)
    p.add_argument("--threads", default="1,8")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds, a.keys = 1, 0.3, 500
    a.build, a.venv = os.path.abspath(a.build), os.path.abspath(a.venv)
    return a


def build_go(folder):
    go = shutil.which("go")
    if go is None:
        raise Failure("go is not installed")
    made = os.path.join(folder, "go_cache")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(os.path.join(HERE, "peers", "go_cache"), made)
    env = dict(os.environ, GOFLAGS="-mod=mod", GOTOOLCHAIN="local")
    say("building the Go peer")
    old = os.getcwd()
    os.chdir(made)
    try:
        run([go, "build", "-o", "go_cache", "."], env=env, timeout=600)
    finally:
        os.chdir(old)
    return os.path.join(made, "go_cache")


class Redis(Process):
    def __init__(self, folder):
        self.port = free_port()
        super().__init__(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save",
                          "", "--appendonly", "no", "--dir", folder],
                         os.path.join(folder, "redis.log"))
        for _ in range(200):
            if "PONG" in self.ping():
                return
            time.sleep(0.02)
        self.stop()
        raise Failure("redis-server does not answer: " + self.complaint())

    def ping(self):
        try:
            return run(["redis-cli", "-p", str(self.port), "ping"], timeout=5)
        except Failure:
            return ""


def measure(command, port, threads, args):
    line = run([*command, *(["--port", str(port)] if port else []), "--keys", str(args.keys),
                "--threads", str(threads), "--seconds", str(args.seconds)])
    found = json.loads(line)
    if found["misses"]:
        raise Failure("%s missed %d times" % (command[0], found["misses"]))
    return found


def over_redis(args, folder, report):
    python = [os.path.join(args.venv, "bin", "python"),
              os.path.join(HERE, "peers", "redis_py_cache.py")]
    ours = os.path.join(args.build, "bench", "bench_cache")
    clients = [("librecsys", [ours, "--share-from", "4"]),
               ("librecsys, as it comes", [ours]),
               ("go-redis/cache", [build_go(folder)]),
               ("redis-py", [*python, "--parser", "python"]),
               ("redis-py, hiredis", python)]
    kept = {}
    with Redis(folder) as server:
        for threads in map(int, args.threads.split(",")):
            runs = {name: [] for name, _ in clients}
            for number in range(args.rounds):
                for name, command in clients:
                    runs[name].append(measure(command, server.port, threads, args))
                say("%d threads, round %d" % (threads, number + 1))
            kept[threads] = runs
    rows = []
    for threads, runs in kept.items():
        ours = {k: median([x[k] for x in runs["librecsys"]]) for k in runs["librecsys"][0]}
        for name, lines in runs.items():
            got = {k: median([x[k] for x in lines]) for k in lines[0]}
            rows.append([name, threads, "%.0f" % got["per_s"], "%.2f" % got["cpu_us"],
                         "%.1f" % got["p50_us"], "%.1f" % got["p99_us"],
                         ratio(ours["per_s"] / got["per_s"]), ratio(got["cpu_us"] / ours["cpu_us"]),
                         ratio(got["p99_us"] / ours["p99_us"])])
    report.add("Hits over one Redis server, %d keys of 200 bytes, medians of %d rounds. %s" % (
        args.keys, args.rounds, machine()))
    report.add("the last three columns: how many times better ours is")
    report.add()
    report.add(text_table(["client", "threads", "hits/s", "cpu us", "p50 us", "p99 us", "hits/s",
                           "per core", "p99"], rows))
    return kept


def in_process(args, report):
    rows = []
    for keys in (1000, 10000, 50000):
        lines = [json.loads(run([os.path.join(args.build, "bench", "bench_cache"), "--memory",
                                 "--keys", str(keys), "--seconds", str(args.seconds)]))
                 for _ in range(args.rounds)]
        rows.append([str(keys), *("%.0f" % (median([x[k] for x in lines]) * 1000)
                                  for k in ("p50_us", "p99_us")),
                     "%d" % max(x["allocations"] for x in lines)])
    report.add()
    report.add("A hit in the process (recsys_aside over the in-process store), one thread, values of "
               "200 bytes")
    report.add()
    report.add(text_table(["random keys", "p50 ns", "p99 ns", "allocations"], rows))
    return rows


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "cache")
    os.makedirs(folder, exist_ok=True)
    report = Report(args.out)
    kept = over_redis(args, folder, report)
    memory = in_process(args, report)
    report.close({"redis": kept, "memory": memory})


if __name__ == "__main__":
    run_main("bench_cache", main)
