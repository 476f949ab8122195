#!/usr/bin/env python3
"""recsysd's POST /api/v1/predict against bare civetweb and FastAPI, in one run.

    bench_daemon.py --build build/bench --venv build/bench-venv --data DIR [--quick]

DIR holds ratings.csv and movies.csv as MovieLens has them; the model is trained
from them (64 factors). All servers get the same requests from the same wrk:
users drawn at random from one list, top_k 10, over connections that stay open.
They are measured in turn, round after round; figures are medians over rounds.

    bare civetweb     bare_civetweb.c: one recorded reply of recsysd for every request
    recsysd cached    as it is by default, access log to a file; every answer is in the cache
    recsysd uncached  the same with --cache-bytes 0: every answer is computed
    FastAPI cached    peers/fastapi_service.py, one uvicorn worker for each processor
    FastAPI uncached  the same with CACHE=0

On few processors wrk takes a good part of them from a fast server and little from
a slow one. "cpu us" is what does not depend on that: processor time that the
server has used for one request, kernel included.
"""
import argparse
import csv
import json
import os
import shutil
import subprocess

from processes import (Failure, Server, cpu_seconds, environment, free_port, raw_reply, recsysd,
                       request, run, run_main)
from tables import Report, machine, median, milliseconds, ratio, text_table

HERE = os.path.dirname(os.path.abspath(__file__))


def parse_args():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--venv", required=True)
    p.add_argument("--data", required=True, help="directory of ratings.csv and movies.csv")
    p.add_argument("--out")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=4, help="of each server in each round")
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--wrk-threads", type=int, default=1)
    p.add_argument("--workers", type=int, default=os.cpu_count(), help="of uvicorn")
    a = p.parse_args()
    if a.quick:
        a.rounds, a.seconds = 1, 1
    a.build = os.path.abspath(a.build)
    return a


def read_users(data):
    with open(os.path.join(data, "ratings.csv"), newline="") as f:
        return sorted({int(row["userId"]) for row in csv.DictReader(f)})


def train(args, folder):
    bundle = os.path.join(folder, "bundle")
    run([os.path.join(args.build, "bin", "recsys-train-als"),
         "--ratings", os.path.join(args.data, "ratings.csv"),
         "--movies", os.path.join(args.data, "movies.csv"), "--out", bundle])
    # For the peer, which reads lines. The loader ignores a file that the manifest does not list.
    with open(os.path.join(bundle, "catalog.jsonl"), "wb") as f:
        subprocess.run([os.path.join(args.build, "bin", "recsysctl"), "catalog", bundle], stdout=f,
                       check=True)
    return bundle


def record_reply(server, users, path):
    """A cached reply of ordinary size, for the bare server to repeat."""
    replies = []
    for user in users[:100]:
        body = {"user_id": user, "top_k": 10}
        raw_reply(server.port, "/api/v1/predict", body)
        replies.append(raw_reply(server.port, "/api/v1/predict", body))
    reply = sorted(replies, key=len)[len(replies) // 2]
    if b"X-Cache: hit" not in reply:
        raise Failure("recsysd did not answer from its cache")
    with open(path, "wb") as f:
        f.write(reply)
    return len(reply)


def fastapi(args, folder, bundle, cache, n_workers):
    port = free_port()
    command = [os.path.join(args.venv, "bin", "uvicorn"), "fastapi_service:app",
               "--app-dir", os.path.join(HERE, "peers"), "--workers", str(n_workers),
               "--no-access-log", "--log-level", "warning", "--host", "127.0.0.1",
               "--port", str(port)]
    return Server(command, os.path.join(folder, "fastapi.log"), port=port,
                  env=environment(MODEL_DIR=bundle, CACHE="1" if cache else "0"))


class Load:
    def __init__(self, args, users_file):
        self.args, self.users_file, self.seed = args, users_file, 0

    def run(self, server, seconds):
        self.seed += 1
        before = cpu_seconds(server.pid)
        text = run(["wrk", "-t", str(self.args.wrk_threads), "-c", str(self.args.connections),
                    "-d", "%ds" % seconds, "-s", os.path.join(HERE, "predict.lua"),
                    "http://127.0.0.1:%d" % server.port, "--", self.users_file, str(self.seed)])
        line = next((x for x in text.splitlines() if x.startswith("RESULT ")), None)
        if line is None:
            raise Failure("wrk says nothing: " + text)
        result = json.loads(line[7:])
        used = cpu_seconds(server.pid) - before
        result["cpu_us"] = round(used / max(1, result["requests"]) * 1e6, 2)
        return result


def start_all(args, folder, bundle, users):
    """{name: server}; the caller ends them."""
    servers = {}
    try:
        servers["recsysd cached"] = recsysd(args.build, folder, bundle, log="cached.log")
        servers["recsysd cached"].wait("/health/ready")
        reply = os.path.join(folder, "reply")
        size = record_reply(servers["recsysd cached"], users, reply)
        servers["recsysd uncached"] = recsysd(args.build, folder, bundle, "--cache-bytes", "0",
                                              log="uncached.log").wait("/health/ready")
        port_file = os.path.join(folder, "bare.port")
        bare = os.path.join(args.build, "bench", "bare_civetweb")
        if not os.path.exists(bare):
            raise SystemExit("there is no %s: install libcivetweb-dev, and configure again" % bare)
        servers["bare civetweb"] = Server(
            [bare, "--reply", reply, "--port-file", port_file],
            os.path.join(folder, "bare.log"), port_file=port_file)
        servers["bare civetweb"].wait("/")
        for name, cache in (("FastAPI cached", True), ("FastAPI uncached", False)):
            servers[name] = fastapi(args, folder, bundle, cache, args.workers)
            servers[name].wait("/health")
    except BaseException:
        stop_all(servers)
        raise
    return servers, size


def stop_all(servers):
    for server in servers.values():
        server.stop()


ORDER = ["bare civetweb", "recsysd cached", "recsysd uncached", "FastAPI cached",
         "FastAPI uncached"]


def table(results):
    def rate(name):
        return median([r["requests"] / r["seconds"] for r in results[name]])

    def cpu(name):
        return median([r["cpu_us"] for r in results[name]])

    rows = []
    for name in ORDER:
        lines = results[name]
        peer = "FastAPI uncached" if "uncached" in name else "FastAPI cached"
        rows.append([
            name, "%.0f" % rate(name),
            milliseconds(median([r["p50_us"] for r in lines]) / 1e3),
            milliseconds(median([r["p99_us"] for r in lines]) / 1e3),
            sum(r["failed"] for r in lines), ratio(rate(name) / rate("bare civetweb")),
            ratio(rate(name) / rate(peer)), "%.1f" % cpu(name), ratio(cpu(peer) / cpu(name))])
    return text_table(["", "requests/s", "p50 ms", "p99 ms", "failed", "/ bare", "/ FastAPI",
                       "cpu us", "FastAPI's / own"], rows)


def check_alike(servers, users):
    """Do recsysd and the peer recommend the same films? As a share of users."""
    same = 0
    for user in users[:50]:
        answers = []
        for name in ("recsysd uncached", "FastAPI uncached"):
            status, text = request(servers[name].port, "POST", "/api/v1/predict",
                                   {"user_id": user, "top_k": 10})
            if status != 200:
                raise Failure("%s answers %d: %s" % (name, status, text[:200]))
            answers.append([x["movie_id"] for x in json.loads(text)["recommendations"]])
        same += answers[0] == answers[1]
    return same / len(users[:50])


def main():
    args = parse_args()
    folder = os.path.join(args.build, "data", "daemon")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    users = read_users(args.data)
    users_file = os.path.join(folder, "users")
    with open(users_file, "w") as f:
        f.write("".join("%d\n" % u for u in users))
    bundle = train(args, folder)
    report, load = Report(args.out), Load(args, users_file)
    results = {name: [] for name in ORDER}
    servers, reply_size = start_all(args, folder, bundle, users)
    try:
        alike = check_alike(servers, users)
        for name in ORDER:
            load.run(servers[name], 1 if args.quick else 2)
        for turn in range(args.rounds):
            for name in ORDER if turn % 2 == 0 else reversed(ORDER):
                results[name].append(load.run(servers[name], args.seconds))
    finally:
        stop_all(servers)
    report.add("POST /api/v1/predict, %d users. %s" % (len(users), machine()))
    report.add("%d rounds of %d s each; wrk with %d thread(s) and %d connections; replies of %d "
               "bytes; %d uvicorn workers" % (args.rounds, args.seconds, args.wrk_threads,
                                              args.connections, reply_size, args.workers))
    report.add("recsysd and FastAPI recommend the same to %.0f %% of users" % (100 * alike))
    report.add()
    report.add(table(results))
    report.close(results)
    shutil.rmtree(folder)


if __name__ == "__main__":
    run_main("bench_daemon", main)
