#!/usr/bin/env python3
"""bench_trace.py - what the trace costs while it is off: this library beside another one.

    tests/bench/bench_trace.py PROGRAM FOLDER_BEFORE FOLDER_NOW [ROUNDS]

PROGRAM is bench_trace; the folders hold librecsys.so of two builds of one soname and one preset.
They run in turn, round after round, each in a process of its own, and every second round in the
other order. Prints the medians, the median of the rounds' ratios, and the ratio of the
fastest rounds, which other programs on the machine disturb least.
"""
import json
import os
import statistics
import subprocess
import sys


def measure(program, folder):
    environment = {**os.environ, "LD_LIBRARY_PATH": folder, "OPENBLAS_NUM_THREADS": "1"}
    return json.loads(subprocess.run([program], env=environment, capture_output=True, text=True,
                                     check=True).stdout)


def main():
    program, before, now = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 15
    pairs = []
    for i in range(rounds):
        folders = (before, now) if i % 2 == 0 else (now, before)
        results = [measure(program, folder) for folder in folders]
        pairs.append(results if i % 2 == 0 else results[::-1])
    for name in ("hit_ns", "scan_ns"):
        ratios = [after[name] / first[name] for first, after in pairs]
        fastest = [min(pair[side][name] for pair in pairs) for side in (0, 1)]
        print(f"{name}: before {statistics.median(p[0][name] for p in pairs):.1f}, "
              f"now {statistics.median(p[1][name] for p in pairs):.1f}, "
              f"ratio {statistics.median(ratios):.3f} "
              f"({min(ratios):.3f} to {max(ratios):.3f}) in {rounds} rounds; "
              f"fastest rounds {fastest[0]:.1f} and {fastest[1]:.1f}, ratio "
              f"{fastest[1] / fastest[0]:.3f}")


main()
