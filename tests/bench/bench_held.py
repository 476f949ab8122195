#!/usr/bin/env python3
"""recsysd while clients hold connections, and what is left when they are gone.

    bench_held.py --build DIR [--base PROGRAM] [--seconds 10] [--rounds 3]

Each round, on a daemon of its own: wrk asks for predictions by 16 connections, first alone, then
while 2,000 kept-alive connections are idle, 200 bodies arrive a byte a second and 200 clients read
large replies slowly. A prober asks for /health/live every 20 ms, on health_listen and on a new
connection each time. Then 64 large batches; 5 s after everybody is gone the resident memory is
compared with that after some requests of each kind. --base also measures an older program, which
knows no health_listen. Figures are ratios within a round; nothing is decided.
"""
import argparse
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "daemon"))

import make_bundle  # noqa: E402
from client import Connection, Daemon, encode  # noqa: E402

N_IDLE, N_BODIES, N_READERS = 2000, 200, 200
LUA = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local user = 0
request = function()
  user = user % 40 + 1
  return wrk.format("POST", "/api/v1/predict", nil, '{"user_id":' .. user .. ',"top_k":10}')
end
"""


class Held:
    """All connections in one thread, so that they take no processor time that counts."""

    def __init__(self, port):
        self.port, self.stop, self.ready = port, threading.Event(), threading.Event()
        self.idle = [self.open() for _ in range(N_IDLE)]
        for one in self.idle:
            one.send(encode("GET", "/health/live"))
        for one in self.idle:
            while b'alive"}' not in one.recv(4096):
                pass
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def open(self, receive=None):
        one = socket.socket()
        if receive:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        one.settimeout(60)
        one.connect(("127.0.0.1", self.port))
        return one

    def begin_body(self):
        one = self.open()
        one.sendall(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{")
        return one

    def begin_reader(self):
        one = self.open(4096)
        one.sendall(encode("POST", "/api/v1/batch-predict", body={"user_ids": list(range(1, 201)), "top_k": 50}))
        return one

    def trickle(self, bodies, readers):
        for i, one in enumerate(bodies):
            try:
                one.send(b" ")
            except OSError:  # 408, closed: another comes
                one.close()
                bodies[i] = self.begin_body()
        for i, one in enumerate(readers):
            try:
                one.setblocking(False)
                if one.recv(256) == b"":
                    raise OSError
            except BlockingIOError:
                pass
            except OSError:
                one.close()
                readers[i] = self.begin_reader()

    def run(self):
        bodies = [self.begin_body() for _ in range(N_BODIES)]
        readers = [self.begin_reader() for _ in range(N_READERS)]
        for one in readers:  # all that is to be computed has been
            one.recv(256)
        self.ready.set()
        while not self.stop.wait(1):
            self.trickle(bodies, readers)
        for one in bodies + readers:
            one.close()

    def close(self):
        self.stop.set()
        self.thread.join()
        for one in self.idle:
            one.close()


class Prober(threading.Thread):
    def __init__(self, port):
        super().__init__()
        self.port, self.stop, self.ms, self.failed = port, threading.Event(), [], 0

    def run(self):
        while not self.stop.wait(0.02):
            begin = time.perf_counter()
            try:
                connection = Connection(self.port)
                connection.socket.settimeout(5)
                connection.send(encode("GET", "/health/live", headers=[("Connection", "close")]))
                assert connection.read().status == 200
                connection.close()
            except (OSError, AssertionError, EOFError):
                self.failed += 1
            self.ms.append((time.perf_counter() - begin) * 1e3)


def wrk(port, lua, seconds):
    out = subprocess.run(["wrk", "-t1", "-c16", "-d%ds" % seconds, "--latency", "--timeout", "20s", "-s", lua,
                          "http://127.0.0.1:%d" % port], capture_output=True, text=True, check=True).stdout
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}
    value, name = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    failed = re.search(r"Socket errors.*|Non-2xx.*", out)
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), "p99": float(value) * unit[name],
            "failed": failed[0] if failed else ""}


def resident(daemon):
    with open("/proc/%d/status" % daemon.process.pid) as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def batches(port, n):
    body = encode("POST", "/api/v1/batch-predict", body={"user_ids": list(range(1, 1001)), "top_k": 50},
                  headers=[("Connection", "close")])

    def one():
        connection = Connection(port)
        connection.send(body)
        connection.read()
        connection.close()
    threads = [threading.Thread(target=one) for _ in range(n)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def measure(program, has_health, folder, bundle, lua, seconds):
    options = ["--model", bundle, "--access-log=off", "--max-connections=4000", "--gzip-min-bytes=0",
               "--request-timeout-ms=120000", "--keep-alive-timeout-ms=120000"]
    with Daemon(program, folder, *options, *(["--health-listen=127.0.0.1:0"] if has_health else [])) as daemon:
        wrk(daemon.port, lua, 2)
        batches(daemon.port, 2)
        time.sleep(5)
        start = resident(daemon)
        alone = wrk(daemon.port, lua, seconds)
        result = {"alone": alone, "start": start}
        if not has_health:  # the older one answers nobody while it is held
            batches(daemon.port, 64)
        else:
            held, prober = Held(daemon.port), Prober(daemon.health_port)
            held.ready.wait()
            prober.start()
            result["held"] = wrk(daemon.port, lua, seconds)
            prober.stop.set()
            prober.join()
            result["probes"] = {"n": len(prober.ms), "worst": max(prober.ms), "failed": prober.failed}
            result["peak"] = resident(daemon)
            held.close()
            batches(daemon.port, 64)
            result["peak"] = max(result["peak"], resident(daemon))
        time.sleep(5)
        result["end"] = resident(daemon)
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--base")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    programs = [("recsysd", os.path.join(args.build, "bin", "recsysd"))] + ([("base", args.base)] if args.base else [])
    results = {name: [] for name, _ in programs}
    with tempfile.TemporaryDirectory() as folder:
        bundle, lua = os.path.join(folder, "movies"), os.path.join(folder, "predict.lua")
        make_bundle.make_bundle(bundle)
        with open(lua, "w") as file:
            file.write(LUA)
        for number in range(args.rounds):
            for name, program in programs if number % 2 == 0 else programs[::-1]:
                results[name].append(measure(program, name == "recsysd", os.path.join(folder, "%s%d" % (name, number)),
                                             bundle, lua, args.seconds))
                print(json.dumps({name: results[name][-1]}), flush=True)
    own = results["recsysd"]
    print("p99 of predict, held / alone: median %.2f (alone %.2f ms)"
          % (statistics.median(r["held"]["p99"] / r["alone"]["p99"] for r in own), statistics.median(r["alone"]["p99"] for r in own)))
    print("rate of predict, held / alone: median %.2f" % statistics.median(r["held"]["rate"] / r["alone"]["rate"] for r in own))
    print("probes: worst %.1f ms of %d, %d failed" % (max(r["probes"]["worst"] for r in own),
                                                      sum(r["probes"]["n"] for r in own), sum(r["probes"]["failed"] for r in own)))
    for name, rounds in results.items():
        print("%s: resident memory 5 s after / at the start: worst %.2f (%.0f MiB at the start)"
              % (name, max(r["end"] / r["start"] for r in rounds), statistics.median(r["start"] for r in rounds)))
    if "base" in results:
        print("rate of predict, recsysd / base: median %.2f" % statistics.median(
            a["alone"]["rate"] / b["alone"]["rate"] for a, b in zip(own, results["base"])))


if __name__ == "__main__":
    main()
