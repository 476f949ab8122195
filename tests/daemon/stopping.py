"""Stopping: every request that could be made is answered, and those who ask whether recsysd is ready are told.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import json
import os
import re
import signal
import socket
import threading
import time

from client import TIMEOUT, encode, predict, wait_for


def test_requests_under_way_are_finished_when_the_daemon_is_stopped(lab):
    daemon = lab.daemon("--model", lab.movies)
    counts, broken = [0] * 6, []

    def ask(number):
        body = {"user_ids": list(range(1, 1001)), "top_k": 50} if number == 0 else {"user_id": number}
        target = "/api/v1/batch-predict" if number == 0 else "/api/v1/predict"
        while True:
            try:
                connection = daemon.connect()
            except OSError:
                return  # refused: the daemon no longer accepts
            try:
                connection.send(encode("POST", target, body=body))
                response = connection.read()
                json.loads(response.body)
                assert response.status == 200
                counts[number] += 1
            except (EOFError, OSError, AssertionError, ValueError) as error:
                broken.append(error)  # every connection that could be made is served
                return
            finally:
                connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    [t.start() for t in threads]
    assert wait_for(lambda: all(counts))
    assert daemon.stop() == 0
    [t.join() for t in threads]
    assert not broken, broken


def test_no_connection_is_lost_when_the_daemon_is_stopped_again_and_again(lab):
    rounds, answered, lost = 40 if lab.is_long else 4, [0], []

    def ask(daemon, number):
        while True:
            try:
                connection = daemon.connect()
            except OSError:
                return
            try:
                connection.send(encode("GET", "/health/live", headers=[("Connection", "close")]))
                answered[0] += connection.read().status == 200
            except (EOFError, OSError) as error:
                lost.append(error)
            finally:
                connection.close()

    for _ in range(rounds):
        daemon = lab.daemon("--model", lab.movies, "--threads=4")
        threads = [threading.Thread(target=ask, args=(daemon, n)) for n in range(16)]
        [t.start() for t in threads]
        time.sleep(0.5)
        assert daemon.stop() == 0
        [t.join() for t in threads]
    assert not lost and answered[0] > 100, (lost, answered)


def test_load_balancers_get_time_to_see_that_the_daemon_stops(lab):
    daemon = lab.daemon("--model", lab.movies, "--drain-delay-ms=60000")
    daemon.signal(signal.SIGTERM)
    assert wait_for(lambda: daemon.get("/health/ready").status == 503)
    response = predict(daemon, user_id=1)
    assert response.header("connection") == "close" and daemon.get("/health/live").status == 200
    begin = time.monotonic()
    assert daemon.stop() == 0  # the second signal
    assert time.monotonic() - begin < 50


def test_the_service_manager_is_told_what_the_daemon_does(lab):
    path = os.path.join(lab.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(TIMEOUT)
        daemon = lab.daemon("--model", lab.movies, environment={"NOTIFY_SOCKET": path})
        assert manager.recv(200) == b"READY=1"
        daemon.signal(signal.SIGHUP)
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(200)) and manager.recv(200) == b"READY=1"
        assert daemon.stop() == 0 and manager.recv(200) == b"STOPPING=1"


def test_a_connection_that_stays_open_is_told_to_close(lab):
    daemon = lab.daemon("--model", lab.movies)
    connection = daemon.connect()
    connection.send(encode("GET", "/health/ready"))
    assert connection.read().header("connection") == "keep-alive"
    daemon.signal(signal.SIGINT)
    assert connection.is_closed() and daemon.process.wait(TIMEOUT) == 0
