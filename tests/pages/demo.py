#!/usr/bin/env python3
"""A recsysd with something to show: two models of the demo ratings, Redis, PostgreSQL and some requests.

    demo.py BIN-FOLDER FOLDER      runs until Enter is pressed, and prints the console's address

BIN-FOLDER has recsysd, recsysctl and recsys-train-als; FOLDER keeps the trained models for the next run.
"""
import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "daemon"))

import backends  # noqa: E402
from client import Daemon  # noqa: E402

ADMIN = {"X-Admin-Token": "secret-token"}


def train(bin_folder, out, *options):
    if not os.path.exists(os.path.join(out, "recsys.json")):
        shutil.rmtree(out, ignore_errors=True)
        data = os.path.join(TOP, "examples", "data")
        subprocess.run([os.path.join(bin_folder, "recsys-train-als"), "--ratings", data + "/ratings.csv", "--movies",
                        data + "/movies.csv", "--details", data + "/details.csv", "--out", out, *options], check=True,
                       stdout=subprocess.DEVNULL)


class Demo:
    """`with Demo(bin_folder, folder) as demo:` The daemon is demo.daemon."""

    def __init__(self, bin_folder, folder, *arguments):
        self.bin_folder, self.folder, self.arguments = bin_folder, os.path.abspath(folder), arguments

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        self.registry = os.path.join(self.folder, "registry")
        shutil.rmtree(self.registry, ignore_errors=True)
        os.makedirs(self.registry)
        for factors in (8, 12, 16):
            bundle = os.path.join(self.folder, "als-%d" % factors)
            train(self.bin_folder, bundle, "--factors", str(factors))
            self.ctl("publish", bundle, "--registry", self.registry, "--name", "films")
        train(self.bin_folder, os.path.join(self.folder, "stars"), "--mode", "ratings", "--factors", "12", "--name", "stars")
        with contextlib.ExitStack() as stack:
            redis = stack.enter_context(backends.Redis())
            servers = backends.Servers(self.folder)
            stack.callback(servers.stop)
            database = stack.enter_context(backends.Postgres(servers, os.path.join(self.bin_folder, "recsysctl")))
            self.daemon = stack.enter_context(Daemon(
                os.path.join(self.bin_folder, "recsysd"), os.path.join(self.folder, "daemon"), "--registry", self.registry,
                "--model", "models:/films/1", "--model-name", "films", "--models", "stars=" + os.path.join(self.folder, "stars"),
                "--model-shares", "stars=10", "--redis", "redis://127.0.0.1:%d" % redis.port, "--database", database.conninfo,
                "--admin-token=secret-token", "--access-log=off", *self.arguments))
            self.stack = stack.pop_all()
        self.url = "http://127.0.0.1:%d/console" % self.daemon.port
        return self

    def __exit__(self, *unused):
        self.stack.close()

    def ctl(self, *arguments):
        subprocess.run([os.path.join(self.bin_folder, "recsysctl"), *arguments], check=True, stdout=subprocess.DEVNULL)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=120)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json", **(headers or {})})
            reply = connection.getresponse()
            reply.read()
            return reply.status
        finally:
            connection.close()

    def swap(self, source):
        for step, body in (("load", {"source": source}), ("use", {})):
            status = self.ask("POST", "/api/v1/models/" + step, {**body, "model": "films"}, ADMIN)
            if status != 200:
                return status
        return 200

    def send_requests(self, n, seed=1):
        """Some users come often, others once: caches have something to do."""
        rng = random.Random(seed)
        for _ in range(n):
            user = min(int(rng.paretovariate(0.9)), 250)
            kind = rng.random()
            if kind < 0.6:
                self.ask("POST", "/api/v1/predict", {"user_id": user, "top_k": rng.choice([5, 10, 20])})
            elif kind < 0.65:
                self.ask("POST", "/api/v1/batch-predict", {"user_ids": list(range(1, 40))})
            elif kind < 0.7:
                self.ask("GET", "/api/v1/similar/%d" % rng.randint(1, 40))
            else:
                self.ask("GET", rng.choice(["/api/v1/profile/1", "/api/v1/guides", "/api/v1/character/1", "/api/v1/activity/1",
                                            "/api/v1/centers/nearby?lat=37.5&lon=127.0", "/api/v1/chat/history/1",
                                            "/api/v1/search?keyword=a%d" % rng.randint(1, 9), "/api/v1/scan/history/1"]))

    def make_history(self):
        """Two swaps, and one that fails: there is no such version."""
        self.swap("models:/films/2")
        self.swap("models:/films/9")
        self.swap("models:/films/3")


    @contextlib.contextmanager
    def traffic(self):
        """Some requests all the time."""
        ending = threading.Event()

        def send():
            seed = 0
            while not ending.wait(0.2):
                seed += 1
                self.send_requests(random.Random(seed).randint(2, 12), seed)
        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def main():
    with Demo(*sys.argv[1:3], "--listen", "127.0.0.1:%s" % os.environ.get("PORT", "0")) as demo:
        demo.make_history()
        demo.send_requests(400)
        with demo.traffic():
            print(demo.url, flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    main()
