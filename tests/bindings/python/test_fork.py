"""Forked children: models and pools go on, objects with connections are made again."""
import concurrent.futures
import multiprocessing
import os
import threading

import numpy as np
import pytest

import recsys
from recsys import demo


def in_child(function):
    """Run a function in a forked child; what it raises fails the test."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            function()
            os.write(writes, b"ok")
        except BaseException as error:
            os.write(writes, repr(error).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    assert said == b"ok", said


def test_a_child_answers_with_the_parents_objects(large):
    model, users, _, _ = large
    helpers, scorer = recsys.Recommender(n_threads=2), recsys.Scorer(n_threads=2)
    want = helpers.recommend_batch(model, range(20), 5).ids
    top = scorer.top_k(model, users[:20], 5).ids
    slot = recsys.Slot(model)

    def child():
        assert (model.recommend_batch(range(20), 5).ids == want).all()
        assert (helpers.recommend_batch(model, range(20), 5).ids == want).all()
        assert (scorer.top_k(model, users[:20], 5).ids == top).all()
        slot.swap(demo.model())
        assert slot.model.info.name == "demo"

    in_child(child)
    assert slot.model.info.name == "large"
    assert (helpers.recommend_batch(model, range(20), 5).ids == want).all()


def test_a_fork_while_threads_are_inside(large):
    model, stop = large[0], threading.Event()
    want = model.recommend(1, 5).ids

    def ask():
        while not stop.is_set():
            model.recommend_batch(range(50), 5)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            in_child(lambda: None if model.recommend(1, 5).ids == want else 1 / 0)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_caches_and_guards_in_a_child():
    cache, limiter = recsys.Cache(label="fork"), recsys.Limiter(rate=1)
    denylist = recsys.Denylist(recsys.Store.memory("tokens"))
    cache.set("k", 1)
    assert limiter.allow("a") and not limiter.allow("a")

    def child():
        assert cache.get("k") == 1  # a copy of the parent's
        assert cache.get_or_load("l", lambda: 2) == 2
        assert limiter.allow("a")  # a new one
        assert denylist.check("t").clear

    in_child(child)
    assert cache.get("l") is None and not limiter.allow("a")


def ask(path, user):
    return recsys.Model(path).recommend(user, 2).ids


def answer(user):
    return SHARED.recommend(user, 2).ids


SHARED = demo.model()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(ask, [demo.folder()] * 4, [1, 2, 1, 2])) == [[3, 4], [1, 2]] * 2
        if method == "fork":
            assert list(pool.map(answer, [1, 2])) == [[3, 4], [1, 2]]


def test_views_in_a_child_share_the_parents_pages(large):
    factors = large[0].item_factors
    total = float(np.sum(factors))
    in_child(lambda: None if float(np.sum(factors)) == total else 1 / 0)
