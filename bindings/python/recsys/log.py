"""The library's log lines, in Python's logging. Silent until to_logging() is called."""
from __future__ import annotations

import atexit
import ctypes
import logging
from typing import Any, Optional

from ._held import call
from ._native import abi, lib

LEVELS = {abi.RECSYS_LOG_ERROR: logging.ERROR, abi.RECSYS_LOG_WARN: logging.WARNING,
          abi.RECSYS_LOG_INFO: logging.INFO, abi.RECSYS_LOG_DEBUG: logging.DEBUG,
          abi.RECSYS_LOG_TRACE: logging.DEBUG}
_callback: Any = None


def to_logging(level: Optional[int] = logging.INFO, logger: str = "recsys") -> None:
    """Send lines of this level of `logging`, or more urgent, to the logger of this name; None makes
    the library silent again. For the whole process."""
    global _callback
    if level is None:
        made, wanted = abi.recsys_log_callback(), 0
    else:
        target = logging.getLogger(logger)

        def line(urgency: int, message: int, _user_data: int) -> None:
            try:
                target.log(LEVELS.get(urgency, logging.INFO), "%s",
                           ctypes.string_at(message).decode("utf-8", "replace"))
            except Exception:  # a handler's; the call that logs has nobody to give it to
                pass

        made = abi.recsys_log_callback(line)
        wanted = max([ours for ours, theirs in LEVELS.items() if theirs >= level and
                      ours != abi.RECSYS_LOG_TRACE], default=abi.RECSYS_LOG_ERROR)
    call(lib.recsys_log_set, wanted, made, None)
    _callback = made  # the one before is not running any more


def set_trace(components: Optional[str]) -> None:
    """The components whose steps are logged: "aside,redis", "all"; None or "" = none."""
    call(lib.recsys_log_set_trace, None if components is None else components.encode())


def get_trace() -> str:
    """The components that are traced, as set_trace() takes them."""
    buffer = ctypes.create_string_buffer(abi.RECSYS_TRACE_NAMES_SIZE)
    size = ctypes.c_size_t(len(buffer))
    call(lib.recsys_log_get_trace, buffer, ctypes.byref(size))
    return buffer.raw[:size.value].decode()


def set_request(request_id: Optional[str]) -> None:
    """Name the request that this thread works for: trace lines of this thread contain it."""
    lib.recsys_log_set_request(None if request_id is None else request_id.encode())


atexit.register(to_logging, None)
