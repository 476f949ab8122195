"""Long calls that Ctrl-C can end.

A call into C cannot be interrupted: Python runs signal handlers on the main thread, between two
bytecodes. So a call that may take long and comes from the main thread runs on a thread of its own
while the main thread waits for it, which signals do interrupt. The call then goes on in the
background and what it made is given back when it ends. Starting the thread costs about a tenth of a
millisecond; calls from other threads run where they are. An object that one thread at a time may
use has an Unfinished, by which its next call waits for the call in the background.
"""
from __future__ import annotations

import threading
from typing import Callable, Optional, TypeVar

T = TypeVar("T")


class _Outcome:
    value: object = None
    error: Optional[BaseException] = None


class Unfinished:
    """The long call of one object that may still run in the background."""

    thread: Optional[threading.Thread] = None

    def wait(self) -> None:
        """Return when nothing runs any more; Ctrl-C ends the waiting, too."""
        if self.thread is not None and self.thread.is_alive():
            self.thread.join()
        self.thread = None


def interruptible(function: Callable[..., T], *arguments: object,
                  unfinished: Optional[Unfinished] = None) -> T:
    """function(*arguments); KeyboardInterrupt and other handlers' exceptions leave at once.
    `unfinished` then has the thread that goes on."""
    if threading.current_thread() is not threading.main_thread():
        return function(*arguments)
    outcome = _Outcome()

    def run() -> None:
        try:
            outcome.value = function(*arguments)
        except BaseException as error:
            outcome.error = error

    thread = threading.Thread(target=run, name="recsys-call", daemon=True)
    if unfinished is not None:
        unfinished.thread = thread
    thread.start()
    thread.join()
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]
