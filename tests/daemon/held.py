"""Clients that hold connections, and the addresses that a daemon listens on.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

from client import TIMEOUT, Connection, encode, wait_for


class Stranger(Connection):
    """Of another family than IPv4, or with a small buffer."""

    def __init__(self, family, address, receive_buffer=None):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(address)
        self.buffer = b""


def ask(connection, target="/health/live", **options):
    connection.send(encode("GET", target, **options))
    return connection.read()


def read_gauge(connection, name):
    return float(re.search(r"^%s (\S+)$" % name, ask(connection, "/metrics").body.decode(), re.M)[1])


SLOW_BODY = b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{"


def hold(daemon):
    """Connections of every kind that a client can hold; two workers would be enough for none."""
    idle = [daemon.connect() for _ in range(20)]
    assert all(ask(connection).header("connection") == "keep-alive" for connection in idle)
    silent = [daemon.connect() for _ in range(20)]
    heads, bodies = ([daemon.connect() for _ in range(5)] for _ in range(2))
    readers = [Stranger(socket.AF_INET, ("127.0.0.1", daemon.port), 4096) for _ in range(5)]
    [connection.send(b"GET /health/live HTTP/1.1\r\nHost: ") for connection in heads]
    [connection.send(SLOW_BODY) for connection in bodies]
    for reader in readers:
        reader.send(encode("POST", "/api/v1/batch-predict", body={"user_ids": list(range(1, 1001)), "top_k": 50}))
    return idle + silent + heads + bodies + readers


def test_whoever_holds_connections_holds_no_worker(lab):
    with lab.daemon("--model", lab.movies, "--threads=2", "--gzip-min-bytes=0", "--request-timeout-ms=600000",
                    "--keep-alive-timeout-ms=600000") as daemon:
        held = hold(daemon)
        for _ in range(50):
            assert daemon.post("/api/v1/predict", {"user_id": 1, "top_k": 1}).status == 200
        connection = daemon.connect()
        assert wait_for(lambda: read_gauge(connection, "recsysd_http_requests_in_flight") == 11)  # and this one
        assert read_gauge(connection, "recsysd_http_connections") == len(held) + 1
        assert ask(held[0]).status == 200
        held[45].send(b" " * 4982 + b'"user_id": 3}    ')  # the rest of a body
        assert held[45].read().json()["user_id"] == 3
        reply = held[50].read()
        assert len(reply.json()["predictions"]) == 1000
        [one.close() for one in held]
        assert wait_for(lambda: read_gauge(connection, "recsysd_http_connections") == 1)
        connection.close()


def test_a_body_waits_without_a_worker_until_its_deadline(lab):
    with lab.daemon("--model", lab.movies, "--threads=1", "--request-timeout-ms=2000") as daemon:
        slow = [daemon.connect() for _ in range(50)]
        for i, connection in enumerate(slow):
            connection.send(SLOW_BODY[:-1] if i % 2 else SLOW_BODY)
        assert ask(daemon.connect()).status == 200
        assert [connection.read().status for connection in slow] == [408] * 50
        assert all(connection.is_closed() for connection in slow)


def test_half_a_head_meets_the_deadline_and_is_logged(lab):
    with lab.daemon("--model", lab.movies, "--threads=1", "--request-timeout-ms=500") as daemon:
        connection, nothing = daemon.connect(), daemon.connect()
        connection.send(b"GET /health/live HTTP/1.1\r\nHost: ")
        response = connection.read()
        assert response.status == 408 and connection.is_closed(), response.body
        assert nothing.is_closed() and nothing.buffer == b""  # of it there was no request
        assert daemon.whole_log().count('"status":408') == 1


def test_who_may_not_call_cannot_make_the_daemon_keep_a_body(lab):
    with lab.daemon("--model", lab.movies, "--api-keys-file", os.path.join(lab.folder, "keys")) as daemon:
        connection = daemon.connect()
        connection.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read().status == 401 and connection.is_closed()


def count_after_late_replies(lab, timeout_ms):
    """The daemon stands still while the deadlines of ten replies pass and the clients read what is there. How many
    replies are whole nevertheless; after each of them there is time for another request."""
    path = os.path.join(lab.folder, "late")
    with lab.daemon("--model", lab.movies, "--threads=1", "--request-timeout-ms=%d" % timeout_ms,
                    "--listen", "127.0.0.1:0,unix:" + path) as daemon:
        readers = [Stranger(socket.AF_UNIX, path) for _ in range(10)]
        for reader in readers:
            reader.send(encode("POST", "/api/v1/batch-predict", body={"user_ids": list(range(1, 38)), "top_k": 50}))
        connection = daemon.connect()
        wait_for(lambda: read_gauge(connection, "recsysd_http_requests_in_flight") == 11, timeout_ms / 1000)  # and this one
        daemon.signal(signal.SIGSTOP)
        try:
            for reader in readers:
                reader.socket.settimeout(0.2)
                try:
                    while reader.fill():
                        pass
                except (socket.timeout, TimeoutError):
                    reader.socket.settimeout(TIMEOUT)
            time.sleep(timeout_ms / 1000 + 3)
        finally:
            daemon.signal(signal.SIGCONT)
        n_whole = 0
        for reader in readers:
            try:
                reply = reader.read()
            except EOFError:
                continue  # what was left was more than the kernel takes at once
            if reply.header("connection") == "keep-alive":
                assert ask(reader).status == 200
                n_whole += 1
        return n_whole


def test_a_late_reply_that_was_read_leaves_time_for_the_next_request(lab):
    # On a busy machine the deadlines may pass before the daemon stands still.
    assert any(count_after_late_replies(lab, timeout_ms) > 0 for timeout_ms in (2000, 8000, 30000))


def test_a_connection_ends_after_its_requests_and_its_age(lab):
    with lab.daemon("--model", lab.movies, "--keep-alive-requests=3") as daemon:
        connection = daemon.connect()
        assert [ask(connection).header("connection") for _ in range(3)] == ["keep-alive", "keep-alive", "close"]
        assert connection.is_closed()
    with lab.daemon("--model", lab.movies, "--connection-age-s=1", "--keep-alive-requests=0") as daemon:
        connection = daemon.connect()
        assert wait_for(lambda: ask(connection).header("connection") == "close") and connection.is_closed()


def test_more_connections_than_allowed_take_the_place_of_idle_ones(lab):
    with lab.daemon("--model", lab.movies, "--max-connections=20") as daemon:
        many = [daemon.connect() for _ in range(20)]
        assert all(ask(connection).status == 200 for connection in many)
        busy = many.pop()
        busy.send(SLOW_BODY)
        more = [daemon.connect() for _ in range(10)]
        assert all(ask(connection).status == 200 for connection in more)  # once others were idle for long enough
        assert sum(connection.is_closed(0.1) for connection in many) >= 10
        busy.send(b" " * 4982 + b'"user_id": 3}    ')
        assert busy.read().json()["user_id"] == 3


def test_replies_close_when_connections_wait(lab):
    with lab.daemon("--model", lab.movies, "--max-connections=2") as daemon:
        busy = [daemon.connect(), daemon.connect()]
        [connection.send(SLOW_BODY) for connection in busy]
        time.sleep(0.2)
        waiting = daemon.connect()
        waiting.send(encode("GET", "/health/live"))
        waiting.socket.settimeout(0.3)
        try:
            raise AssertionError("there was room: %r" % waiting.socket.recv(1))
        except (socket.timeout, TimeoutError):
            waiting.socket.settimeout(TIMEOUT)
        busy[0].send(b" " * 4982 + b'"user_id": 3}    ')
        response = busy[0].read()
        assert response.status == 200 and response.header("connection") == "close"
        assert waiting.read().status == 200


def test_operators_have_addresses_and_workers_of_their_own(lab):
    token = [("X-Admin-Token", "secret-token")]
    with lab.daemon("--model", lab.movies, "--threads=1", "--max-connections=2", "--health-listen=127.0.0.1:0",
                    "--admin-token=secret-token") as daemon:
        busy = [daemon.connect(), daemon.connect()]
        [connection.send(SLOW_BODY) for connection in busy]
        operator = Connection(daemon.health_port)
        for target in ("/health/live", "/health/ready", "/health"):
            assert ask(operator, target).status == 200
        assert "recsysd_http_connections 3" in ask(operator, "/metrics").body.decode()
        assert ask(operator, "/api/v1/admin/trace", headers=token).status == 200
        assert ask(operator, "/api/v1/similar/10").status == 404 and ask(operator, "/").status == 404
        [connection.close() for connection in busy]
        assert wait_for(lambda: read_gauge(operator, "recsysd_http_connections") == 1)
        for target, status in (("/health/live", 200), ("/metrics", 404), ("/api/v1/admin/trace", 404), ("/api/v1/models", 200)):
            assert daemon.request("GET", target, headers=token).status == status, target
        operator.close()


def test_the_console_is_where_operators_are(lab):
    token = [("X-Admin-Token", "secret-token")]
    needed = ["/api/v1/models", "/api/v1/models/current"]
    for env in ("development", "production"):
        with lab.daemon("--model", lab.movies, "--health-listen=127.0.0.1:0", "--admin-token=secret-token",
                        "--env=" + env) as daemon:
            operator = Connection(daemon.health_port)
            page = ask(operator, "/console")
            assert page.status == 200 and "script-src 'self'; style-src 'self';" in page.header("content-security-policy")
            assert ask(operator, "/console/main.js").header("content-type").startswith("text/javascript")
            assert ask(operator, "/console/nothing.js").status == 404
            for target in needed:  # nobody else sees more there than the metrics say
                assert ask(operator, target).status == 401 and ask(operator, target, headers=token).status == 200, target
            operator.send(encode("POST", "/api/v1/predict", token, {"user_id": 1}))
            assert operator.read().status == 200
            assert daemon.get("/console").status == 404 and daemon.get("/console/main.js").status == 404
            assert ask(operator, "/docs").status == (404 if env == "production" else 200)
            assert [daemon.get(target).status for target in needed] == [200, 200]
            operator.close()


def test_addresses_may_be_of_ipv6_and_unix_sockets(lab):
    path, other = os.path.join(lab.folder, "s"), os.path.join(lab.folder, "h")
    log = os.path.join(lab.folder, "unix.log")
    listen = ["--listen", "127.0.0.1:0,[::1]:0,unix:" + path, "--health-listen", "unix:" + other, "--socket-mode=0600",
              "--access-log", log]
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()  # as a process that was killed leaves it
    with lab.daemon("--model", lab.movies, *listen) as daemon:
        assert ask(daemon.connect()).status == 200
        listening = re.compile(r"listening on http://\[::1\]:(\d+)")
        assert wait_for(lambda: listening.search(daemon.read_log()))
        port = int(listening.search(daemon.read_log())[1])
        assert ask(Stranger(socket.AF_INET6, ("::1", port)), "/", headers=[("X-Request-ID", "six")]).status == 200
        connection = Stranger(socket.AF_UNIX, path)
        assert ask(connection, "/", headers=[("X-Request-ID", "unix")]).status == 200
        assert ask(connection, "/metrics").status == 404
        assert ask(Stranger(socket.AF_UNIX, other), "/metrics").status == 200
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        done = subprocess.run([lab.program, "--model", lab.movies, "--listen", "unix:" + path], capture_output=True,
                              text=True, timeout=TIMEOUT)
        assert done.returncode == 1 and "Address already in use" in done.stderr, done
        assert ask(connection, "/").status == 200
    assert not os.path.exists(path) and not os.path.exists(other)
    with open(log) as file:
        lines = file.read()
    assert re.search(r'"request_id":"six","remote":"::1"', lines) and re.search(r'"request_id":"unix","remote":"unix:"', lines)


def test_a_proxy_may_connect_by_a_unix_socket(lab):
    path, log = os.path.join(lab.folder, "p"), os.path.join(lab.folder, "unix-proxy.log")
    with lab.daemon("--model", lab.movies, "--listen", "unix:%s,127.0.0.1:0" % path, "--trusted-proxies=unix:",
                    "--access-log", log) as daemon:
        connection = Stranger(socket.AF_UNIX, path)
        assert ask(connection, "/", headers=[("X-Forwarded-For", "192.0.2.7"), ("X-Request-ID", "one")]).status == 200
        assert ask(connection, "/", headers=[("X-Request-ID", "two")]).status == 200
        assert daemon.get("/", headers=[("X-Forwarded-For", "192.0.2.7"), ("X-Request-ID", "three")]).status == 200
    with open(log) as file:
        found = dict(re.findall(r'"request_id":"(one|two|three)","remote":"([^"]*)"', file.read()))
    assert found == {"one": "192.0.2.7", "two": "unix:", "three": "127.0.0.1"}, found


def test_clients_come_and_go_in_every_stage(lab):
    """For the sanitizers: whatever is under way, nothing is lost and nothing is used after it is gone."""
    pieces = [b"", b"GET /hea", encode("GET", "/health/live"), SLOW_BODY, encode("POST", "/api/v1/predict", body={"user_id": 1}),
              encode("POST", "/api/v1/batch-predict", body={"user_ids": list(range(1, 200)), "top_k": 50}),
              b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", b"\x16\x03\x01"]
    with lab.daemon("--model", lab.movies, "--threads=4", "--max-connections=30", "--request-timeout-ms=200",
                    "--keep-alive-timeout-ms=100", "--access-log=off") as daemon:
        stop = threading.Event()

        def come_and_go(number):
            while not stop.is_set():
                number += 1
                try:
                    connection = daemon.connect()
                    connection.send(pieces[number % len(pieces)] * (1 + number % 3))
                    if number % 5 == 0:
                        time.sleep(0.25)
                    if number % 2:
                        connection.socket.settimeout(0.05)
                        connection.fill()
                    connection.close()
                except OSError:
                    pass
        threads = [threading.Thread(target=come_and_go, args=(17 * i,)) for i in range(12)]
        [thread.start() for thread in threads]
        time.sleep(4)
        stop.set()
        [thread.join() for thread in threads]
        assert daemon.get("/health/live").status == 200
        for gauge in ("recsysd_http_connections", "recsysd_http_requests_in_flight"):
            assert wait_for(lambda: read_gauge(daemon.connect(), gauge) == 1), gauge


def test_memory_goes_back_when_large_batches_are_over(lab):
    with open(lab.program, "rb") as file:
        program = file.read()
    if b"__asan_init" in program or b"__tsan_init" in program:
        return  # sanitizers keep what is freed
    body = {"user_ids": list(range(1, 1001)), "top_k": 50}
    with lab.daemon("--model", lab.movies, "--gzip-min-bytes=0", "--threads=32") as daemon:
        def resident():
            with open("/proc/%d/status" % daemon.process.pid) as file:
                return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

        def ask_for_batches(n):
            threads = [threading.Thread(target=daemon.post, args=("/api/v1/batch-predict", body)) for _ in range(n)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        ask_for_batches(2)
        start = resident()
        ask_for_batches(32)
        assert wait_for(lambda: resident() < start * 1.25), (start, resident())


def test_a_daemon_without_descriptors_says_so_and_does_not_spin(lab):
    with lab.daemon("--model", lab.movies, "--threads=2", "--access-log=off") as daemon:
        pid, kind = daemon.process.pid, resource.RLIMIT_NOFILE

        def processor_seconds():
            with open("/proc/%d/stat" % pid) as file:
                return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

        busy = [daemon.connect() for _ in range(3)]
        [connection.send(SLOW_BODY) for connection in busy]
        gauge = daemon.connect()
        assert wait_for(lambda: read_gauge(gauge, "recsysd_http_connections") == 4)
        before = resource.prlimit(pid, kind)
        top = max(int(name) for name in os.listdir("/proc/%d/fd" % pid)) + 1
        resource.prlimit(pid, kind, (top, before[1]))
        gauge.send(SLOW_BODY)  # none of them may make room for others
        more = [daemon.connect() for _ in range(40)]
        [connection.send(encode("GET", "/health/live")) for connection in more]
        assert wait_for(lambda: "cannot accept connections" in daemon.read_log())
        begin = processor_seconds()
        time.sleep(1)
        assert processor_seconds() - begin < 0.5
        resource.prlimit(pid, kind, before)
        assert all(connection.read().status == 200 for connection in more)
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: "reloading" in daemon.read_log()) and daemon.get("/health/ready").status == 200
