#!/usr/bin/env python3
"""Hits over Redis with plain values and companions, against envelopes, of this build and of another one.

    bench_plain.py --build build/bench [--against OTHER/build/bench] [--rounds N] [--seconds S]

The three take turns with one Redis server, 10,000 keys of 200 bytes. Prints the medians of
processor time and of calls a second, and their ratios.
"""
import argparse
import json
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))

from backends import Redis  # noqa: E402
from processes import run, run_main  # noqa: E402


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--against")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--seconds", type=float, default=1.0)
    a = p.parse_args()
    ways = {"envelope": (a.build, []), "plain": (a.build, ["--plain"])}
    if a.against:
        ways["envelope, the other build"] = (a.against, [])
    results = {name: [] for name in ways}
    with Redis() as redis:
        for _ in range(a.rounds):
            for name, (build, more) in ways.items():
                out = run([os.path.join(build, "bench", "bench_cache"), "--port", str(redis.port),
                           "--seconds", str(a.seconds), *more])
                results[name].append(json.loads(out))
    keys = [key for key in results["plain"][0] if isinstance(results["plain"][0][key], (int, float))]
    base = "envelope, the other build" if a.against else "envelope"
    for key in keys:
        middle = {name: statistics.median(r[key] for r in rows) for name, rows in results.items()}
        print(f"{key}: " + ", ".join(f"{name} {value:.4g}" for name, value in middle.items()) +
              (f"; plain / {base}: {middle['plain'] / middle[base]:.3f}" if middle[base] else ""))


if __name__ == "__main__":
    run_main("bench_plain", main)
