"""Redis and PostgreSQL for the daemon's tests: real servers, and ways to take them away.

A Redis is a process of the test's own on a free port, so that it can be killed or frozen. PostgreSQL
is the one of tests/support/servers.py (RECSYS_TEST_POSTGRES, or started here for the run); every
test gets a database of its own in it, and reaches it through a Proxy that can be frozen or broken.
"""
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from client import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = os.path.join(os.path.dirname(HERE), "support", "servers.py")


class Servers:
    """The environment of servers.py; starts it if nobody has."""

    def __init__(self, folder):
        self.folder, self.started, self.template = os.path.join(folder, "servers"), False, None
        self.values = dict(os.environ)

    def postgres(self):
        if "RECSYS_TEST_POSTGRES" not in self.values:
            subprocess.run([sys.executable, SERVERS, "start", self.folder], check=True)
            self.started = True
            with open(os.path.join(self.folder, "servers.env")) as file:
                self.values.update(line.rstrip("\n").split("=", 1) for line in file)
        return self.values["RECSYS_TEST_POSTGRES"]

    def make_template(self, recsysctl):
        """A database with schema and demo rows, which is copied for every test: much faster."""
        if self.template is None:
            self.template = "daemon_template_" + uuid.uuid4().hex[:12]
            psql(self.postgres(), 'CREATE DATABASE "%s"' % self.template)
            subprocess.run([recsysctl, "migrate", "--database", in_database(self.postgres(), self.template), "--demo"],
                           check=True, capture_output=True)
        return self.template

    def stop(self):
        if self.template is not None and not self.started:
            psql(self.postgres(), 'DROP DATABASE "%s" WITH (FORCE)' % self.template)
        if self.started:
            subprocess.run([sys.executable, SERVERS, "stop", self.folder], check=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """`with Redis() as redis:` A server of one's own."""

    def __init__(self, *options, password=None, port=None):
        self.port, self.password, self.process = port or free_port(), password, None
        self.options = options + (("--requirepass", password) if password else ())
        self.program = os.environ.get("RECSYS_TEST_REDIS_SERVER") or shutil.which("redis-server") or \
            shutil.which("valkey-server") or shutil.which("redis-check-rdb")  # the same, see servers.py
        assert self.program, "no redis-server is installed"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", tempfile.gettempdir(), *self.options], executable=self.program, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            assert wait_for(self.answers), "redis-server does not come up"
        except BaseException:
            self.kill()
            raise

    def answers(self):
        try:
            return self.command("PING") == "PONG"
        except (OSError, AssertionError):  # "LOADING …": it reads what it had
            return False

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    def command(self, *words, db=0):
        """One command on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            file = connection.makefile("rb")
            for line in [("AUTH", self.password)] * bool(self.password) + [("SELECT", str(db)), words]:
                data = b"*%d\r\n" % len(line)
                for word in line:
                    word = word if isinstance(word, bytes) else word.encode()
                    data += b"$%d\r\n%s\r\n" % (len(word), word)
                connection.sendall(data)
                answer = self.read(file)
            return answer

    def read(self, file):
        line = file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read(file) for _ in range(int(rest))]
        if kind == b"-":
            raise AssertionError("redis: %s" % rest.decode())
        return int(rest) if kind == b":" else rest.decode()

    def keys(self, db):
        return sorted(key.decode() for key in self.command("KEYS", "*", db=db))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.kill()


def bus_port():
    """A free port whose number plus 10000, where nodes of a cluster talk, is free, too."""
    while True:
        port = random.randrange(20000, 50000)
        try:
            with socket.socket() as one, socket.socket() as two:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 10000))
                return port
        except OSError:
            continue


class RedisCluster:
    """`with RedisCluster(3) as nodes:` A Redis Cluster, as a list of its nodes."""

    SLOTS = 16384

    def __init__(self, n):
        self.folder = tempfile.TemporaryDirectory(prefix="recsysd-cluster-")
        self.nodes = []
        try:
            for number in range(n):
                self.nodes.append(Redis("--cluster-enabled", "yes", "--cluster-config-file",
                                        os.path.join(self.folder.name, "node%d" % number), port=bus_port()))
            self.join()
        except BaseException:
            self.__exit__()
            raise

    def join(self):
        n = len(self.nodes)
        for number, node in enumerate(self.nodes):
            node.command("CLUSTER", "ADDSLOTS", *map(str, range(self.SLOTS * number // n, self.SLOTS * (number + 1) // n)))
            node.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            node.command("CLUSTER", "MEET", "127.0.0.1", str(self.nodes[0].port))
        assert wait_for(lambda: all(b"cluster_state:ok" in node.command("CLUSTER", "INFO") and
                                    b"cluster_known_nodes:%d" % n in node.command("CLUSTER", "INFO")
                                    for node in self.nodes)), "the nodes do not form a cluster"

    def owner(self, key):
        slot = self.nodes[0].command("CLUSTER", "KEYSLOT", key)
        return slot, self.nodes[slot * len(self.nodes) // self.SLOTS]

    def move(self, slot, source, target):
        """The slot with its keys, in the steps of the specification."""
        ids = {node: node.command("CLUSTER", "MYID").decode() for node in (source, target)}
        target.command("CLUSTER", "SETSLOT", str(slot), "IMPORTING", ids[source])
        source.command("CLUSTER", "SETSLOT", str(slot), "MIGRATING", ids[target])
        while True:
            keys = source.command("CLUSTER", "GETKEYSINSLOT", str(slot), "100")
            if not keys:
                break
            source.command("MIGRATE", "127.0.0.1", str(target.port), "", "0", "5000", "KEYS", *keys)
        for node in [target, source] + [node for node in self.nodes if node not in (source, target)]:
            node.command("CLUSTER", "SETSLOT", str(slot), "NODE", ids[target])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for node in self.nodes:
            node.kill()
        self.folder.cleanup()


class Proxy:
    """Passes a port of 127.0.0.1 through to another one; freeze() keeps all bytes back."""

    def __init__(self, port):
        self.target, self.open, self.closed = port, threading.Event(), False
        self.open.set()
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            self.open.wait()
            if self.closed:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.target))
            self.sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(a, b), daemon=True).start()

    def pass_on(self, source, target):
        try:
            while True:
                data = source.recv(65536)
                self.open.wait()
                if not data:
                    break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def freeze(self):
        self.open.clear()

    def thaw(self):
        self.open.set()

    def close(self):
        self.closed = True
        self.thaw()
        self.listener.close()
        for end in self.sockets:
            end.close()


def psql(conninfo, statement):
    done = subprocess.run([find_psql(), "-X", "-At", "-v", "ON_ERROR_STOP=1", conninfo, "-c", statement],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def find_psql():
    return shutil.which("psql") or sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]


def in_database(conninfo, name):
    return re.sub(r"/[^/?]*$", "/" + name, conninfo)


class Postgres:
    """`with Postgres(servers, recsysctl) as postgres:` A database with schema and demo rows."""

    def __init__(self, servers, recsysctl):
        self.admin = servers.postgres()
        self.name = "daemon_" + uuid.uuid4().hex[:12]
        psql(self.admin, 'CREATE DATABASE "%s" TEMPLATE "%s"' % (self.name, servers.make_template(recsysctl)))
        host, port = re.search(r"@([^:/]+):(\d+)/", self.admin).groups()
        self.direct = in_database(self.admin, self.name)
        self.proxy = Proxy(int(port))
        self.conninfo = self.direct.replace("%s:%s" % (host, port), "127.0.0.1:%d" % self.proxy.port)

    def run(self, statement):
        """Past the daemon, as another service would."""
        return psql(self.direct, statement)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.proxy.close()
        psql(self.admin, 'DROP DATABASE "%s" WITH (FORCE)' % self.name)


class Load:
    """Threads that ask for targets round and round, and remember what they got."""

    def __init__(self, daemon, requests, n_threads=6):
        self.daemon, self.requests, self.stop = daemon, requests, threading.Event()
        self.statuses, self.problems, self.slowest, self.lock = {}, [], 0.0, threading.Lock()
        self.threads = [threading.Thread(target=self.ask, args=(i,)) for i in range(n_threads)]

    def ask(self, number):
        i = number
        while not self.stop.is_set():
            request = self.requests[i % len(self.requests)]
            i += 1
            begin = time.monotonic()
            try:
                response = request(self.daemon)
            except Exception as error:  # every one of them is a failure of the daemon
                self.problems.append(repr(error))
                continue
            with self.lock:
                self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
                self.slowest = max(self.slowest, time.monotonic() - begin)
                if response.status >= 500 or response.status == 422:
                    self.problems.append("%d %s" % (response.status, response.body[:200]))

    def count(self):
        with self.lock:
            return sum(self.statuses.values())

    def more(self, n):
        """Wait until n more requests have been answered."""
        before = self.count()
        assert wait_for(lambda: self.count() >= before + n), "the daemon has stopped answering"

    def __enter__(self):
        [thread.start() for thread in self.threads]
        return self

    def __exit__(self, *unused):
        self.stop.set()
        [thread.join() for thread in self.threads]
