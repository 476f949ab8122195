"""Threads share every object; a swap under load never mixes two models; Ctrl-C ends long calls."""
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import recsys
from recsys import demo, interrupt
from recsys._held import Caught, Held, Owner, call


def run_all(*functions):
    """Run functions on threads of their own; the first exception comes out."""
    failures = []

    def guarded(function):
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_threads_share_a_recommender_and_a_scorer(large):
    model, users, _, _ = large
    recommender, scorer = recsys.Recommender(), recsys.Scorer(n_threads=2)
    one = recommender.recommend_batch(model, range(100), 10)
    top = scorer.top_k(model, users[:100], 10)

    def work():
        for i in range(30):
            assert (recommender.recommend_batch(model, range(100), 10).ids == one.ids).all()
            assert (scorer.top_k(model, users[:100], 10).ids == top.ids).all()
            assert recommender.recommend(model, i, 10, genres=["None"]).ids == one.ids[i].tolist()

    run_all(*[work] * 6)
    assert 1 <= len(recommender._pool.idle) <= 6


def test_the_gil_is_free_while_c_computes(large):
    model, users, _, _ = large
    queries = np.tile(users, (40, 1))
    done, ticks = threading.Event(), 0

    def compute():
        recsys.Scorer().top_k(model, queries, 100)
        done.set()

    thread = threading.Thread(target=compute)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.0005)
    thread.join()
    assert ticks > 5


def test_swap_under_load_never_mixes_two_models(tmp_path):
    """Model v has v in every score, so an answer of two models would show it."""
    models = []
    for v in (1, 2):
        builder = recsys.Builder(name="m", version=str(v), link="linear", link_min=0, link_max=10)
        builder.set_array("user_factors", np.full((50, 4), 0.5))
        builder.set_array("item_factors", np.full((300, 4), v / 2))
        builder.write(tmp_path / str(v))
        models.append(recsys.Model(tmp_path / str(v)))
    slot, stop = recsys.Slot(models[0]), threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        try:
            for swaps in range(200):
                slot.swap(models[swaps % 2])
                slot.reap()
        finally:
            stop.set()

    def ask():
        while not stop.is_set():
            model = slot.model
            batch = model.recommend_batch(range(50), 5)
            assert set(np.unique(batch.scores)) == {np.float32(float(model.info.version) / 10)}

    run_all(swap, ask, ask, ask)
    assert slot.generation == 201


def test_closing_while_others_use_it(large):
    for _ in range(20):
        model = recsys.Model(demo.folder())

        def ask():
            try:
                while True:
                    assert model.recommend(1, 1).ids == [3]
            except recsys.StateError:
                pass

        run_all(ask, ask, model.close)


def call_and_close(owner, call, inside, go_on):
    """Close an object while a call of another thread is inside C: what gives it back waits."""
    held = weakref.ref(owner._held)
    thread = threading.Thread(target=call)
    thread.start()
    try:
        assert inside.wait(60)
        owner.close()
        gc.collect()
        assert held() is not None  # the call uses it
    finally:
        go_on.set()
        thread.join()
    assert held() is None
    with pytest.raises(recsys.StateError):
        owner._open()


class Object(Owner):
    def __init__(self, gone):
        self._held = Held(1234, gone.append)


@pytest.mark.parametrize("way", ["call", "caught", "interruptible", "plain"])
def test_a_call_keeps_its_object_while_another_thread_closes_it(way):
    gone, passed, inside, go_on = [], [], threading.Event(), threading.Event()

    @ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
    def function(pointer, _err):
        inside.set()
        assert go_on.wait(60)
        passed.append((pointer, list(gone)))
        return 0

    function.argtypes = ctypes.c_void_p, ctypes.c_void_p
    owner = Object(gone)
    calls = {"call": lambda: call(function, owner._open()),
             "caught": lambda: Caught().call(function, owner._open()),
             "interruptible": lambda: interrupt.interruptible(call, function, owner._open()),
             "plain": lambda: function(owner._open(), None)}
    call_and_close(owner, calls[way], inside, go_on)
    assert passed == [(1234, [])] and gone == [1234]


def test_closing_a_set_of_domains_while_it_reads():
    inside, go_on, found = threading.Event(), threading.Event(), []

    def query(_statement, parameters):
        inside.set()
        assert go_on.wait(60)
        return [{"id": parameters[0]}]

    domains = recsys.Domains(recsys.Source.of(query), timeout_ms=60000)
    domains.add("row", key="row:{id}", query="any $1")
    call_and_close(domains, lambda: found.append(domains.get("row", "7")), inside, go_on)
    assert found == [{"id": "7"}]


def test_what_a_signal_handler_raises_leaves_a_long_call():
    """A call that sleeps in C for longer than the test waits."""
    libc = ctypes.CDLL(None)

    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    old = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Alarm):
            interrupt.interruptible(libc.usleep, 900_000)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert interrupt.interruptible(lambda: threading.current_thread().name) == "recsys-call"
    with pytest.raises(KeyError):
        interrupt.interruptible({}.__getitem__, 1)


@pytest.mark.parametrize("what", ["recsys_builder_import_model", "recsys_builder_write"])
def test_a_builder_waits_for_the_call_that_a_signal_left(tmp_path, monkeypatch, what):
    """The call rings the alarm when it begins, and works on when the main thread has left it."""
    go_on, order = threading.Event(), []
    real, main = call, threading.main_thread().ident
    built = recsys.Builder(name="first")
    built.set_array("user_factors", np.ones((2, 4)))
    built.set_array("item_factors", np.ones((3, 4)))
    built.write(tmp_path / "first")

    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    def slow(function, *arguments):
        order.append(function.__name__)
        if order == [what]:
            signal.pthread_kill(main, signal.SIGALRM)
            assert go_on.wait(60)
            real(function, *arguments)
            order.append("end")
        else:
            real(function, *arguments)

    monkeypatch.setattr("recsys.builder.call", slow)
    old = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Alarm):
            if what == "recsys_builder_write":
                built.write(tmp_path / "second")
            else:
                built.import_model(tmp_path / "first")
    finally:
        signal.signal(signal.SIGALRM, old)
    threading.Timer(0.1, go_on.set).start()
    built.set_field("name", "second")
    assert order == [what, "end", "recsys_builder_set_field"]
    built.write(tmp_path / "third")
    assert recsys.Model(tmp_path / "third").info.name == "second"


def test_a_builder_that_is_closed_in_a_long_call_outlives_it(monkeypatch):
    inside, go_on, builder = threading.Event(), threading.Event(), recsys.Builder()

    def slow(_function, *_arguments):
        inside.set()
        assert go_on.wait(60)

    monkeypatch.setattr("recsys.builder.call", slow)
    call_and_close(builder, lambda: builder.import_model("any"), inside, go_on)


BATCH = """
import os, signal, threading, time
import numpy as np, recsys, sys
model = recsys.Model(sys.argv[1])
queries = np.random.default_rng(0).normal(size=(2_000_000, 16)).astype(np.float32)
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell began this in the background
def strike():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=strike, daemon=True).start()
try:
    if sys.argv[2] == "scorer":
        recsys.Scorer().top_k(model, queries, 10)
    else:
        model.recommend_batch(np.arange(2_000_000) % 500, 10)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted", len(model.recommend(1, 5)))
"""


@pytest.mark.parametrize("what", ["scorer", "recommender"])
def test_ctrl_c_ends_a_batch_and_the_objects_go_on_working(tmp_path, what):
    rng = np.random.default_rng(1)
    builder = recsys.Builder()
    builder.set_array("user_factors", rng.normal(size=(500, 16)))
    builder.set_array("item_factors", rng.normal(size=(20000, 16)))
    builder.write(tmp_path / "b")
    said = subprocess.run([sys.executable, "-c", BATCH, str(tmp_path / "b"), what],
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                          capture_output=True, text=True, timeout=120)
    assert said.stdout == "interrupted 5\n", said
