#!/usr/bin/env python3
"""coverage.py - which lines and branches of lib/ and daemon/ the tests execute, a folder a line.

    tests/coverage.py [--report] [--files] [--at-least PERCENT]

Builds the preset `coverage`, runs the C tests and the daemon's in it and prints what gcovr makes
of that. --report only prints again; --files prints every file; --at-least fails if fewer of the
lines of lib/ were executed. A line per file and the uncovered lines are in
build/coverage/coverage.json and coverage.html.

gcovr is the distribution's, or from PyPI in build/venv-gcovr. Tests that must not be slow, or that
look at libraries and not at code (lint, abi, install, figures, BLAS flavours), are left out.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build", "coverage")
LABELS = "unit|api|fault|race|integration|fuzz"


def run(*command, may_fail=False):
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=TOP, stdout=sys.stderr)
    if done.returncode != 0 and not may_fail:
        sys.exit("coverage.py: this has failed: " + " ".join(command))
    return done.returncode


def find_gcovr():
    program = shutil.which("gcovr")
    if program is None:
        venv = os.path.join(TOP, "build", "venv-gcovr")
        program = os.path.join(venv, "bin", "gcovr")
        if not os.path.exists(program):
            run(sys.executable, "-m", "venv", venv)
            run(os.path.join(venv, "bin", "pip"), "install", "--quiet",
                "--disable-pip-version-check", "gcovr")
    return program


def forget():
    """Removes the counts of earlier runs."""
    for folder, _, names in os.walk(BUILD):
        for name in names:
            if name.endswith(".gcda"):
                os.remove(os.path.join(folder, name))


def measure():
    jobs = str(os.cpu_count() or 2)
    run("cmake", "--preset", "coverage")
    run("cmake", "--build", BUILD, "-j", jobs)
    forget()
    failed = run("ctest", "--test-dir", BUILD, "-L", LABELS, "-LE", "figures", "-E",
                 "_on_blas_", "-j", jobs, "--output-on-failure", may_fail=True)
    failed |= run(sys.executable, "tests/daemon/run_daemon_tests.py", "--recsysd",
                  os.path.join(BUILD, "bin", "recsysd"), may_fail=True)
    failed |= run(sys.executable, "tests/daemon/ctl_test.py", "--bin",
                  os.path.join(BUILD, "bin"), may_fail=True)
    if failed:
        print("coverage.py: tests have failed; the figures are what was reached", file=sys.stderr)
    run(find_gcovr(), "--root", TOP, "--object-directory", BUILD, "--filter", "lib/", "--filter",
        "daemon/", "--exclude-unreachable-branches", "--json-summary",
        os.path.join(BUILD, "coverage.json"), "--html-details",
        os.path.join(BUILD, "coverage.html"), BUILD)
    return failed


def percent(part, whole):
    return "%6.1f %%" % (100.0 * part / whole) if whole else "      -"


def print_report(with_files):
    """Returns the share of lines of lib/."""
    with open(os.path.join(BUILD, "coverage.json")) as file:
        files = json.load(file)["files"]
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for entry in files:
        name = entry["filename"]
        folder, top = os.path.dirname(name), name.split("/")[0]
        counts = (entry["line_covered"], entry["line_total"], entry["branch_covered"],
                  entry["branch_total"])
        for key in (folder + "/", "all of %s/" % top) + ((name,) if with_files else ()):
            sums[key] = [a + b for a, b in zip(sums[key], counts)]
    print("%-34s %15s %9s %17s %9s" % ("", "lines", "", "branches", ""))
    for key in sorted(sums, key=lambda key: (key.startswith("all of"), key)):
        a, b, c, d = sums[key]
        print("%-34s %7d/%7d %s %8d/%8d %s" % (key, a, b, percent(a, b), c, d, percent(c, d)))
    a, b = sums["all of lib/"][:2]
    return 100.0 * a / b


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="print the last run's figures again")
    parser.add_argument("--files", action="store_true", help="a line for every file, too")
    parser.add_argument("--at-least", type=float, default=0, metavar="PERCENT")
    options = parser.parse_args()
    failed = 0 if options.report else measure()
    share = print_report(options.files)
    if share < options.at_least:
        sys.exit("coverage.py: %.1f %% of the lines of lib/, not %g %%" % (share, options.at_least))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
