"""Starts and ends the programs that are measured. Every process is ended by its own id."""
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

# Settings of the user's environment that would change what the libraries do by default.
MEDDLING = ("OPENBLAS_", "GOTO_", "OMP_", "GOMP_", "KMP_", "MKL_", "BLIS_", "NVPL_", "RECSYSD_")


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(MEDDLING)}
    kept.update({k: str(v) for k, v in more.items() if v is not None})
    return kept


class Failure(Exception):
    """Something a benchmark needs did not work; the message says what."""


class Process:
    """A program; `log` receives its standard error."""

    def __init__(self, command, log=None, env=None, **pipes):
        self.log = log
        err = open(log, "ab") if log else subprocess.DEVNULL
        pipes.setdefault("stdin", subprocess.DEVNULL)
        pipes.setdefault("stdout", err)
        self.child = subprocess.Popen(command, env=env or environment(), stderr=err, **pipes)
        if log:
            err.close()
        self.pid = self.child.pid

    def died(self):
        return self.child.poll() is not None

    def complaint(self):
        if not self.log:
            return ""
        with open(self.log, "rb") as f:
            return f.read()[-2000:].decode(errors="replace").strip()

    def stop(self, timeout=15):
        if not self.died():
            self.child.send_signal(signal.SIGCONT)
            self.child.terminate()
            try:
                self.child.wait(timeout)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                pipe.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Worker(Process):
    """A program that is told things line by line and answers with lines of JSON."""

    def __init__(self, command, log, env=None):
        super().__init__(command, log, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""

    def tell(self, line):
        try:
            self.child.stdin.write(line.encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise Failure("a program has ended early: " + self.complaint()) from None

    def hear(self, timeout):
        end = time.monotonic() + timeout
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.child.stdout], [], [], max(0, end - time.monotonic()))
            data = os.read(self.child.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure("no answer: " + (self.complaint() or "too slow"))
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    # A process that waits is stopped, so that threads which spin do not disturb the others.
    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)


class Server(Process):
    """A program that writes the port it listens on to a file, or is told it."""

    def __init__(self, command, log, env=None, port_file=None, port=None):
        if port_file and os.path.exists(port_file):
            os.unlink(port_file)
        self.started = time.monotonic()
        super().__init__(command, log, env)
        self.port_file, self.port = port_file, port

    def wait(self, path, timeout=60, pause=0.02):
        """Until GET `path` is answered with 200. Ends the process if it never is."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and not self.died():
            if self.port is None and os.path.exists(self.port_file):
                with open(self.port_file) as f:
                    self.port = int(f.read())
            try:
                if self.port and request(self.port, "GET", path)[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(pause)
        self.stop()
        raise Failure("%s does not answer: %s" % (self.child.args[0], self.complaint()))


def recsysd(build, folder, model, *flags, log="recsysd.log"):
    """recsysd on a free port, with its log and access log in a file."""
    port_file = os.path.join(folder, "recsysd.port")
    command = [os.path.join(build, "bin", "recsysd"), "--model", model, "--listen", "127.0.0.1:0",
               "--port-file", port_file, *flags]
    return Server(command, os.path.join(folder, log), port_file=port_file)


def request(port, method, path, body=None, headers=None, timeout=60):
    """(status, text)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        sent = json.dumps(body) if body is not None else None
        connection.request(method, path, sent, {"Content-Type": "application/json",
                                                **(headers or {})})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except http.client.HTTPException as e:
        raise OSError(str(e)) from None
    finally:
        connection.close()


def raw_reply(port, path, body):
    """A whole reply as it comes over the wire, headers included."""
    text = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (path.encode(), len(text), text))
        data = b""
        while b"\r\n\r\n" not in data:
            data += receive(s)
        head, rest = data.split(b"\r\n\r\n", 1)
        size = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:"))
        while len(rest) < size:
            rest += receive(s)
    return head + b"\r\n\r\n" + rest


def receive(s):
    data = s.recv(65536)
    if not data:
        raise Failure("the connection was closed in the middle of a reply")
    return data


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory(pid):
    """Bytes by the names of /proc/PID/status: VmHWM, VmRSS, RssAnon, RssFile, …"""
    found = {}
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            name, _, value = line.partition(":")
            if value.strip().endswith(" kB"):
                found[name] = int(value.split()[0]) * 1024
    return found


def cpu_seconds(pid):
    """Processor time that a process and its descendants, as long as they live, have used."""
    parents, used = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as f:
                fields = f.read().rsplit(")", 1)[1].split()     # behind the name: state, ppid, …
        except OSError:
            continue
        parents[int(name)] = int(fields[1])
        used[int(name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    family, size = {pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {p for p, parent in parents.items() if parent in family}
    return sum(used.get(p, 0) for p in family)


def run(command, log=None, env=None, timeout=900):
    """Run to the end; its output. Fails if it does."""
    done = subprocess.run(command, env=env or environment(), timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if log:
        with open(log, "ab") as f:
            f.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise Failure("%s failed: %s" % (
            " ".join(command), (done.stderr or done.stdout)[-2000:].decode(errors="replace")))
    return done.stdout.decode(errors="replace")


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_main(name, main):
    """The program's main(), with a failure as its last line."""
    try:
        main()
    except Failure as e:
        sys.exit("%s: %s" % (name, e))
