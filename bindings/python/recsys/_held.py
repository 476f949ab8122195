"""How Python owns objects of the library, and how calls that can fail raise.

`Held` owns one object and gives it back when Python has no more use for it. It is itself the
argument of a C function: the call refers to it, so an object that another thread closes meanwhile
lives until the call has returned. A local variable refers to the Held where a struct has its
address, and where a result is read after the call.
"""
from __future__ import annotations

import ctypes
import os
import threading
import weakref
from ctypes import byref
from typing import Any, Callable, Optional

from ._native import abi, lib
from .errors import InvalidArgument, StateError, error_of


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Run a function whose last parameter is the error record; raise what its status means."""
    err = abi.recsys_error()
    try:
        status = function(*arguments, byref(err))
    except ctypes.ArgumentError as error:
        raise wrong(error) from None
    if status:
        raise error_of(status, err.message, err.sys_errno)


def wrong(error: ctypes.ArgumentError) -> Exception:
    """ctypes says "argument 3: ValueError: -1 does not lie ..."; the exception that this means."""
    said = str(error)
    return TypeError(said) if "TypeError" in said else InvalidArgument(said)


class Held:
    """One object of the library, given back when nothing in Python refers to it any more."""

    __slots__ = ("pointer", "_as_parameter_", "_give_back", "keep", "__weakref__")

    def __init__(self, pointer: int, give_back: Callable[[int], None], keep: Any = None) -> None:
        self.pointer = pointer  # for fields of structs
        self._as_parameter_ = pointer  # what ctypes passes for this object
        self._give_back = give_back
        self.keep = keep  # what the object borrows from Python

    def __del__(self) -> None:
        self._give_back(self.pointer)


def create(function: Callable[..., int], give_back: Callable[[int], None], *arguments: Any,
           keep: Any = None) -> Held:
    """Call a function whose last but one parameter receives a new object."""
    out = ctypes.c_void_p()
    call(function, *arguments, byref(out))
    assert out.value is not None
    return Held(out.value, give_back, keep)


class Owner:
    """The base of all classes over an object of the library: close(), `with`, and the object."""

    _held: Optional[Held]

    def _open(self) -> Held:
        """The object, for the time of a call."""
        held = self._held
        if held is None:
            raise StateError(f"this {type(self).__name__} was closed")
        return held

    def close(self) -> None:
        """Give the object back. Calls that are running and views that exist stay valid."""
        self._held = None

    @property
    def closed(self) -> bool:
        return self._held is None

    def __enter__(self) -> Any:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} belongs to its process and cannot be pickled; "
                        "send what it was made from")


def text(value: Optional[bytes]) -> str:
    """Text of the library as str; "" for NULL."""
    return value.decode("utf-8", "replace") if value else ""


def take(value: Any) -> bytes:
    """The bytes of a recsys_value, which is given back."""
    try:
        return ctypes.string_at(value.data, value.size) if value.data else b""
    finally:
        lib.recsys_value_release(byref(value))


class Remade(Owner):
    """An object that works in one process only, because it has connections or locks: a forked child
    makes its own when it first uses it. The child gives the parent's back, which does not affect
    the parent."""

    _make: Optional[Callable[[], Held]]

    def _begin(self, make: Callable[[], Held]) -> None:
        """`make` may not refer to this object, which would then wait for the garbage collector."""
        self._make = make
        self._held = make()
        _remade.add(self)

    def _open(self) -> Held:
        held = self._held
        if held is None:
            with _making:
                if self._held is None and self._make is not None:
                    self._held = self._make()
                held = self._held
            if held is None:
                raise StateError(f"this {type(self).__name__} was closed")
        return held

    def close(self) -> None:
        """Give the object back. Calls that are running end first."""
        self._make = None
        self._held = None


_remade: weakref.WeakSet[Remade] = weakref.WeakSet()
_making = threading.RLock()


def _in_child() -> None:
    global _making
    _making = threading.RLock()
    for one in list(_remade):
        one._held = None


os.register_at_fork(after_in_child=_in_child)


class Caught:
    """Keeps the exception of a Python function that the library called. No exception may pass
    through C, so the library gets a failure, and the call that caused it raises the exception."""

    error: Optional[BaseException] = None

    def guard(self, function: Callable[..., int], failure: int = 1) -> Callable[..., int]:
        """The function as a callback: `failure` is returned for an exception."""

        def guarded(*arguments: Any) -> int:
            try:
                return function(*arguments)
            except BaseException as error:
                self.error = error
                return failure

        return guarded

    def call(self, function: Callable[..., int], *arguments: Any) -> None:
        """As call(); an exception of the guarded function comes out first."""
        err = abi.recsys_error()
        try:
            status = function(*arguments, byref(err))
        except ctypes.ArgumentError as error:
            raise wrong(error) from None
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # the traceback refers to this object
        if status:
            raise error_of(status, err.message, err.sys_errno)
