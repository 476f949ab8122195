#!/usr/bin/env python3
"""tidy.py BUILD-FOLDER [FILE...] - clang-tidy over every C file of lib/ and daemon/, or these.

The checks are those of .clang-tidy, the flags those of that folder's build, so what it does not
compile (another processor's kernels) is not looked at. Prints what clang-tidy has found and ends
with "N passed, N failed", files that is.
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def write_database(build, folder):
    """The build's commands, one a file, without a launcher such as ccache; returns the files."""
    with open(os.path.join(build, "compile_commands.json")) as file:
        commands = json.load(file)
    kept = {}
    for entry in commands:
        name = os.path.relpath(entry["file"], TOP)
        if name.startswith(("lib/", "daemon/")) and name not in kept:
            kept[name] = dict(entry, command=re.sub(r"^\S*s?ccache ", "", entry["command"]))
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "compile_commands.json"), "w") as file:
        json.dump(list(kept.values()), file)
    return sorted(kept)


def check(folder, name):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", folder, os.path.join(TOP, name)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print("%s\n%s" % (name, done.stdout or done.stderr), flush=True)
    return done.returncode == 0


def main():
    if len(sys.argv) < 2 or not os.path.exists(os.path.join(sys.argv[1], "compile_commands.json")):
        sys.exit("usage: tidy.py BUILD-FOLDER [FILE...], of a folder that CMake has configured")
    if shutil.which("clang-tidy") is None:
        sys.exit("tidy.py: there is no clang-tidy; the distribution has a package of that name")
    folder = os.path.join(sys.argv[1], "tidy")
    files = sys.argv[2:] or write_database(sys.argv[1], folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = sum(pool.map(lambda name: check(folder, name), files))
    print("%d passed, %d failed" % (passed, len(files) - passed))
    return 0 if passed == len(files) and files else 1


if __name__ == "__main__":
    sys.exit(main())
