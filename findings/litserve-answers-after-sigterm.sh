#!/usr/bin/env bash
# LitServe's process ends on SIGTERM, and the server goes on answering
#
# Seen: 2026-11-30, litserve 0.2.19, uvicorn 0.54.0 (CPython 3.11, Linux).
#
# One would guess: SIGTERM to the process that was started stops the server, as it does with uvicorn and gunicorn:
# requests in work are finished, the port is closed, and then the process ends with status 0.
#
# In fact: the process ends at once, by the signal (-15), and stops nothing. The HTTP server and the worker with the
# model are processes of their own; they belong to init now, keep the port and the memory, and answer with 200. A
# supervisor that knows only the pid it started (subprocess in a test, a script's kill $!) believes that it is
# stopped; the next start finds the port in use. systemd and containers end the whole group and do not notice.
# SIGINT stops it all.
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


seen = {}
for name in ("SIGTERM", "SIGINT"):
    port = free_port()
    server = start(port, 1)
    try:
        server.send_signal(getattr(signal, name))
        status = server.wait(60)
        time.sleep(10)
        seen[name] = ask(port, "predict", {"x": 1})
    finally:
        stop(server)
    print(f"{name}: the process ended with status {status}; ten seconds later a request gets {seen[name]}")
still = seen["SIGTERM"] == (200, '{"y":2}') and seen["SIGINT"] is None
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
venv/bin/python try.py
