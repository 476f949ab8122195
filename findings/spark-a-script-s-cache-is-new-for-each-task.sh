#!/usr/bin/env bash
# A cache in a PySpark script is empty again in each task, and lru_cache fails
#
# Seen: 2026-11-29, PySpark 4.3.0 (its own cloudpickle, OpenJDK 17, CPython 3.11), local[1].
#
# One would guess: Spark keeps Python workers (spark.python.worker.reuse is true), so a function that loads a model into
# a global dictionary, or has functools.lru_cache, loads it once a worker.
#
# In fact: functions of the script that one runs are sent by value with the globals that they name, and each task makes
# them again. So the dictionary is as empty in each task as it was in the driver: six tasks in one process load
# six times. A function under lru_cache is a C object, which is sent by its name; the worker's main module is
# pyspark.daemon, and the task fails: Can't get attribute 'cached' on <module 'pyspark.daemon'>. The same code in
# a module that the workers can import loads once, both ways.
#
# Needs pip, python3 and Java 17; downloads 450 MB. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could
# not be tried.
set -eu
command -v java >/dev/null || { echo "there is no Java"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install pyspark==4.3.0 >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log" >&2; exit 2; }
cat >"$work/loading.py" <<'PYTHON'
import functools
import os

MODELS = {}


def load():
    return os.urandom(4).hex()  # another one each time


def kept():
    if "model" not in MODELS:
        MODELS["model"] = load()
    return os.getpid(), MODELS["model"]


@functools.lru_cache(maxsize=None)
def cached():
    return load()
PYTHON
cat "$work/loading.py" - >"$work/script.py" <<'PYTHON'


import sys

import loading
from pyspark.sql import SparkSession

try:
    session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
               .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate())
except Exception as error:
    print("Spark does not start:", error)
    sys.exit(2)


def run(what, function):
    """In six tasks: how many processes, how many loads; or why not."""
    try:
        pairs = session.sparkContext.parallelize(range(6), 6).map(function).collect()
        found = (len({pid for pid, _ in pairs}), len({model for _, model in pairs}))
        print(f"{what}: 6 tasks in {found[0]} process, loaded {found[1]} times")
    except Exception as error:
        found = "fails" if "Can't get attribute 'cached' on <module 'pyspark.daemon'" in str(error) else str(error)
        print(f"{what}: {found}")
    return found


seen = [run("dictionary, script", lambda _: kept()), run("lru_cache, script", lambda _: (os.getpid(), cached())),
        run("dictionary, module", lambda _: loading.kept()),
        run("lru_cache, module", lambda _: (os.getpid(), loading.cached()))]
still = seen == [(1, 6), "fails", (1, 1), (1, 1)]
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
cd "$work"
status=0
PYTHONPATH=$work PYSPARK_PYTHON=$work/venv/bin/python "$work/venv/bin/python" script.py 2>"$work/log" || status=$?
[ $status -lt 2 ] || tail -n 20 "$work/log" >&2
exit $status
