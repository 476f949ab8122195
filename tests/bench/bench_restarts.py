#!/usr/bin/env python3
"""Requests that are lost while recsysd is stopped by SIGTERM and started again, and again.

    bench_restarts.py --build DIR [--requests 100000] [--clients 16] [--delay-ms 200]

Half of the clients keep their connections and obey Connection: close; the others open one for each
request. A request is lost if its connection could be made and no whole reply came. While no daemon
listens, connections are refused; these attempts are counted apart.
"""
import argparse
import os
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "daemon"))

import make_bundle  # noqa: E402
from client import Connection, Daemon, encode  # noqa: E402


class Client(threading.Thread):
    def __init__(self, port, keeps):
        super().__init__()
        self.port, self.keeps, self.stop = port, keeps, threading.Event()
        self.answered, self.refused, self.lost = 0, 0, []

    def connect(self):
        while not self.stop.is_set():
            try:
                return Connection(self.port)
            except OSError:
                self.refused += 1
                time.sleep(0.01)
        return None

    def run(self):
        headers = [] if self.keeps else [("Connection", "close")]
        connection = None
        while not self.stop.is_set():
            connection = connection or self.connect()
            if connection is None:
                return
            try:
                connection.send(encode("POST", "/api/v1/predict", body={"user_id": self.answered % 40 + 1, "top_k": 5},
                                       headers=headers))
                response = connection.read()
                assert response.status == 200, response.status
                self.answered += 1
            except (OSError, EOFError, AssertionError) as error:
                self.lost.append(repr(error))
                response = None
            if response is None or response.header("connection") == "close":
                connection.close()
                connection = None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--requests", type=int, default=100000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--delay-ms", type=int, default=200)
    args = parser.parse_args()
    program = os.path.join(args.build, "bin", "recsysd")
    with tempfile.TemporaryDirectory() as folder:
        bundle = os.path.join(folder, "movies")
        make_bundle.make_bundle(bundle)

        def start(number, port=0):
            return Daemon(program, os.path.join(folder, str(number)), "--model", bundle, "--access-log=off",
                          "--listen=127.0.0.1:%d" % port, "--drain-delay-ms=%d" % (args.delay_ms if number % 2 else 0))
        daemon, n_restarts = start(0), 0
        port = daemon.port
        clients = [Client(port, i % 2 == 0) for i in range(args.clients)]
        [client.start() for client in clients]
        while sum(client.answered for client in clients) < args.requests:
            time.sleep(0.7)
            assert daemon.stop() == 0, daemon.read_log()
            n_restarts += 1
            daemon = start(n_restarts, port)
        [client.stop.set() for client in clients]
        [client.join() for client in clients]
        daemon.stop()
    lost = [error for client in clients for error in client.lost]
    print("%d requests answered over %d restarts, %d lost %s; %d attempts refused between two daemons"
          % (sum(client.answered for client in clients), n_restarts, len(lost), lost[:3],
             sum(client.refused for client in clients)))


if __name__ == "__main__":
    main()
