"""Nothing is leaked and nothing is freed twice, in whatever order objects end."""
import gc
import os
import subprocess
import sys
import weakref

import numpy as np
import pytest

import recsys
from recsys import _held, cache, demo
from recsys import model as models


def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def churn():
    model = recsys.Model(demo.folder())
    model.recommend(1, 5, genres=["Horror"], exclude=[1, 2], reasons=True).ids
    model.recommend_batch(np.arange(50), 5)
    model.filter(min_year=1990)
    model.item_factors
    recsys.Scorer().top_k(model, np.zeros((3, 2), np.float32), 2)
    recsys.Recommender().recommend(model, 1)
    kept = recsys.Cache(label="leak")
    kept.get_or_load("k", lambda: "x" * 1000)
    kept.write("k", lambda changes: None)
    for wrong in (ZeroDivisionError, recsys.NotFound):
        try:
            kept.get_or_load(wrong.__name__, lambda: (_ for _ in ()).throw(wrong("no")))
        except wrong:
            pass
    recsys.Slot(model).swap(None)
    recsys.Stats().counter("a_total", "A.").add()
    try:
        recsys.Model("/nowhere")
    except recsys.Error:
        pass


def grow():
    """How many kB a process of its own grows by while it makes and drops everything 400 times."""
    for _ in range(100):
        churn()
    gc.collect()
    before = resident_kb()
    for _ in range(400):
        churn()
    gc.collect()
    assert not cache._calls and not models._kept
    return resident_kb() - before


def test_memory_stays_where_it_is():
    said = subprocess.run([sys.executable, "-c", "import test_memory; print(test_memory.grow())"],
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                          capture_output=True, text=True, timeout=300)
    assert said.returncode == 0 and int(said.stdout) < 4000, said


def test_objects_end_in_any_order():
    for order in range(6):
        model = recsys.Model(demo.folder())
        parts = [model.filter(allow=[1]), recsys.Slot(model), model.item_factors,
                 model.recommend(1, 2), recsys.Deployment(demo.folder()), model]
        del model
        while parts:
            del parts[order % len(parts)]
            gc.collect()


def test_objects_in_a_cycle_are_collected():
    class Node:
        pass

    node = Node()
    node.model, node.me = recsys.Model(demo.folder()), node
    held = weakref.ref(node.model._held)
    del node
    gc.collect()
    assert held() is None


def test_each_object_is_given_back_once(monkeypatch):
    given = []
    held = _held.Held(12345, given.append)
    other = held
    del held
    assert given == []
    del other
    assert given == [12345]


def test_an_exception_of_a_loader_keeps_nothing_alive():
    class Big(Exception):
        pass

    keeper = recsys.Cache(label="cycle")
    gc.collect()
    gc.disable()
    try:
        error = None
        try:
            keeper.get_or_load("k", lambda: (_ for _ in ()).throw(Big()))
        except Big as caught:
            error = weakref.ref(caught)
        assert error is not None and error() is None
    finally:
        gc.enable()


def test_close_is_allowed_twice():
    for made in (recsys.Model(demo.folder()), recsys.Slot(), recsys.Cache(label="c"),
                 recsys.Store.memory(), recsys.Limiter(), recsys.Stats()):
        with made:
            pass
        made.close()
        assert made.closed
        with pytest.raises(recsys.StateError):
            made._open()
