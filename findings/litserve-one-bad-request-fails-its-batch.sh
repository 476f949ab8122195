#!/usr/bin/env bash
# LitServe refuses all requests of a batch if one of them is refused
#
# Seen: 2026-11-30, litserve 0.2.19, FastAPI 0.165.0 (CPython 3.11).
#
# One would guess: decode_request() is called for each request by itself, so that an HTTPException(400) in it is the reply
# to that request, as without batches. The others go on to predict(), which takes what was decoded.
#
# In fact: with max_batch_size above 1 the exception is the reply to every request that was collected in the same
# moment: four right ones beside a wrong one all get 400 and its words, "no x", though they have an x. Clients that take
# 400 for their own fault do not try again. Alone or without batches they get 200. One client that sends wrong
# requests all the time makes others fail as often as they meet.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install litserve==0.2.19 fastapi==0.165.0 uvicorn==0.54.0 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
cat >served.py <<'PYTHON'
import sys

import litserve
from fastapi import HTTPException


class Twice(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        if "x" not in request:
            raise HTTPException(400, "no x")
        return request["x"]

    def predict(self, x):
        return [2 * one for one in x] if isinstance(x, list) else 2 * x

    def encode_response(self, output):
        return {"y": output}


if __name__ == "__main__":
    api = Twice(max_batch_size=int(sys.argv[2]), batch_timeout=1)
    litserve.LitServer(api, accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
PYTHON
cat >try.py <<'PYTHON'
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, path, body=None):
    """Status and text of a reply; None without one."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(
                f"http://127.0.0.1:{port}/{path}", data, {"Content-Type": "application/json"}), timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def start(port, batch):
    with open("log", "w") as log:
        server = subprocess.Popen([sys.executable, "served.py", str(port), str(batch)], stdout=log, stderr=log,
                                  start_new_session=True)
    end = time.monotonic() + 90
    while (ask(port, "health") or (0,))[0] != 200:
        if time.monotonic() > end or server.poll() is not None:
            stop(server)
            sys.exit(2)
        time.sleep(0.2)
    return server


def stop(server):
    try:
        os.killpg(server.pid, signal.SIGKILL)  # its session: what it has started, too
    except ProcessLookupError:
        pass
    server.wait(60)


def replies(batch):
    """Statuses of four right requests and a wrong one at the same time."""
    port = free_port()
    server = start(port, batch)
    try:
        alone = ask(port, "predict", {"x": 1})
        with ThreadPoolExecutor(5) as pool:
            together = list(pool.map(lambda body: ask(port, "predict", body), [{"x": i} for i in range(4)] + [{"z": 1}]))
    finally:
        stop(server)
    print(f"max_batch_size {batch}: a right request alone: {alone}; four right ones and a wrong one: {together}")
    return alone[0], [reply[0] for reply in together]


one = replies(1)
for _ in range(3):  # they may fall into two batches
    five = replies(5)
    if five[1] == [400] * 5:
        break
still = one == (200, [200] * 4 + [400]) and five == (200, [400] * 5)
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
venv/bin/python try.py
