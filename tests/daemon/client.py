"""Starts a recsysd of its own and talks to it over raw sockets.

Raw, because half of the tests send what no HTTP library would. A daemon listens on a free
port of 127.0.0.1, logs into the test's folder and is ended by its process id.
"""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT = 120.0  # of a test that has failed; a busy machine with a sanitizer needs a part of it


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return self.headers.get(name.lower())


class Connection:
    """One TCP connection; read() returns one response at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return len(data) > 0

    def read(self, head=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                raise EOFError("closed after %r" % self.buffer[:200])
        top, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = top.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            name = name.lower()
            headers[name] = (headers[name] + ", " if name in headers else "") + value.strip()
        if 100 <= status < 200:
            return self.read(head)
        size = 0 if head or status == 204 else int(headers.get("content-length", "0"))
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError("body broken off")
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return Response(status, headers, body)

    def is_closed(self, seconds=20.0):  # less than the 30 s of an idle connection, see Daemon
        self.socket.settimeout(seconds)
        try:
            while self.fill():
                pass
            return True
        except (socket.timeout, TimeoutError):
            return False
        finally:
            self.socket.settimeout(TIMEOUT)

    def close(self):
        self.socket.close()


def encode(method, target, headers=(), body=None, version="HTTP/1.1"):
    """The bytes of a well-formed request. `body` may be bytes, text or something for JSON."""
    names = {name.lower() for name, _ in headers}
    lines = ["%s %s %s" % (method, target, version)]
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    extra = []
    if "host" not in names:
        extra.append(("Host", "127.0.0.1"))
    if body is not None:
        if "content-type" not in names:
            extra.append(("Content-Type", "application/json"))
        if "content-length" not in names and "transfer-encoding" not in names:
            extra.append(("Content-Length", str(len(body))))
    lines += ["%s: %s" % pair for pair in list(headers) + extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


class Daemon:
    """`with Daemon(program, folder, "--model", …) as daemon:`"""

    def __init__(self, program, folder, *arguments, environment=None, stderr=None, limits=None, stdin=None):
        os.makedirs(folder, exist_ok=True)
        self.port_file = os.path.join(folder, "port")
        self.log_path = os.path.join(folder, "log")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.log = open(self.log_path, "wb")
        command = [program, "--listen", "127.0.0.1:0", "--port-file", self.port_file,
                   "--keep-alive-timeout-ms", "30000", "--allowed-hosts", "*", *arguments]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RECSYSD_")}
        clean["OPENBLAS_NUM_THREADS"] = "1"
        clean.setdefault("TSAN_OPTIONS", "exitcode=66")
        clean.update(environment or {})
        def set_limits():
            for kind, values in (limits or {}).items():
                resource.setrlimit(kind, values)
        self.process = subprocess.Popen(command, stdout=self.log, stderr=stderr or self.log, stdin=stdin, env=clean,
                                        preexec_fn=set_limits if limits else None)
        self.port = self.wait_for_port()

    def wait_for_port(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError("recsysd ended with %s: %s" % (self.process.returncode, self.read_log()))
            if os.path.exists(self.port_file):
                with open(self.port_file) as file:
                    ports = [int(line) for line in file]  # and that of health_listen
                    self.health_port = ports[1] if len(ports) > 1 else None
                    return ports[0]
            time.sleep(0.02)
        raise RuntimeError("recsysd did not start")

    def read_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def whole_log(self):
        """The log with everything that was logged before this call, though a thread writes it. The access log must
        go to stderr, as it does by default."""
        self.n_marks = getattr(self, "n_marks", 0) + 1
        mark = "all-lines-before-%d" % self.n_marks
        assert self.get("/health/live?" + mark).status == 200
        assert wait_for(lambda: mark in self.read_log())
        return self.read_log()

    def connect(self):
        return Connection(self.port)

    def request(self, method, target, headers=(), body=None):
        connection = self.connect()
        try:
            connection.send(encode(method, target, headers, body))
            return connection.read(head=method == "HEAD")
        finally:
            connection.close()

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def post(self, target, body, **options):
        return self.request("POST", target, body=body, **options)

    def metrics(self):
        """The text of /metrics, with every request counted that was answered before this call: a request is counted
        after the last byte of its reply, and is in flight until then. Other requests that take long, of tests that
        have such, are waited for only a moment."""
        in_flight_is_this_one = re.compile(r"^recsysd_http_requests_in_flight 1$", re.M)
        texts = []

        def is_settled():
            texts.append(self.get("/metrics").body.decode())
            return in_flight_is_this_one.search(texts[-1])

        wait_for(is_settled, seconds=5)
        return texts[-1]

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        """Returns the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(TIMEOUT + 20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        status = self.stop()
        self.log.close()
        if status != 0 and unused[0] is None:
            raise AssertionError("recsysd ended with %s; its log: %s" % (status, self.read_log()[-2000:]))


def wait_for(condition, seconds=TIMEOUT):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def predict(daemon, **body):
    response = daemon.post("/api/v1/predict", body)
    assert response.status == 200, response.body
    return response


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)$')


def read_metrics(daemon):
    values = {}
    for line in daemon.metrics().splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            values[line.rsplit(" ", 1)[0]] = float(line.rsplit(" ", 1)[1])
    return values
