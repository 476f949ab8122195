"""Redis and PostgreSQL: caches that processes share, guards, domains; and servers that are away.

tests/support/servers.py starts the servers and says where they are in the environment.
"""
import asyncio
import datetime
import decimal
import os
import socket
import threading
import time

import pytest

import recsys
from recsys.recycling import Recycling
from test_fork import in_child
from test_threads import call_and_close

REDIS = os.environ.get("RECSYS_TEST_REDIS")
POSTGRES = os.environ.get("RECSYS_TEST_POSTGRES")
NAME = f"python-{os.getpid()}-{time.time_ns()}:"
pytestmark = pytest.mark.skipif(not REDIS or not POSTGRES,
                                reason="tests/support/servers.py starts the servers")


@pytest.fixture
def store():
    return recsys.Store.redis(f"redis://127.0.0.1:{REDIS}/3", prefix=NAME, command_timeout_ms=5000,
                              connect_timeout_ms=5000, pool_timeout_ms=5000)


@pytest.fixture(scope="module")
def database():
    return recsys.Source.postgres(POSTGRES)


def test_store_over_redis(store):
    store.remove("a", "b")
    assert store.set("a", b"\0\xff") and store.get("a") == b"\0\xff"
    assert not store.set("a", "x", if_absent=True) and store.get("b") is None
    assert store.scan("a", "") == {b"a"}
    assert store.redis_stats().connected >= 1 and store.redis_stats().version
    assert store.stats().failures == 0


def test_two_caches_over_redis_load_once(store):
    one, two = recsys.Cache(store, label="shared"), recsys.Cache(store, label="shared")
    loads = []

    def load():
        loads.append(1)
        time.sleep(0.2)
        return {"n": 7}

    results = []
    threads = [threading.Thread(target=lambda c=c: results.append(c.get_or_load("k1", load)))
               for c in (one, two) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [{"n": 7}] * 8 and len(loads) == 1
    one.invalidate("k1")
    assert two.get("k1") is None


def test_asyncio_over_redis(store):
    cache = recsys.Cache(store, label="aio")

    async def load():
        await asyncio.sleep(0.01)
        return "value"

    async def main():
        assert await asyncio.gather(*(cache.aget_or_load(f"k{i % 10}", load)
                                      for i in range(100))) == ["value"] * 100

    asyncio.run(main())
    assert cache.stats().loads == 10


def test_connections_are_made_again_in_a_child(store, database):
    cache, limiter = recsys.Cache(store, label="fork"), recsys.Limiter(store, rate=2)
    cache.set("f", 1)
    assert limiter.allow("f")

    def child():
        assert cache.get("f") == 1
        cache.set("f", 2)
        assert limiter.allow("f") and not limiter.allow("f")  # one limit for both processes
        assert database.query("SELECT 1 AS one") == [{"one": 1}]

    in_child(child)
    assert cache.get("f") == 2 and not limiter.allow("f")


def test_a_server_that_is_away_costs_no_value():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        store = recsys.Store.redis(f"redis://127.0.0.1:{port}")
        with pytest.raises(OSError) as caught:
            store.get("k")
        assert isinstance(caught.value, recsys.Error) and caught.value.__cause__ is not None
        cache = recsys.Cache(store)
        assert cache.find_or_load("k", lambda: 5) == (5, "unknown")
        assert recsys.Limiter(store, rate=1).allow("k").local
    with pytest.raises(ValueError):
        recsys.Store.redis("http://127.0.0.1")


def test_values_of_postgres(database):
    at = datetime.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=datetime.timezone.utc)
    row, = database.query(
        "SELECT $1::text AS t, $2::int8 AS i, $3::float8 AS r, $4::bool AS b, $5::numeric AS n, "
        "$6::timestamptz AS at, $7::jsonb AS j, $8::text AS nothing",
        "ü", 2**40, 1.5, True, decimal.Decimal("1.10"), at, {"a": [1]}, None)
    assert row == {"t": "ü", "i": 2**40, "r": 1.5, "b": True, "n": decimal.Decimal("1.10"),
                   "at": at, "j": {"a": [1]}, "nothing": None}
    with pytest.raises(TypeError):
        database.query("SELECT $1", b"bytes")
    with pytest.raises(recsys.Error, match="syntax"):
        database.query("SELEC 1")
    with pytest.raises(TimeoutError):
        database.query("SELECT pg_sleep(5)", timeout_ms=200)
    assert database.postgres_stats().queries >= 3


def test_closing_a_store_while_it_waits_for_its_server():
    """The server says nothing until the store was closed; then it hangs up."""
    inside, go_on, failures = threading.Event(), threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve():
            with listening.accept()[0] as connection:
                connection.recv(1)
                inside.set()
                assert go_on.wait(60)

        def ask():
            try:
                store.get("a")
            except recsys.Error as error:
                failures.append(type(error))  # its traceback refers to the store

        store = recsys.Store.redis(f"redis://127.0.0.1:{listening.getsockname()[1]}",
                                   connect_timeout_ms=60000, command_timeout_ms=60000)
        serving = threading.Thread(target=serve)
        serving.start()
        call_and_close(store, ask, inside, go_on)
        serving.join()
    assert len(failures) == 1


def test_transactions_and_domains(database):
    database.run("DROP TABLE IF EXISTS python_users; "
                 "CREATE TABLE python_users (id int8 PRIMARY KEY, name text)")
    with database.transaction() as t:
        t.query("INSERT INTO python_users VALUES ($1, $2)", 1, "Ann")
    with pytest.raises(ZeroDivisionError):
        with database.transaction() as t:
            t.query("INSERT INTO python_users VALUES (2, 'Bob')")
            raise ZeroDivisionError
    with pytest.raises(recsys.StateError, match="has ended"):
        t.query("SELECT 1")
    with pytest.raises(recsys.Error):
        with database.transaction() as refused:
            refused.query("SELECT 1/0")
    with database.transaction() as committed:
        assert committed.query("SELECT 1 AS n") == [{"n": 1}]
    for ended in (refused, committed):
        with pytest.raises(recsys.StateError, match="has ended"):
            ended.query("SELECT 1")
    domains = recsys.Domains(database)
    domains.add("user", key="user:{id}", query="SELECT * FROM python_users WHERE id = $1::int8",
                ttl_s=60, per_user=True)
    assert domains.get("user", 1) == {"id": 1, "name": "Ann"}
    with pytest.raises(KeyError):
        domains.get("user", 2)
    rows = domains.write(["user"], [1], "UPDATE python_users SET name = $1 WHERE id = 1 "
                         "RETURNING name", "Eve")
    assert rows == [{"name": "Eve"}] and domains.get("user", 1)["name"] == "Eve"
    database.query("UPDATE python_users SET name = 'Zoe'")
    assert domains.get("user", 1)["name"] == "Eve"
    domains.invalidate_user(1)
    assert domains.get("user", 1)["name"] == "Zoe"
    assert domains.list()[0].ttl_s == 60 and domains.cache_stats(0).loads >= 3
    with pytest.raises(recsys.Undefined):
        domains.get("nothing", 1)
    in_child(lambda: None if domains.get("user", 1)["name"] == "Zoe" else 1 / 0)
    database.set_away(True)
    with pytest.raises(OSError):
        database.query("SELECT 1")
    database.set_away(False)


def test_the_ready_domains_are_there(database):
    ready = Recycling(database)
    assert len(ready.list()) > 5
    with pytest.raises(recsys.Error):
        ready.get_task("t")  # no store that workers could write to
