#!/usr/bin/env python3
"""run_models.py --recsysctl PROGRAM [--long] [--only TEXT] - docs/models.md beside the real libraries.

Trains a small model with each library, runs the lines of the page with it, imports the file by the
page's command, and compares the best ten items of users (of word vectors: the most similar items)
and their scores with what the library itself says. Ends with "N passed, N failed".
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import numpy as np  # noqa: E402

import documented  # noqa: E402
import trained  # noqa: E402

TOP_K = 10


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def check_best(found, wanted, tolerance, of):
    """The ten are the best, with the library's scores; equal scores may stand in any order."""
    assert len(found) == min(TOP_K, len(wanted)), f"{of}: {len(found)} items"
    scale = max(abs(score) for score in wanted.values())
    for item, raw in found:
        assert abs(raw - wanted[item]) <= tolerance * max(scale, 1.0), f"{of}: {item}: {raw}, not {wanted[item]}"
    tenth = sorted(wanted.values(), reverse=True)[len(found) - 1]
    worst = min(raw for _, raw in found)
    assert worst >= tenth - tolerance * max(scale, 1.0), f"{of}: {worst} is not among the best, {tenth} is"


def ask(recsysctl, folder, model, ids):
    """[(id, [(item, raw)])] as recsysctl answers."""
    if model.is_similar:
        answers = [run([recsysctl, "similar", "bundle", "--item", str(one), "-k", str(TOP_K), "--json"], folder) for one in ids]
        lines = [json.loads(answer) for answer in answers]
    else:
        asked = [word for one in ids for word in ("--user", str(one))]
        answer = run([recsysctl, "recommend", "bundle", "--json", "-k", str(TOP_K), *asked], folder)
        lines = [json.loads(line) for line in answer.splitlines()]
    assert len(lines) == len(ids)
    return [(one, [(item["item_id"], item["raw"]) for item in line["recommendations"]]) for one, line in zip(ids, lines)]


def check(recsysctl, section, model):
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        os.chdir(folder)
        try:
            exec(section["python"], {"np": np, **model.names})  # noqa: S102 - our own page
        finally:
            os.chdir(here)
        path = str(pathlib.Path(recsysctl).parent) + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["sh", "-ec", section["sh"]], cwd=folder, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PATH": path})
        assert done.returncode == 0, done.stderr
        print(done.stdout, end="")
        assert not model.link or f"link: {model.link} (" in done.stdout, done.stdout
        assert "not used" not in done.stdout, done.stdout
        for one, found in ask(recsysctl, folder, model, model.asked):
            wanted = model.scores(one)
            if model.is_similar:
                wanted.pop(one, None)
            check_best(found, wanted, model.tolerance, one)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recsysctl", required=True)
    parser.add_argument("--long", action="store_true", help="the sections marked *long*, and no others")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    recsysctl = os.path.abspath(arguments.recsysctl)
    sections = documented.sections()
    passed = failed = 0
    assert set(sections) == {heading for heading, _ in trained.ALL}, "a section has no test, or a test no section"
    for heading, make in trained.ALL:
        if arguments.only not in heading or (sections[heading]["is_long"] != arguments.long):
            continue
        start = time.monotonic()
        try:
            check(recsysctl, sections[heading], make())
            passed += 1
            print(f"ok: {heading} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception:  # whatever a library raises is a failure of its section alone
            failed += 1
            print(f"FAILED: {heading}", flush=True)
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


sys.exit(main())
