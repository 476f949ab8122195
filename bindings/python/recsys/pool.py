"""The library's workspaces that one thread at a time may use, kept so that any thread finds one.

A call takes a workspace, or makes one if all are in use, and puts it back; so there are never more
than there were calls at once. list.append and list.pop need no lock. In a forked child workspaces
without helper threads go on working; those with helper threads are given back, and the child makes
its own.
"""
from __future__ import annotations

import os
import weakref
from typing import Any, Callable, Generic, TypeVar

T = TypeVar("T")
_pools: weakref.WeakSet[Any] = weakref.WeakSet()


class Pool(Generic[T]):
    """Workspaces of one kind, made by `make`."""

    def __init__(self, make: Callable[[], T], forks: bool) -> None:
        self.idle: list[T] = []
        self.make = make
        self.put = self.idle.append
        if not forks:
            _pools.add(self)

    def take(self) -> T:
        try:
            return self.idle.pop()
        except IndexError:
            return self.make()


def _in_child() -> None:
    for pool in list(_pools):
        pool.idle.clear()


os.register_at_fork(after_in_child=_in_child)
