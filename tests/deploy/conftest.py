"""The files of examples/deploy, and a daemon's metrics."""
import os
import pathlib
import re
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = TOP / "examples" / "deploy"
BIN = pathlib.Path(os.environ["RECSYS_TEST_BIN"])
sys.path[:0] = [str(TOP / "tests" / "daemon")]

import make_bundle  # noqa: E402
from client import Daemon  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    """The line that tests/run.sh reads."""
    n = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    terminalreporter.write_line(f"{n['passed']} passed, {n['failed'] + n['error']} failed")


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """A daemon with everything that has metrics. Its Redis and PostgreSQL are away, which metrics say, too."""
    folder = tmp_path_factory.mktemp("daemon")
    make_bundle.make_bundle(str(folder / "model"))
    (folder / "secret").write_text("x" * 40)
    with Daemon(str(BIN / "recsysd"), str(folder / "run"), "--model", str(folder / "model"),
                "--redis", "redis://127.0.0.1:1", "--database", "postgresql://nobody@127.0.0.1:1/none",
                "--jwt-secret-file", str(folder / "secret")) as started:
        yield started


@pytest.fixture(scope="session")
def metrics_text(daemon):
    """The text of its /metrics, after a first request."""
    assert daemon.post("/api/v1/predict", {"user_id": 1}).status in (200, 401)
    return daemon.metrics()


@pytest.fixture(scope="session")
def metrics(metrics_text):
    """The names of these metrics."""
    found = set(re.findall(r"^([a-z_]+)(?:\{| )", metrics_text, re.M))
    assert "recsysd_http_requests_total" in found
    return found
