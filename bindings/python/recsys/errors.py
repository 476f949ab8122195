"""The exceptions that calls raise: one for each status of the library.

Each is also the built-in exception that Python users expect, so `except KeyError` finds a missing
user and `except ValueError` a wrong argument. A failed system call is the exception's cause.

>>> import recsys
>>> issubclass(recsys.NotFound, KeyError), recsys.NotFound.name
(True, 'E_NOT_FOUND')
"""
from __future__ import annotations

import os
from typing import Optional, Union

from ._native import abi


class Error(Exception):
    """A call of librecsys failed.

    status    the library's number, RECSYS_E_...
    name      its name: "E_NOT_FOUND"
    message   what was attempted, what was wrong, and what to do
    outcome   of a cache's look-up: "negative", "miss" or "unknown"; else None
    """

    status: int = 0
    name: str = ""
    outcome: Optional[str] = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message or abi.STATUSES.get(self.status, ("", "failed"))[1]

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type[Error], tuple[str]]:
        return type(self), (self.message,)


class InvalidArgument(Error, ValueError):
    """An argument that the call cannot take."""


class OutOfMemory(Error, MemoryError):
    """The library could not get memory."""


class SystemCallFailed(Error, OSError):
    """A system call failed; `errno` says how, and the cause is that OSError."""


class FormatError(Error, ValueError):
    """A file or a text is damaged, or not of this format."""


class Unsupported(Error, NotImplementedError):
    """Valid, but newer than this library understands, or not available here."""


class NotFound(Error, KeyError):
    """No such model, user, item or key."""


class Timeout(Error, TimeoutError):
    """The deadline has passed."""


class BackendError(Error):
    """The store or the database answered with an error."""


class InternalError(Error, SystemError):
    """A bug in librecsys."""


class AlreadyExists(Error):
    """It is already there."""


class LimitExceeded(Error):
    """Larger than the configured limit."""


class StateError(Error, RuntimeError):
    """Called in the wrong order, twice, after close(), or in a forked child."""


class Unavailable(Error, ConnectionError):
    """The store's circuit breaker is open: nothing was sent."""


class Conflict(Error):
    """Somebody else changed it at the same time; try again."""


class Rejected(Error):
    """Checked and refused."""


class Stopped(Error):
    """A callback stopped the walk."""


class Exhausted(Error):
    """All connections or loaders are in use; try later."""


class Undefined(Error, LookupError):
    """Nothing of this name is defined."""


class CallbackError(Error):
    """A callback returned a number that is no status."""


class Busy(Error):
    """In use by another thread."""


BY_STATUS: dict[int, type[Error]] = {
    abi.RECSYS_E_INVALID: InvalidArgument, abi.RECSYS_E_NOMEM: OutOfMemory,
    abi.RECSYS_E_IO: SystemCallFailed, abi.RECSYS_E_FORMAT: FormatError,
    abi.RECSYS_E_UNSUPPORTED: Unsupported, abi.RECSYS_E_NOT_FOUND: NotFound,
    abi.RECSYS_E_TIMEOUT: Timeout, abi.RECSYS_E_BACKEND: BackendError,
    abi.RECSYS_E_INTERNAL: InternalError, abi.RECSYS_E_EXISTS: AlreadyExists,
    abi.RECSYS_E_LIMIT: LimitExceeded, abi.RECSYS_E_STATE: StateError,
    abi.RECSYS_E_UNAVAILABLE: Unavailable, abi.RECSYS_E_CONFLICT: Conflict,
    abi.RECSYS_E_REJECTED: Rejected, abi.RECSYS_E_STOPPED: Stopped,
    abi.RECSYS_E_EXHAUSTED: Exhausted, abi.RECSYS_E_UNDEFINED: Undefined,
    abi.RECSYS_E_CALLBACK: CallbackError, abi.RECSYS_E_BUSY: Busy,
}
for _status, _class in BY_STATUS.items():
    _class.status, _class.name = _status, abi.STATUSES[_status][0]


def error_of(status: int, message: Union[bytes, str] = b"", sys_errno: int = 0) -> Error:
    """The exception for a status, with the library's message."""
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
    error = BY_STATUS.get(status, Error)(text)
    if status not in BY_STATUS:  # of a newer library
        error.status = status
    if sys_errno and isinstance(error, SystemCallFailed):
        error.errno, error.strerror = sys_errno, os.strerror(sys_errno)
        error.__cause__ = OSError(sys_errno, os.strerror(sys_errno))
    return error
