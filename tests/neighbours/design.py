"""The services of the cache design, as they are: its Python classes, taken out of the page.

The page is not a part of this repository; it lies beside it (find_page). Its blocks of code are run
unchanged. The names that they import or expect are given to them: a `redis` whose hosts are the
test's server, a `db` over psycopg2 whose rows are what JSON can hold, a geohash, and names of the
web framework that do nothing. "UPDATE … SET ..." is the only statement that the page leaves open.
"""
import datetime
import decimal
import os
import pathlib
import re
import sys
import threading
import types

import psycopg2
import psycopg2.extras
import redis as real_redis

CLASSES = ("JWTBlackList", "UserProfileCache", "CharacterCache", "LocationCache", "RecycleInfoCache",
           "ChatHistoryCache", "ScanResultCache")


def find_page():
    """None if it is not there."""
    given = os.environ.get("RECSYS_DESIGN")
    root = pathlib.Path(__file__).resolve().parents[2]
    for place in [given] if given else [root.parent / "shared/seeds/004_redis_caching.md"]:
        if pathlib.Path(place).is_file():
            return pathlib.Path(place)
    return None


def plain(value):
    """A column as json.dumps() takes it."""
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return float(value) if isinstance(value, decimal.Decimal) else value


class Answer:
    def __init__(self, rows):
        self.rows = [{name: plain(value) for name, value in row.items()} for row in rows]

    def fetchone(self):
        return self.rows[0] if self.rows else None

    def fetchall(self):
        return self.rows


class Database:
    """The page's `db`; a connection for each thread."""

    def __init__(self, conninfo):
        self.conninfo, self.local, self.assignment = conninfo, threading.local(), {}

    def run(self, sql, parameters, has_rows):
        if getattr(self.local, "connection", None) is None:
            self.local.connection = psycopg2.connect(self.conninfo)
            self.local.connection.autocommit = True
        if "SET ..." in sql:
            sql = sql.replace("...", "name = %s")
            parameters = (self.local.name, *parameters)
        with self.local.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            # A statement without parameters may have a % of its own.
            cursor.execute(sql, parameters or None)
            return Answer(cursor.fetchall() if has_rows else [])

    def query(self, sql, parameters=None):
        return self.run(sql, parameters, True)

    def execute(self, sql, parameters=None):
        self.run(sql, parameters, False)


def encode_geohash(latitude, longitude, precision=12):
    ranges, values = [[-180.0, 180.0], [-90.0, 90.0]], [longitude, latitude]
    text, bits = "", 0
    for i in range(precision * 5):
        low, high = ranges[i % 2]
        middle = (low + high) / 2
        bits = bits * 2 + (values[i % 2] >= middle)
        ranges[i % 2] = [middle, high] if values[i % 2] >= middle else [low, middle]
        if i % 5 == 4:
            text, bits = text + "0123456789bcdefghjkmnpqrstuvwxyz"[bits], 0
    return text


class Web:
    """A router, or an application: what is decorated stays as it is."""

    def __getattr__(self, name):
        return lambda *arguments, **options: lambda function: function


class Services:
    """The page's classes, as attributes, on a Redis and a database."""

    def __init__(self, page, redis_port, conninfo):
        self.database = Database(conninfo)
        self.port = redis_port
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
        module = types.ModuleType("redis")
        module.Redis = self.connect
        world = {"db": self.database, "router": Web(), "app": Web(), "HTTPException": Exception,
                 "ProfileUpdate": dict, "calculate_exp_required": lambda level: max(1, round(100 * level ** 1.5)),
                 "geohash": types.SimpleNamespace(encode=encode_geohash)}
        before, sys.modules["redis"] = sys.modules["redis"], module
        try:
            for name in CLASSES:
                code, = [block for block in blocks if f"class {name}" in block]
                exec(compile(code, str(page), "exec"), world)
                setattr(self, name, world[name])
        finally:
            sys.modules["redis"] = before
        self.forget, = [block for block in blocks if "def invalidate_user_cache" in block]

    def connect(self, host, port, db, decode_responses):
        return real_redis.Redis(host="127.0.0.1", port=self.port, db=db, decode_responses=decode_responses)

    def invalidate_user_cache(self, user_id, db):
        """The page's function with its `redis`, of one logical db."""
        world = {"redis": self.connect("", 0, db, True)}
        exec(self.forget, world)
        world["invalidate_user_cache"](user_id)

    def name_next(self, name):
        """The name that the page's update_profile() writes, in this thread."""
        self.database.local.name = name
