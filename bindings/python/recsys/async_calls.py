"""Calls that block, for asyncio: on threads of their own, so that the loop goes on.

A loader that is a coroutine function runs on the loop while a thread waits for it. Coroutines of
one loop that ask for the same key join one flight, so they take one thread together.

The thread of a call is taken until its loader has ended, and the loader may make calls, which need
threads, too. So the calls of loaders have threads of their own at each depth, and flights of their
own: a call waits only for deeper ones, and no number of them can wait for each other in a circle.
"""
from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import inspect
import os
import weakref
from collections.abc import Coroutine
from typing import Any, Callable, TypeVar

from .errors import StateError

T = TypeVar("T")
Flight = tuple[int, bytes]
THREADS = 64
_executors: list[concurrent.futures.ThreadPoolExecutor] = []  # by depth
# The loops whose calls wait for this code, the innermost last: none outside loaders.
_around: contextvars.ContextVar[tuple[asyncio.AbstractEventLoop, ...]] = contextvars.ContextVar(
    "recsys_around", default=())
# The flights that wait for this code.
_waiting: contextvars.ContextVar[tuple[tuple[Flights, bytes], ...]] = contextvars.ContextVar(
    "recsys_waiting", default=())

os.register_at_fork(after_in_child=_executors.clear)


async def on_thread(function: Callable[..., T], *arguments: Any) -> T:
    """function(*arguments) on a thread, with this coroutine's context variables."""
    loop, around, context = asyncio.get_running_loop(), _around.get(), contextvars.copy_context()
    while len(_executors) <= len(around):
        _executors.append(concurrent.futures.ThreadPoolExecutor(THREADS, "recsys-async"))
    context.run(_around.set, (*around, loop))
    return await loop.run_in_executor(_executors[len(around)],
                                      functools.partial(context.run, function, *arguments))


def from_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a thread of on_thread() calls it: a coroutine function runs on the loop."""
    if not inspect.iscoroutinefunction(function):
        return function

    def run(*arguments: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(function(*arguments), _around.get()[-1]).result()

    return run


class Flights:
    """The calls that run now, by loop, depth and key."""

    def __init__(self) -> None:
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop,
                                                 dict[Flight, asyncio.Task[Any]]] = \
            weakref.WeakKeyDictionary()

    async def join(self, key: bytes, begin: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The result of the call for this key, which begins unless it runs. A coroutine that is
        cancelled leaves the call to the others."""
        waiting = _waiting.get()
        if (self, key) in waiting:
            raise StateError(f"the loader of {key!r} waits for itself")
        flights = self._by_loop.setdefault(asyncio.get_running_loop(), {})
        flight = len(_around.get()), key
        task = flights.get(flight)
        if task is None:
            token = _waiting.set((*waiting, (self, key)))
            task = asyncio.get_running_loop().create_task(begin())
            _waiting.reset(token)
            flights[flight] = task
            task.add_done_callback(lambda done: _landed(flights, flight, done))
        return await asyncio.shield(task)


def _landed(flights: dict[Flight, asyncio.Task[Any]], flight: Flight,
            task: asyncio.Task[Any]) -> None:
    flights.pop(flight, None)
    if not task.cancelled():
        task.exception()  # taken note of, also if all that waited were cancelled
