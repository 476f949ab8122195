#!/usr/bin/env python3
"""Throw-away servers for tests: Redis three times, PostgreSQL with PostGIS once.

    servers.py start DIR              start them; DIR/servers.env says where they are
    servers.py stop DIR               end them and remove their data
    servers.py run DIR -- COMMAND...  run a command with that environment; if DIR has no
                                      servers, they are started before and stopped after

Everything listens on a free port of 127.0.0.1, and all data lie in a new folder below the
system's temporary folder. Servers are ended by their process ids, and only if such a process is
still the one that was started. `start` ends what an earlier, killed run has left in DIR.
A server program that is not installed is an error, never a reason to skip tests.

The environment: RECSYS_TEST_REDIS, RECSYS_TEST_REDIS_LRU (8 MB, allkeys-lru) and
RECSYS_TEST_REDIS_NOEVICTION (8 MB, noeviction) are ports; RECSYS_TEST_POSTGRES is a libpq
connection string of a superuser. Tests that freeze or kill servers start their own ones
(servers.h, database.h).
"""
import glob
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 300
MARK = "recsys-servers."  # how the data folders are called
SUPERUSER = "recsys_test"
BOUNDED = ["--maxmemory", "8mb", "--maxmemory-policy"]
REDIS = {  # variable: options
    "RECSYS_TEST_REDIS": [],
    "RECSYS_TEST_REDIS_LRU": [*BOUNDED, "allkeys-lru"],
    "RECSYS_TEST_REDIS_NOEVICTION": [*BOUNDED, "noeviction"],
}


class Failure(Exception):
    """A message for the one who runs the tests."""


def find_program(name, *patterns):
    """In PATH or at the last (the newest version) of the places that the patterns give."""
    places = [shutil.which(name)] + [p for pattern in patterns
                                     for p in sorted(glob.glob(pattern), key=version, reverse=True)]
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    raise Failure(f"there is no {name} here; examples/install_dependencies.sh --tests installs it")


def version(path):
    return [int(part) for part in path.split("/") if part.isdigit()]


def find_redis():
    """redis-server is one program under several names. Debian's redis-tools has it without the
    service that the package redis-server would start; it only has to be called by this name."""
    for name in ("redis-server", "valkey-server"):
        if shutil.which(name):
            return shutil.which(name)
    return find_program("redis-check-rdb")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started_at(pid):
    """When a process began, in a form that two processes of one number do not share; or None."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *fields = stat.rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]
    except (FileNotFoundError, ProcessLookupError):  # between open and read it may end
        if os.path.isdir("/proc/self"):
            return None
    said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return said.stdout.strip() or None


def end(process):
    """Ask a process to end, then make it: PostgreSQL ends quickly on SIGINT, both end on SIGTERM."""
    for number, patience in ((signal.SIGINT, 10), (signal.SIGKILL, 10)):
        if started_at(process["pid"]) != process["started"]:
            return
        try:
            os.kill(process["pid"], number)
            os.kill(process["pid"], signal.SIGCONT)  # a test may have frozen it
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until and started_at(process["pid"]) == process["started"]:
            time.sleep(0.02)


class Servers:
    """The servers of one DIR. DIR/servers.json is the memory of it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.memory = self.folder / "servers.json"
        self.state = {"data": None, "processes": [], "environment": {}}
        self.postgres_user = {}  # PostgreSQL does not run as root
        if os.getuid() == 0:
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = users.get("postgres") or users["nobody"]
            self.postgres_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        try:
            self.state = json.loads(self.memory.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass

    def save(self):
        # Replaced as a whole, so that a run that is killed here leaves a readable file.
        new = self.memory.with_suffix(".new")
        new.write_text(json.dumps(self.state, indent=1), encoding="utf-8")
        new.replace(self.memory)

    def is_up(self):
        processes = self.state["processes"]
        return bool(processes) and all(started_at(p["pid"]) == p["started"] for p in processes)

    def start(self):
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        parent = tempfile.gettempdir()
        # A socket's path has room for about 100 characters.
        data = pathlib.Path(tempfile.mkdtemp(prefix=MARK, dir=parent if len(parent) < 40 else "/tmp"))
        data.chmod(0o755)
        self.state = {"data": str(data), "processes": [], "environment": {}}
        self.save()
        try:
            for variable, options in REDIS.items():
                self.start_redis(data / variable.rpartition("_")[2].lower(), variable, options)
            self.start_postgres(data / "postgres")
        except BaseException:
            self.stop()
            raise
        lines = [f"{name}={value}\n" for name, value in self.state["environment"].items()]
        (self.folder / "servers.env").write_text("".join(lines), encoding="utf-8")

    def start_redis(self, data, variable, options):
        data.mkdir()
        self.start_on_free_port(
            lambda port: ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data),
                          "--save", "", "--appendonly", "no", "--daemonize", "no", *options],
            data / "log", answers_ping, executable=find_redis())
        self.state["environment"][variable] = str(self.state["processes"][-1]["port"])
        self.save()

    def start_postgres(self, data):
        places = "/usr/lib/postgresql/*/bin/"
        data.mkdir()
        if self.postgres_user:
            os.chown(data, self.postgres_user["user"], self.postgres_user["group"])
        said = subprocess.run(
            [find_program("initdb", places + "initdb"), "-D", str(data / "db"), "-U", SUPERUSER,
             "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            **self.postgres_user, cwd=data, capture_output=True, text=True)
        if said.returncode != 0:
            raise Failure(f"initdb has failed: {said.stderr.strip()}")
        program = find_program("postgres", places + "postgres")
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": data, "fsync": "off",
                    "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB",
                    "max_connections": "100", "jit": "off"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.start_on_free_port(lambda port: [program, "-D", str(data / "db"), "-p", str(port), *words],
                                data / "log", answers_startup, **self.postgres_user)
        port = self.state["processes"][-1]["port"]
        self.state["environment"]["RECSYS_TEST_POSTGRES"] = \
            f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
        self.save()

    def start_on_free_port(self, command, log, answers, **how):
        """Between looking for a free port and using it another program may take it: try again."""
        for _ in range(5):
            port = free_port()
            with open(log, "wb") as output:
                server = subprocess.Popen(command(port), stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=output, start_new_session=True, cwd=log.parent,
                                          **how)
            process = {"pid": server.pid, "started": started_at(server.pid), "port": port}
            self.state["processes"].append(process)
            self.save()
            until = time.monotonic() + PATIENCE_S
            while server.poll() is None and time.monotonic() < until:
                if answers(port):
                    return
                time.sleep(0.02)
            end(process)
            server.wait()
            self.state["processes"].pop()
        raise Failure(f"{command(0)[0]} does not come up:\n{log.read_text(errors='replace')}")

    def stop(self):
        for process in reversed(self.state["processes"]):
            end(process)
        data = self.state["data"]
        if data is not None and pathlib.Path(data).name.startswith(MARK):
            shutil.rmtree(data, ignore_errors=True)
        for name in ("servers.env", "servers.json"):
            (self.folder / name).unlink(missing_ok=True)
        self.state = {"data": None, "processes": [], "environment": {}}

    def run(self, command):
        """The command's exit status, as a shell says it."""
        started_here = not self.is_up()
        if started_here:
            self.start()
        environment = {**os.environ, **self.state["environment"]}
        try:
            if not started_here:
                os.execvpe(command[0], command, environment)
            status = subprocess.run(command, env=environment).returncode
            return status if status >= 0 else 128 - status
        except FileNotFoundError as error:
            raise Failure(f"cannot run {command[0]}: {error.strerror}") from error
        finally:
            if started_here:
                self.stop()


def exchange(port, words):
    """The server's first bytes, or nothing if it sends none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(words)
            return connection.recv(64)
    except OSError:
        return b""


def answers_ping(port):
    return exchange(port, b"PING\r\n") == b"+PONG\r\n"


def answers_startup(port):
    """AuthenticationOk ('R'); while it starts PostgreSQL answers with an error ('E')."""
    words = b"\0\3\0\0user\0" + SUPERUSER.encode() + b"\0database\0postgres\0\0"
    return exchange(port, (len(words) + 4).to_bytes(4, "big") + words)[:1] == b"R"


def leave(number, _frame):
    sys.exit(128 + number)


def main():
    arguments = sys.argv[1:]
    if len(arguments) < 2 or arguments[0] not in ("start", "stop", "run") or \
            (len(arguments) > 2) != (arguments[0] == "run"):
        sys.exit(__doc__)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)  # so that what was started here is stopped
    servers = Servers(arguments[1])
    try:
        if arguments[0] == "run":
            command = arguments[2:]
            sys.exit(servers.run(command[1:] if command[0] == "--" else command))
        getattr(servers, arguments[0])()
    except Failure as failure:
        sys.exit(f"servers.py: {failure}")


if __name__ == "__main__":  # mlflow_server.py imports this file
    main()
