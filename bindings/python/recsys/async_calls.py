"""Calls that block, for asyncio: on threads of their own, so that the loop goes on.

A loader that is a coroutine function runs on the loop while a thread waits for it. Coroutines of
one loop that ask for the same key join one flight, so they take one thread together.
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
from typing import Any, Callable, Optional, TypeVar

T = TypeVar("T")
THREADS = 64
_executor: Optional[concurrent.futures.ThreadPoolExecutor] = None
_loop: contextvars.ContextVar[Optional[asyncio.AbstractEventLoop]] = contextvars.ContextVar(
    "recsys_loop", default=None)


def _forget() -> None:
    global _executor
    _executor = None


os.register_at_fork(after_in_child=_forget)


async def on_thread(function: Callable[..., T], *arguments: Any) -> T:
    """function(*arguments) on a thread, with this coroutine's context variables."""
    global _executor
    if _executor is None:
        _executor = concurrent.futures.ThreadPoolExecutor(THREADS, "recsys-async")
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    context.run(_loop.set, loop)
    return await loop.run_in_executor(_executor, functools.partial(context.run, function, *arguments))


def from_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a thread of on_thread() calls it: a coroutine function runs on the loop."""
    if not inspect.iscoroutinefunction(function):
        return function

    def run(*arguments: Any) -> Any:
        loop = _loop.get()
        assert loop is not None
        return asyncio.run_coroutine_threadsafe(function(*arguments), loop).result()

    return run


class Flights:
    """The calls that run now, by loop and key."""

    def __init__(self) -> None:
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop,
                                                 dict[bytes, asyncio.Task[Any]]] = \
            weakref.WeakKeyDictionary()

    async def join(self, key: bytes, begin: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The result of the call for this key, which begins unless it runs. A coroutine that is
        cancelled leaves the call to the others."""
        flights = self._by_loop.setdefault(asyncio.get_running_loop(), {})
        task = flights.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(begin())
            flights[key] = task
            task.add_done_callback(lambda done: _landed(flights, key, done))
        return await asyncio.shield(task)


def _landed(flights: dict[bytes, asyncio.Task[Any]], key: bytes, task: asyncio.Task[Any]) -> None:
    flights.pop(key, None)
    if not task.cancelled():
        task.exception()  # taken note of, also if all that waited were cancelled
