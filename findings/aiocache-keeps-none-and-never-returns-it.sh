#!/usr/bin/env bash
# aiocache calls a function that returned None again each time, though it has stored the None
#
# Seen: 2026-11-30, aiocache 0.12.3; cashews 7.6.0, cachetools 8.0.2 and dogpile.cache 1.5.0 for comparison
# (CPython 3.11).
#
# One would guess: None is a result like others, "there is no such user" for example, and the decorator keeps it for the
# given time, as lru_cache and the other libraries do. It is this result that one wants to keep: questions for things
# that do not exist otherwise all reach the database.
#
# In fact: cached() takes None for "not in the cache". The function is called each time, and each time its None is
# written to the cache, where exists() says that it is. With cached_stampede() it is the same, behind a lock. The
# argument skip_cache_func, which decides what is not stored, has nothing to do with it. Nothing is said, and the
# hits of all other keys hide it.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install aiocache==0.12.3 cashews==7.6.0 cachetools==8.0.2 dogpile.cache==1.5.0 \
  >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" - <<'PYTHON'
import asyncio
import functools
import sys

import aiocache
import cachetools
import cashews
from dogpile.cache import make_region

CALLS = 5
cashews.cache.setup("mem://")
region = make_region().configure("dogpile.cache.memory")
made = {
    "lru_cache": (functools.lru_cache(None), False),
    "cachetools": (cachetools.cached({}), False),
    "dogpile.cache": (region.cache_on_arguments(), False),
    "cashews": (cashews.cache(ttl="1m"), True),
    "aiocache cached()": (aiocache.cached(ttl=60, key_builder=lambda f, value: f"plain {value}"), True),
    "aiocache cached_stampede()": (
        aiocache.cached_stampede(ttl=60, lease=1, key_builder=lambda f, value: f"stampede {value}"), True),
}


async def main():
    counts, stored = {}, []
    for name, (decorate, later) in made.items():
        for value in (None, 0):
            n = 0
            if later:
                @decorate
                async def find(value):
                    nonlocal n
                    n += 1
                    return value
            else:
                @decorate
                def find(value):
                    nonlocal n
                    n += 1
                    return value
            for _ in range(CALLS):
                await find(value) if later else find(value)
            counts[name, value] = n
            if name.startswith("aiocache") and value is None:
                stored.append(await find.cache.exists(f"{'stampede' if 'stampede' in name else 'plain'} None"))
        print(f"{name}: of {CALLS} calls, {counts[name, None]} reach the function that returns None, "
              f"{counts[name, 0]} the one that returns 0")
    print(f"aiocache says that the None is stored: {stored}")
    return counts, stored


counts, stored = asyncio.run(main())
still = (stored == [True, True] and
         all(n == (CALLS if name.startswith("aiocache") and value is None else 1) for (name, value), n in counts.items()))
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
