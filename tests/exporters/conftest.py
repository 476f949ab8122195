"""Real libraries beside the bundles that recsys.export makes of their models.

RECSYS_LIBRARY names the library under test. `agrees` is what every library's test calls: the model
answers as the library does, for 200 users. Tests marked LONG run with tests/run.sh --long.
"""
import os
import pathlib
import sys

import numpy as np
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / folder) for folder in ("bindings/python", "tests/support", "examples")]

import recsys  # noqa: E402
import train_models  # noqa: E402

USERS, TOP_K, CLOSE = 200, 10, 1e-5


LONG = pytest.mark.skipif(os.environ.get("RECSYS_LONG") != "1", reason="takes long")


def pytest_terminal_summary(terminalreporter):
    """The line that tests/run.sh reads."""
    n = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    terminalreporter.write_line(f"{n['passed']} passed, {n['failed'] + n['error']} failed")


@pytest.fixture(scope="session")
def ratings():
    return train_models.Ratings()


@pytest.fixture
def served(tmp_path):
    """From a builder to the model that its bundle holds."""
    def write_and_load(builder):
        builder.write(tmp_path / "bundle")
        return recsys.Model(tmp_path / "bundle")
    return write_and_load


def agrees(model, users, scores_of, seen_of, item_ids):
    """For each user: raw scores within 1e-5 of the library's, and the same 10 best of the items that
    the user has not seen, in the same order but for items whose scores lie closer than that.

    scores_of   from a user's id to the library's scores of all items, in the order of item_ids
    seen_of     from a user's id to the ids that must not come back
    """
    assert len(users) >= USERS
    column = {item: i for i, item in enumerate(item_ids)}
    n_checked = 0
    for user in users[:USERS]:
        expected = np.asarray(scores_of(user), np.float64)
        seen = seen_of(user)
        assert set(model.seen(user)) == seen
        answer = model.recommend(user, top_k=TOP_K)
        assert answer.known_user and answer.strategy == "user"
        assert len(answer) == min(TOP_K, len(item_ids) - len(seen))
        assert not set(answer.ids) & seen
        raw = np.array([item.raw for item in answer])
        theirs = expected[[column[item] for item in answer.ids]]
        limit = CLOSE * np.maximum(1, np.abs(theirs))
        assert (np.abs(raw - theirs) <= limit).all(), (user, raw, theirs)
        best = sorted((item for item in item_ids if item not in seen), key=lambda i: -expected[column[i]])
        tenth = expected[column[best[len(answer) - 1]]]
        for ours, best_there in zip(answer.ids, best):
            assert ours == best_there or abs(expected[column[ours]] - expected[column[best_there]]) <= 2e-6 * \
                max(1, abs(tenth)), (user, answer.ids, best[:TOP_K])
        n_checked += 1
    assert n_checked == USERS
