#!/usr/bin/env bash
# Two cache decorators give f("1") the answer of f(1), and one of them gives f("a", "b c") that of f("a b", "c")
#
# Seen: 2026-11-30, dogpile.cache 1.5.0, cashews 7.6.0 (in memory); aiocache 0.12.3 and lru_cache for comparison
# (CPython 3.11).
#
# One would guess: a decorated function is called once for each list of arguments that differs, as with lru_cache,
# and the caches differ in where they keep the answers. f(1), f("1"), f(None) and f("None") are four entries.
#
# In fact: the key is a text. dogpile's cache_on_arguments() joins str() of the arguments with blanks: 1 and "1"
# are one entry, None and "None", and also ("a b", "c") and ("a", "b c"): two searches of a title and an author give
# the first one's answer. cashews writes None as the empty text and True as "true", so f(None) and f(""), f(True) and
# f("true"), f(1) and f("1") meet. Nothing is said, and each function alone is right. dogpile has a
# function_key_generator that one can give it, and kwarg_function_key_generator does the same. aiocache takes repr(), which
# tells them all apart.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install dogpile.cache==1.5.0 cashews==7.6.0 aiocache==0.12.3 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
"$work/venv/bin/python" - <<'PYTHON'
import asyncio
import functools
import sys

import aiocache
import cashews
from dogpile.cache import make_region
from dogpile.cache.util import kwarg_function_key_generator

PAIRS = [((1,), ("1",)), ((None,), ("None",)), ((None,), ("",)), ((True,), ("true",)), (("a b", "c"), ("a", "b c"))]
region = make_region().configure("dogpile.cache.memory")
others = make_region(function_key_generator=kwarg_function_key_generator).configure("dogpile.cache.memory")
cashews.cache.setup("mem://")


def answer(*arguments):
    return arguments


async def answer_later(*arguments):
    return arguments


async def same(decorate, function):
    """For each pair: does the second call get the answer of the first one?"""
    found = []
    for first, second in PAIRS:
        cached = decorate(TWO if len(first) == 2 else ONE, function)
        got = []
        for arguments in (first, second):
            value = cached(*arguments)
            got.append(repr(await value if asyncio.iscoroutine(value) else value))
        found.append(got[0] == got[1] and first != second)
    return found


def ONE(function):
    if asyncio.iscoroutinefunction(function):
        async def f(a):
            return await function(a)
    else:
        def f(a):
            return function(a)
    return f


def TWO(function):
    if asyncio.iscoroutinefunction(function):
        async def f(a, b):
            return await function(a, b)
    else:
        def f(a, b):
            return function(a, b)
    return f


number = 0


def fresh(make):
    """A decorator with a name of its own for each function, so that only the two calls of a pair can meet."""
    def decorate(shape, function):
        global number
        number += 1
        f = shape(function)
        f.__name__ = f.__qualname__ = f"f{number}"
        return make(f)
    return decorate


async def main():
    return {
        "lru_cache": await same(fresh(functools.lru_cache(None)), answer),
        "aiocache": await same(fresh(aiocache.cached()), answer_later),
        "dogpile.cache": await same(fresh(region.cache_on_arguments()), answer),
        "dogpile.cache, kwarg_function_key_generator": await same(fresh(others.cache_on_arguments()), answer),
        "cashews": await same(fresh(cashews.cache(ttl="1m")), answer_later),
    }


found = asyncio.run(main())
for name, alike in found.items():
    print(f"{name}:", ", ".join(f"{first} and {second}" for (first, second), a in zip(PAIRS, alike) if a) or "all differ")
still = (found["lru_cache"] == found["aiocache"] == [False] * 5 and
         found["dogpile.cache"] == [True, True, False, False, True] and
         found["dogpile.cache, kwarg_function_key_generator"] == [True, True, False, False, True] and
         found["cashews"] == [True, False, True, True, False])
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
