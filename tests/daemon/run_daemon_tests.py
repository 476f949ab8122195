#!/usr/bin/env python3
"""Runs the daemon's tests: every *.http file here and every test_* of the modules in main().

    run_daemon_tests.py [--recsysd PROGRAM] [--long] [NAME…]    NAMEs choose by a part of file or function

--long, or RECSYS_LONG=1: as many outages as the figures are promised for, which takes minutes.

Starts daemons of its own on free ports of 127.0.0.1 and ends them by their process ids, and the
Redis and PostgreSQL that domains.py and outages.py need (see backends.py). Ends with "N passed, N failed"; the exit
status is 1 if something failed. Standard library only.
"""
import argparse
import glob
import os
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import answers
import backends
import connections
import descriptions
import domains
import feedback
import held
import http_cases
import logs
import make_bundle
import models
import outages
import settings
import several
import starting
import stopping
import swaps
import tokens
from client import Daemon

HERE = os.path.dirname(os.path.abspath(__file__))


def find_program():
    """The one built last."""
    built = glob.glob(os.path.join(HERE, "..", "..", "build", "*", "bin", "recsysd"))
    if not built:
        sys.exit("there is no build/*/bin/recsysd; build it or give --recsysd")
    return max(built, key=os.path.getmtime)


class Lab:
    """The things that a test needs: models, a folder, and daemons that use them."""

    def __init__(self, program, folder, is_long):
        self.is_long = is_long
        self.program, self.folder, self.started = program, folder, []
        self.ctl = os.path.join(os.path.dirname(program), "recsysctl")
        self.servers = backends.Servers(folder)
        self.movies = os.path.join(folder, "movies")
        make_bundle.make_bundle(self.movies)
        make_bundle.make_bundle(os.path.join(folder, "als"), hyperparameters={"regularization": 0.1, "alpha": 2})
        make_bundle.make_bundle(os.path.join(folder, "texts"), text_ids=True, name="texts")
        make_bundle.make_bundle(os.path.join(folder, "books"), name="books", item_name="book")
        self.registry("registry", versions=3, broken=3)
        with open(os.path.join(folder, "keys"), "w") as file:
            file.write("# two keys\nkey-number-one\n\nkey-number-two\n")
        tokens.prepare(folder)

    def registry(self, name, versions, broken=None):
        """Versions 1…, each another model; `live` is 1. The factors of `broken` are damaged."""
        root = os.path.join(self.folder, name)
        for number in range(1, versions + 1):
            make_bundle.publish(root, number, seed=number)
        make_bundle.point(root, 1, "live")
        if broken:
            with open(os.path.join(root, "movies", str(broken), "model.safetensors"), "r+b") as file:
                file.seek(-100, os.SEEK_END)
                file.write(b"\xff" * 16)
        return root

    def daemon(self, *arguments, **options):
        folder = os.path.join(self.folder, "daemon%d" % len(self.started))
        daemon = Daemon(self.program, folder, *arguments, **options)
        self.started.append(daemon)
        return daemon

    def postgres(self):
        return backends.Postgres(self.servers, self.ctl)

    def close(self):
        for daemon in self.started:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()
        self.servers.stop()


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, group, title, error):
        if error is None:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED %s: %s\n    %s" % (group, title, error), flush=True)


def run_http_file(path, lab, report):
    name = os.path.basename(path)
    options = [option.replace("{dir}", lab.folder) for option in http_cases.parse(path)[0]]
    try:
        with lab.daemon(*options) as daemon:
            http_cases.run(path, daemon, lambda title, error: report(name, title, error))
    except (AssertionError, OSError, RuntimeError) as error:
        report(name, "the daemon", error)


def run_function(function, lab, report):
    title = function.__name__[len("test_"):].replace("_", " ")
    try:
        function(lab)
        report(function.__module__, title, None)
    except Exception:
        report(function.__module__, title, traceback.format_exc().replace("\n", "\n    "))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recsysd", default=None)
    parser.add_argument("--long", action="store_true", default=os.environ.get("RECSYS_LONG") == "1")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    wanted = lambda name: not options.names or any(part in name for part in options.names)
    folder = tempfile.mkdtemp(prefix="recsysd-tests-")
    report, begin = Report(), time.monotonic()
    lab = Lab(os.path.abspath(options.recsysd or find_program()), folder, options.long)
    try:
        for path in sorted(glob.glob(os.path.join(HERE, "*.http"))):
            if wanted(os.path.basename(path)):
                run_http_file(path, lab, report)
        for module in (answers, models, stopping, starting, descriptions, connections, held, logs, settings, several,
                       domains, feedback, outages, swaps):
            for name, function in list(vars(module).items()):
                if name.startswith("test_") and wanted(name):
                    run_function(function, lab, report)
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("daemon: %.1f s" % (time.monotonic() - begin))
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
