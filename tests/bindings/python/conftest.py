"""Fixtures of the Python binding's tests: a small model, and numbers to compare with.

RECSYS_LIBRARY names the library that is tested; without it the installed package's own is.
"""
import pathlib
import sys

import numpy as np
import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
try:
    import recsys
except ModuleNotFoundError:
    sys.path.insert(0, str(TOP / "bindings" / "python"))
    import recsys

from recsys import demo  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    """The line that tests/run.sh reads."""
    n = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    terminalreporter.write_line(f"{n['passed']} passed, {n['failed'] + n['error']} failed")


@pytest.fixture
def model():
    return demo.model()


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A model of 500 users and 2,000 items with seen lists: (model, users, items, seen)."""
    rng = np.random.default_rng(20)
    users = rng.normal(size=(500, 16)).astype(np.float32)
    items = rng.normal(size=(2000, 16)).astype(np.float32)
    seen = [np.sort(rng.choice(2000, 20, replace=False)) for _ in range(500)]
    builder = recsys.Builder(name="large", link="linear", link_min=-40, link_max=40)
    builder.set_array("user_factors", users)
    builder.set_array("item_factors", items)
    builder.set_array("seen_offsets", np.arange(501) * 20)
    builder.set_array("seen_items", np.concatenate(seen))
    path = tmp_path_factory.mktemp("large") / "bundle"
    builder.write(path)
    return recsys.Model(path), users, items, seen
