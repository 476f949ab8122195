"""Runs mlflow_client, the C program beside this file, and talks to it line by line."""
import json
import os
import subprocess
import time
import traceback


class Client:
    """One process with a registry of its own. client.resolve("models:/m/1") and so on."""

    def __init__(self, program, url, cache, limit_file_bytes=None, **options):
        words = [program, url, str(cache)] + [f"{name}={value}" for name, value in options.items()]
        environment = {name: value for name, value in os.environ.items()
                       if not name.lower().endswith("_proxy")}
        # By itself a sanitizer's would be 1, as that of a registry which cannot be made.
        environment["ASAN_OPTIONS"] = f"{environment.get('ASAN_OPTIONS', '')}:exitcode=99".lstrip(":")
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, preexec_fn=None if limit_file_bytes is None else
            lambda: limit_files(limit_file_bytes))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def send(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"mlflow_client has ended:\n{self.process.stderr.read()}")
        return json.loads(line)

    def ask(self, command):
        self.send(command)
        return self.receive()

    def __getattr__(self, command):
        return lambda rest="": self.ask(f"{command} {rest}".rstrip())

    def end(self):
        """Ends the process; its log."""
        if self.process.poll() is None:
            try:
                self.send("quit")
            except BrokenPipeError:
                pass
        _, log = self.process.communicate(timeout=120)
        if self.process.returncode not in (0, 1, -9):
            raise AssertionError(f"mlflow_client ended with {self.process.returncode}:\n{log}")
        return log


def limit_files(n_bytes):
    """A disk that is full: write() beyond so many bytes of a file fails with EFBIG."""
    import resource
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


class Cases:
    """Test functions by decoration; runs them, prints their names, and counts."""

    def __init__(self):
        self.functions = []

    def __call__(self, function):
        self.functions.append(function)
        return function

    def run(self, *arguments, only=""):
        passed = failed = 0
        for function in self.functions:
            name = function.__name__.replace("_", " ")
            if only not in function.__name__:
                continue
            begun = time.monotonic()
            try:
                function(*arguments)
                passed += 1
                print(f"ok: {name} ({time.monotonic() - begun:.1f} s)", flush=True)
            except Exception:  # noqa: BLE001: a test may fail in any way
                failed += 1
                print(f"FAILED: {name}\n{traceback.format_exc()}", flush=True)
        print(f"{passed} passed, {failed} failed")
        return 0 if failed == 0 and passed > 0 else 1


def expect(answer, status, *parts):
    """`answer` has this status, and its message these parts."""
    if answer["status"] != status or not all(part in answer.get("message", "") for part in parts):
        raise AssertionError(f"wanted {status} with {parts}, got {answer}")
    return answer


def expect_equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")
