#!/usr/bin/env python3
"""Throw-away MLflow servers for tests, and an S3-like object store for one of them.

    mlflow_server.py run [OPTION...] -- COMMAND...
        start a server, run the command with its address in the environment, stop the server;
        exits as the command does

    --python PYTHON      the interpreter that has mlflow; else RECSYS_TEST_MLFLOW_PYTHON, else
                         build/venv-mlflow/bin/python, which tests/run.sh makes
    --auth               with passwords (--app-name basic-auth)
    --prefix /ml         under a prefix (--static-prefix)
    --artifacts KIND     proxied (the default), local (clients see a directory of this machine:
                         --no-serve-artifacts), s3 (an object store behind the server), or
                         s3-direct (clients are sent to the object store)
    --workspaces         with workspaces (MLflow 3.10 and newer)

The environment: MLFLOW_TRACKING_URI and RECSYS_TEST_MLFLOW are the address; with --auth
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are the administrator's.

Or from Python, where a test can also stop the server and start it again on the same port:

    with MlflowServer(prefix="/ml") as server:
        server.url

Everything listens on a free port of 127.0.0.1, with one worker and SQLite, and all data lie in a
new folder below the system's temporary folder. Servers are ended by their process ids.
"""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import servers

PATIENCE_S = 300
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
ADMIN = ("admin", "a-password-for-tests")
BUCKET = "models"
ARTIFACTS = ("proxied", "local", "s3", "s3-direct")


def find_python():
    return os.environ.get("RECSYS_TEST_MLFLOW_PYTHON") or str(TOP / "build/venv-mlflow/bin/python")


def answers(url):
    """Does the server at `url` answer with success?"""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


class Process:
    """One server program, with its log."""

    def __init__(self, folder, name):
        self.log = folder / f"{name}.log"
        self.process = None
        self.port = None

    def start(self, command, probe, environment, port=None):
        """Start command(port) on a free port, or on this one. A port may be taken meanwhile."""
        for _ in range(5 if port is None else 1):
            self.port = port or servers.free_port()
            with open(self.log, "ab") as output:
                self.process = subprocess.Popen(
                    command(self.port), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True, cwd=self.log.parent, env=environment)
            until = time.monotonic() + PATIENCE_S
            while self.process.poll() is None and time.monotonic() < until:
                if any(answers(f"http://127.0.0.1:{self.port}{path}") for path in probe):
                    return
                time.sleep(0.05)
            self.stop()
        raise servers.Failure(f"{command(0)[0]} does not come up:\n"
                              f"{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self):
        """With its workers, which are in its session and nowhere else."""
        if self.process is None:
            return
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 30)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            until = time.monotonic() + patience
            while time.monotonic() < until and self.has_members():
                time.sleep(0.02)
        self.process.wait()
        self.process = None

    def has_members(self):
        self.process.poll()  # one that has ended and was not waited for counts as a member
        try:
            os.killpg(self.process.pid, 0)
            return True
        except ProcessLookupError:
            return False


class MlflowServer:
    """An MLflow server with its data. `url` is where a client finds it."""

    def __init__(self, python=None, auth=False, prefix="", artifacts="proxied", workspaces=False,
                 options=(), environment=None):
        self.python = python or find_python()
        if not os.access(self.python, os.X_OK):
            raise servers.Failure(f"there is no {self.python}; `tests/run.sh mlflow` makes it")
        self.auth, self.prefix, self.artifacts = auth, prefix, artifacts
        self.workspaces, self.options = workspaces, list(options)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="recsys-mlflow."))
        self.server = Process(self.data, "mlflow")
        self.store = Process(self.data, "moto")
        # Variables that the caller has set for other servers are not for this one.
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("MLFLOW_", "AWS_"))}
        self.environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
                             "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "GIT_PYTHON_REFRESH": "quiet",
                             "PYTHONDONTWRITEBYTECODE": "1"}
        self.environment |= environment or {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.store.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}{self.prefix}"

    @property
    def client_environment(self):
        """Variables by which MLflow's own clients, and the tests, find this server."""
        known = {"MLFLOW_TRACKING_URI": self.url, "RECSYS_TEST_MLFLOW": self.url}
        if self.auth:
            known |= {"MLFLOW_TRACKING_USERNAME": ADMIN[0], "MLFLOW_TRACKING_PASSWORD": ADMIN[1]}
        if self.artifacts.startswith("s3"):
            known |= {name: self.environment[name] for name in
                      ("MLFLOW_S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                       "AWS_DEFAULT_REGION")}
        return known

    def start(self):
        """On its port, if it has had one."""
        if self.artifacts.startswith("s3") and self.store.process is None:
            self.start_store()
        if self.auth:
            self.configure_auth()
        # Older versions have it beside the prefix, not below it.
        self.server.start(self.command, [f"{self.prefix}/health", "/health"], self.environment,
                          self.server.port)

    def stop(self):
        """The data stay until the end of the `with`."""
        self.server.stop()

    def command(self, port):
        database = f"sqlite:///{self.data}/mlflow.db"
        words = [self.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
                 "--workers", "1", "--backend-store-uri", database]
        root = f"s3://{BUCKET}" if self.artifacts.startswith("s3") else str(self.data / "artifacts")
        if self.artifacts in ("proxied", "s3"):
            words += ["--serve-artifacts", "--artifacts-destination", root]
        else:
            words += ["--no-serve-artifacts", "--default-artifact-root", root]
        if self.auth:
            words += ["--app-name", "basic-auth"]
        if self.prefix:
            words += ["--static-prefix", self.prefix]
        if self.workspaces:
            words += ["--enable-workspaces"]
        return words + self.options

    def configure_auth(self):
        settings = self.data / "auth.ini"
        settings.write_text("[mlflow]\ndefault_permission = READ\n"
                            f"database_uri = sqlite:///{self.data}/auth.db\n"
                            f"admin_username = {ADMIN[0]}\nadmin_password = {ADMIN[1]}\n"
                            "authorization_function = "
                            "mlflow.server.auth:authenticate_request_basic_auth\n", encoding="utf-8")
        self.environment |= {"MLFLOW_AUTH_CONFIG_PATH": str(settings),
                             "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-key-for-tests",
                             "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN[0],
                             "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1]}

    def start_store(self):
        self.environment |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
                             "AWS_DEFAULT_REGION": "us-east-1"}
        self.store.start(lambda port: [self.python, "-m", "moto.server", "-H", "127.0.0.1",
                                       "-p", str(port)], ["/moto-api/"], self.environment)
        address = f"http://127.0.0.1:{self.store.port}"
        self.environment["MLFLOW_S3_ENDPOINT_URL"] = address
        request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()


def leave(number, _frame):
    sys.exit(128 + number)


def main():
    before, dashes, command = sys.argv[1:], [], []
    if "--" in before:
        at = before.index("--")
        before, dashes, command = before[:at], before[at:], before[at + 1:]
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("--python")
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--artifacts", choices=ARTIFACTS, default="proxied")
    parser.add_argument("--workspaces", action="store_true")
    wanted = vars(parser.parse_args(before))
    wanted.pop("verb")
    if not dashes or not command:
        parser.error("which command?")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)  # so that what was started here is stopped
    try:
        with MlflowServer(**wanted) as server:
            status = subprocess.run(command, env={**os.environ, **server.client_environment}).returncode
    except servers.Failure as failure:
        sys.exit(f"mlflow_server.py: {failure}")
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
