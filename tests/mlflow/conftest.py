"""A real MLflow server for the tests of recsys.mlflow. RECSYS_LIBRARY names the library under test."""
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / folder) for folder in ("bindings/python", "tests/support")]

import mlflow  # noqa: E402
from mlflow_server import MlflowServer  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    """The line that tests/run.sh reads."""
    n = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    terminalreporter.write_line(f"{n['passed']} passed, {n['failed'] + n['error']} failed")


@pytest.fixture(scope="session")
def server():
    with MlflowServer(python=sys.executable) as one:
        mlflow.set_tracking_uri(one.url)
        mlflow.set_experiment("films")
        yield one
