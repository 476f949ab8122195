"""Cache-aside in the process: loaders, their exceptions, writers, the decorator, asyncio."""
import asyncio
import contextvars
import threading
import time
import traceback

import pytest

import recsys
from recsys import async_calls


@pytest.fixture
def cache():
    return recsys.Cache(label="test")


def test_a_value_is_loaded_once(cache):
    loads = []

    def load():
        loads.append(1)
        return {"name": "Zoë", "n": [1, 2.5, None]}

    for outcome in ("miss", "hit", "hit"):
        found = cache.find_or_load("user:1", load)
        assert found == ({"name": "Zoë", "n": [1, 2.5, None]}, outcome)
    assert len(loads) == 1 and cache.get("user:1")["name"] == "Zoë"
    assert cache.get("user:2", "nothing") == "nothing" and cache.find("user:2") == (None, "miss")
    cache.invalidate("user:1")
    assert cache.get("user:1") is None
    assert cache.stats().loads == 1 and cache.stats().invalidations == 1


def test_what_a_loader_raises_comes_out_with_its_traceback(cache):
    class Broken(Exception):
        pass

    def deep_inside():
        raise Broken("the table is gone")

    with pytest.raises(Broken) as caught:
        cache.get_or_load("k", lambda: deep_inside())
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "deep_inside" and "find_or_load" in names
    with pytest.raises(KeyboardInterrupt):
        cache.get_or_load("k", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(ValueError, match="JSON"):
        cache.get_or_load("k", lambda: float("nan"))
    assert cache.get_or_load("k", lambda: 1) == 1


def test_not_found_is_cached_too(cache):
    loads = []

    def load():
        loads.append(1)
        raise recsys.NotFound("no user 5")

    with pytest.raises(KeyError, match="no user 5"):
        cache.get_or_load("user:5", load)
    with pytest.raises(recsys.NotFound):
        cache.get_or_load("user:5", load)
    assert len(loads) == 1


def test_a_stale_value_is_returned_when_loading_fails():
    cache = recsys.Cache(label="stale", ttl_ms=1, stale_ms=60000, jitter=False)
    cache.set("k", "old")
    cache.set("k2", "old")
    time.sleep(0.05)

    def fail():
        raise OSError("down")

    assert cache.find_or_load("k", fail) == ("old", "stale")
    with pytest.raises(KeyboardInterrupt):
        cache.get_or_load("k2", lambda: (_ for _ in ()).throw(KeyboardInterrupt))


def test_options_of_one_value(cache):
    assert cache.get_or_load("a", lambda: recsys.Loaded(1, cached=False)) == 1
    assert cache.get("a") is None
    assert cache.get_or_load("b", lambda: recsys.Loaded(2, version=7, ttl_ms=recsys.NEVER)) == 2
    assert cache.get("b") == 2


def test_a_write_runs_then_invalidates(cache):
    cache.set("a", 1)
    cache.set("b", 1, version=1)

    def writer(changes):
        changes.set(1, 5, version=2)
        return "done"

    assert cache.write(["a", "b"], writer) == "done"
    assert cache.get("a") is None and cache.get("b") == 5

    def failing(changes):
        raise ZeroDivisionError("half way")

    with pytest.raises(ZeroDivisionError, match="half way"):
        cache.write("b", failing)
    assert cache.get("b") is None  # it may have happened
    kept = []
    cache.write("b", kept.append)
    with pytest.raises(ZeroDivisionError):
        cache.write("b", lambda changes: kept.append(changes) or 1 / 0)
    for changes in kept:
        with pytest.raises(recsys.StateError, match="the writer has returned"):
            changes.set(0, 1, 1)
    cache.set("user:1", 1)
    cache.set("user:2", 1)
    assert cache.invalidate_matching("user:", "") == 2
    cache.set("user:1", 1)
    cache.invalidate_all()
    assert cache.get("user:1") is None


def test_a_loader_may_use_its_cache_but_not_wait_for_itself(cache):
    assert cache.get_or_load("outer", lambda: cache.get_or_load("inner", lambda: 3) + 1) == 4
    with pytest.raises(recsys.StateError):
        cache.get_or_load("self", lambda: cache.get_or_load("self", lambda: 1))


def test_one_load_for_all_threads(cache):
    loads, start = [], threading.Barrier(8)
    results = []

    def load():
        loads.append(1)
        time.sleep(0.1)
        return 42

    def ask():
        start.wait()
        results.append(cache.get_or_load("shared", load))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [42] * 8 and len(loads) == 1


def test_decorator(cache):
    runs = []

    @cache.cached("score:{user}:{kind}", ttl_ms=60000)
    def score(user, kind="a:b"):
        """The score."""
        runs.append(user)
        return [user, kind]

    assert score(1) == score(user=1, kind="a:b") == [1, "a:b"]
    assert runs == [1] and score.key(1) == "score:1:a%3Ab" and score.__doc__ == "The score."
    score.invalidate(1)
    assert score(1) == [1, "a:b"] and runs == [1, 1]
    with pytest.raises(ValueError, match="no parameter colour"):
        cache.cached("x:{colour}")(lambda user: user)
    with pytest.raises(TypeError):
        score()


def test_other_codecs():
    cache = recsys.Cache(label="raw", encode=lambda v: v, decode=lambda v: v)
    assert cache.get_or_load("k", lambda: b"\0\xff") == b"\0\xff"


def test_keys_that_cannot_be(cache):
    for key in ("", "~x", "k~r", "x" * 513):
        with pytest.raises(recsys.InvalidArgument):
            cache.set(key, 1)
    with pytest.raises(recsys.InvalidArgument):
        recsys.key_format("a:{b}")


request = contextvars.ContextVar("request", default=None)


def test_asyncio_loads_once_on_the_loop_and_keeps_context(cache, monkeypatch):
    loads, threads = [], []
    on_thread = async_calls.on_thread

    def counted(*arguments):
        threads.append(arguments)
        return on_thread(*arguments)

    monkeypatch.setattr(async_calls, "on_thread", counted)

    async def load():
        loads.append((threading.current_thread() is threading.main_thread(), request.get()))
        await asyncio.sleep(0.05)
        return {"n": 1}

    async def main():
        request.set("r-7")
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        many = await asyncio.gather(*(cache.aget_or_load("a", load) for _ in range(200)))
        ticking.cancel()
        assert many == [{"n": 1}] * 200 and ticks >= 3  # the loop went on
        assert len(threads) == 1  # one thread waits for all of them
        assert await cache.aget("a") == {"n": 1}
        await cache.ainvalidate("a")
        assert await cache.aget("a") is None
        await cache.aset("a", 5)

        async def write(changes):
            return "written"

        assert await cache.awrite("a", write) == "written"
        assert await cache.aget_or_load("b", lambda: 9) == 9  # a plain function, on a thread

    asyncio.run(main())
    assert loads == [(True, "r-7")]


def test_asyncio_exceptions_and_cancelling(cache):
    async def fail():
        raise LookupError("nobody")

    async def slow():
        await asyncio.sleep(0.05)
        return 1

    async def main():
        with pytest.raises(LookupError, match="nobody"):
            await cache.aget_or_load("x", fail)
        first = asyncio.ensure_future(cache.aget_or_load("y", slow))
        second = asyncio.ensure_future(cache.aget_or_load("y", slow))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == 1  # the call went on for the other one
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(main())


def test_async_decorator(cache):
    runs = []

    @cache.cached("async:{n}")
    async def double(n):
        runs.append(n)
        return 2 * n

    async def main():
        assert await asyncio.gather(double(2), double(2), double(3)) == [4, 4, 6]

    asyncio.run(main())
    assert sorted(runs) == [2, 3]


def test_nested_coroutines_need_no_thread_of_those_that_wait_for_them(cache, monkeypatch):
    """With two threads, and more loaders than that which wait for calls of their own."""
    monkeypatch.setattr(async_calls, "THREADS", 2)
    monkeypatch.setattr(async_calls, "_executors", [])
    started = []

    @cache.cached("deep:{n}:{depth}")
    async def deep(n, depth):
        if depth == 0:
            return n
        if depth == 3:
            started.append(n)
            while len(started) < 2:  # both threads are taken
                await asyncio.sleep(0)
        await cache.aset(f"other:{n}", depth)
        return await deep(n, depth - 1) + await deep(7, 0)  # 7 is asked for outside, too

    @cache.cached("user:{n}")
    async def user(n):
        async def write(changes):
            return await cache.aget(f"other:{n}")

        return await cache.awrite(f"written:{n}", write)

    async def main():
        asked = [deep(n, 3) for n in range(6)] + [deep(7, 0)]
        assert await asyncio.gather(*asked) == [n + 21 for n in range(6)] + [7]
        assert await asyncio.gather(*(user(n) for n in range(6))) == [1] * 6

    asyncio.run(asyncio.wait_for(main(), 60))
    assert len(async_calls._executors) == 4
    assert max(len(executor._threads) for executor in async_calls._executors) == 2


def test_a_coroutine_that_waits_for_itself_is_told(cache):
    async def one(key, other):
        async def loader():
            return await one(other, key)
        return await cache.aget_or_load(key, loader)

    with pytest.raises(recsys.StateError, match="b'a' waits for itself"):
        asyncio.run(one("a", "b"))


def test_store_in_the_process():
    store = recsys.Store.memory("s", max_bytes=1 << 20)
    assert store.set("a", b"1\0x") and not store.set("a", "2", if_absent=True)
    assert store.get_many(["a", "b"]) == [b"1\0x", None]
    assert store.get_or_set("a", "z") == b"1\0x" and store.get_or_set("b", "z") is None
    assert store.replace("a", "1", "3") and not store.replace("a", "1", "4")
    assert store.scan("a", "") == {b"a"}
    assert store.replace("a", "3", None) and store.get("a") is None
    assert store.remove("b", "c") == 1
    store.probe()
    assert store.stats().breaker == "closed" and store.stats().max_bytes >= 1 << 20
    assert store.name == "s"
    with pytest.raises(recsys.InvalidArgument):
        store.redis_stats()


def test_limiter_and_denylist_over_a_store_in_the_process():
    store = recsys.Store.memory("guards")
    limiter = recsys.Limiter(store, rate=2, period_ms=60000)
    assert [bool(limiter.allow("a")) for _ in range(3)] == [True, True, False]
    refused = limiter.allow("a")
    assert refused.retry_ms > 0 and refused.limit == 2
    with pytest.raises(ValueError):
        limiter.allow("a", cost=3)
    denylist = recsys.Denylist(store)
    denylist.revoke("t-1", expires_s=4_000_000_000, reason="stolen")
    assert denylist.check("t-1").verdict == "revoked" and denylist.get("t-1")["reason"] == "stolen"
    assert denylist.check("t-2").clear
    with pytest.raises(KeyError):
        denylist.get("t-2")
    denylist.revoke_user("u-1", issued_before_s=2_000_000_000, reason="stolen")
    assert denylist.check("t-2", "u-1", 1_999_999_999).verdict == "revoked"
    assert denylist.check("t-2", "u-1").verdict == "revoked"  # it does not say when
    assert denylist.check("t-2", "u-1", 2_000_000_000).clear and denylist.check("t-2", "u-2", 1).clear
    denylist.sync()
    assert denylist.stats().tokens == 1
