#!/usr/bin/env python3
"""Exact search in Redis 8's vector sets: VSIM with TRUTH, one query after the other.

    redis_vectors.py --server REDIS_SERVER --items items.f32 --queries queries.f32 --n 100000 --d 64

A vector set compares directions only, so this is for items of equal length. The server gets a free
port, lives in a folder of its own, keeps nothing, and ends with this program. Vectors are added
without quantisation; that builds a graph, which TRUTH does not use, and takes most of the time.
Prints a line of JSON with the median time of a query, the wire included, and the recall.
"""
import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np
import redis


def parse_args():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--server", required=True)
    p.add_argument("--items", required=True)
    p.add_argument("--queries", required=True)
    p.add_argument("--n", type=int, required=True)
    p.add_argument("--d", type=int, required=True)
    p.add_argument("--k", type=int, default=10)
    p.add_argument("--n-queries", type=int, default=100)
    p.add_argument("--build-seconds", type=float, default=600)
    return p.parse_args()


def connect(port, server):
    client = redis.Redis(port=port)
    for _ in range(200):
        try:
            client.ping()
            return client
        except redis.ConnectionError:
            if server.poll() is not None:
                sys.exit("redis-server has ended")
            time.sleep(0.05)
    sys.exit("redis-server does not answer")


def measure(args, client):
    items = np.fromfile(args.items, dtype="<f4", count=args.n * args.d).reshape(-1, args.d)
    queries = np.fromfile(args.queries, dtype="<f4", count=args.n_queries * args.d).reshape(-1, args.d)
    version = client.info("server")["redis_version"]
    begin = time.perf_counter()
    for first in range(0, args.n, 500):
        pipe = client.pipeline(transaction=False)
        for i in range(first, min(first + 500, args.n)):
            pipe.execute_command("VADD", "items", "FP32", items[i].tobytes(), str(i), "NOQUANT", "EF", "10")
        pipe.execute()
        if time.perf_counter() - begin > args.build_seconds:
            print("redis: %d of %d vectors added in %.0f s" % (first + 500, args.n, args.build_seconds), file=sys.stderr)
            return
    build_s = time.perf_counter() - begin
    times, right = [], 0
    for i, query in enumerate(queries):
        begin = time.perf_counter()
        ids = client.execute_command("VSIM", "items", "FP32", query.tobytes(), "COUNT", args.k, "TRUTH")
        times.append((time.perf_counter() - begin) * 1e3)
        scores = items.astype(np.float64) @ query.astype(np.float64)
        right += len(set(map(int, ids)) & set(np.argpartition(-scores, args.k)[:args.k].tolist()))
    print(json.dumps({"library": "redis", "setting": "%s, VSIM TRUTH" % version, "n": args.n, "d": args.d, "k": args.k,
                      "threads": 1, "build_s": round(build_s, 2), "median_ms": round(float(np.median(times)), 4),
                      "p99_ms": round(float(np.quantile(times, 0.99)), 4),
                      "recall": round(right / (args.k * len(queries)), 4)}), flush=True)


def main():
    args = parse_args()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([args.server, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                   "--appendonly", "no", "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            measure(args, connect(port, server))
        finally:
            server.terminate()
            server.wait(30)


if __name__ == "__main__":
    main()
