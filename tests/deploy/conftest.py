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
def metrics(tmp_path_factory):
    """The names that a daemon's /metrics has."""
    folder = tmp_path_factory.mktemp("daemon")
    make_bundle.make_bundle(str(folder / "model"))
    with Daemon(str(BIN / "recsysd"), str(folder / "run"), "--model", str(folder / "model")) as daemon:
        assert daemon.post("/api/v1/predict", {"user_id": 1}).status == 200
        text = daemon.metrics()
    found = set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.M))
    assert "recsysd_http_requests_total" in found
    return found
