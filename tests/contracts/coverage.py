#!/usr/bin/env python3
"""Fail unless the tests have seen every public function that can fail both succeed and fail.

Usage: coverage.py FUNCTIONS.TXT COUNTS-FOLDER
"""
import collections
import pathlib
import sys

# Functions that no test can make fail, or succeed, where the processor lacks a word of /proc/cpuinfo.
NEEDS = {("recsys_amx_use", "succeed"): "amx_int8"}


def main():
    functions = [line.split(maxsplit=2) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    seen = collections.defaultdict(lambda: [0, 0])
    for file in pathlib.Path(sys.argv[2]).iterdir():
        for line in file.read_text().splitlines():
            name, succeeded, failed = line.split()
            seen[name][0] += int(succeeded)
            seen[name][1] += int(failed)
    processor = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    excused = {call for call, word in NEEDS.items() if word not in processor}
    wanted = [name for name, _, kind in functions if kind == "can fail"]
    missing = [f"{name}: never seen to {what}" for name in wanted
               for what, n in zip(("succeed", "fail"), seen[name])
               if n == 0 and (name, what) not in excused]
    print("\n".join(missing))
    calls = sum(sum(n) for n in seen.values())
    print(f"contracts: {len(functions)} public functions, {len(wanted)} that can fail; "
          f"{calls} calls judged, {sum(n[1] for n in seen.values())} of them failed")
    print(f"{2 * len(wanted) - len(missing)} passed, {len(missing)} failed")
    return 1 if missing else 0


sys.exit(main())
