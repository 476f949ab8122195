#!/usr/bin/env python3
"""Clients that public generators make of openapi.json, against the daemon that has sent it.

    generated_clients.py --recsysd PROGRAM --npm NPM --work FOLDER

Python: openapi-python-client, whose generated code use.py calls. TypeScript: openapi-typescript with
openapi-fetch; use.ts must compile in strict mode and then runs in Node. Neither has a line about
recsysd that its generator did not write. FOLDER keeps the packages of npm between runs. The exit
status is 1 if a test fails.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "daemon"))

import make_bundle  # noqa: E402
from client import Daemon  # noqa: E402

TOKEN = "secret-token"
SECONDS = 600  # of one step that hangs


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, **options)
    print("$ %s\n%s" % (" ".join(command), done.stdout[-6000:]), flush=True)
    return done


def add(counts, done):
    """The last "N passed, N failed" of a program; one failure if it has none."""
    found = re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE)
    passed, failed = map(int, found[-1]) if found else (0, 0)
    counts[0] += passed
    counts[1] += max(failed, 1 if done.returncode or not found else 0)


def test_python(document, address, folder, counts):
    package, config = os.path.join(folder, "recsysd_client"), os.path.join(folder, "config.yml")
    with open(config, "w") as file:
        file.write("post_hooks: []\n")
    made = run([os.path.join(os.path.dirname(sys.executable), "openapi-python-client"), "generate", "--path", document,
                "--meta", "none", "--output-path", package, "--config", config, "--fail-on-warning"])
    counts[made.returncode != 0] += 1
    if made.returncode == 0:
        environment = dict(os.environ, PYTHONPATH=folder, PYTHONDONTWRITEBYTECODE="1")
        add(counts, run([sys.executable, os.path.join(HERE, "use.py"), address, TOKEN], env=environment))


def test_typescript(document, address, npm, work, counts):
    os.makedirs(work, exist_ok=True)
    for name in ("package.json", "package-lock.json", "tsconfig.json", "use.ts"):
        shutil.copy(os.path.join(HERE, name), work)
    programs = os.path.join(work, "node_modules", ".bin")
    steps = [[npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
             [os.path.join(programs, "openapi-typescript"), document, "-o", "api.d.ts", "--default-non-nullable", "false"],
             [os.path.join(programs, "tsc"), "-p", "tsconfig.json"]]
    for step in steps:
        done = run(step, cwd=work)
        counts[done.returncode != 0] += 1
        if done.returncode:
            return
    add(counts, run(["node", os.path.join("built", "use.js"), address, TOKEN], cwd=work))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recsysd", required=True)
    parser.add_argument("--npm", default="npm")
    parser.add_argument("--work", required=True)
    options = parser.parse_args()
    counts = [0, 0]
    with tempfile.TemporaryDirectory() as folder:
        make_bundle.make_bundle(os.path.join(folder, "movies"))
        with Daemon(os.path.abspath(options.recsysd), os.path.join(folder, "daemon"), "--model",
                    os.path.join(folder, "movies"), "--admin-token=" + TOKEN) as daemon:
            document = os.path.join(folder, "openapi.json")
            with open(document, "wb") as file:
                file.write(daemon.get("/openapi.json").body)
            address = "http://127.0.0.1:%d" % daemon.port
            test_python(document, address, folder, counts)
            test_typescript(document, address, options.npm, os.path.abspath(options.work), counts)
    print("%d passed, %d failed" % tuple(counts))
    return 1 if counts[1] or not counts[0] else 0


if __name__ == "__main__":
    sys.exit(main())
