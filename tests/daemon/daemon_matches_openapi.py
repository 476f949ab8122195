#!/usr/bin/env python3
"""Requests that schemathesis makes from openapi.json; every reply must be as it says there.

    daemon_matches_openapi.py --recsysd PROGRAM --schemathesis PROGRAM [--examples 10]

Starts a daemon of its own with a model and without a database. The exit status is 1 if a check of
schemathesis fails; schemathesis.toml says what is expected beyond its defaults. The tests of the
document by itself (openapi_document.py) are run as well.
"""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import make_bundle  # noqa: E402
import openapi_document  # noqa: E402
from client import Daemon  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recsysd", required=True)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--examples", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = os.path.join(folder, "movies")
        make_bundle.make_bundle(bundle)
        with Daemon(os.path.abspath(options.recsysd), os.path.join(folder, "daemon"), "--model", bundle,
                    "--access-log=off", "--admin-token=secret-token") as daemon:
            done = subprocess.run(
                [os.path.abspath(options.schemathesis), "--config-file", os.path.join(HERE, "schemathesis.toml"), "run",
                 "http://127.0.0.1:%d/openapi.json" % daemon.port, "--checks", "all", "--seed", "1", "--no-color",
                 "--max-examples", str(options.examples), "--phases", "examples,coverage,fuzzing",
                 "-H", "X-Admin-Token: secret-token"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, timeout=1200)
    print(done.stdout[-20000:])
    passed, failed = openapi_document.run(options.recsysd)
    failed += done.returncode != 0
    print("%d passed, %d failed" % (passed + (done.returncode == 0), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
