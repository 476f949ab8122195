"""Counters, gauges and histograms, as text for Prometheus."""
from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import byref
from typing import Any, Optional

import numpy as np

from ._held import Caught, Held, Owner, call, create
from ._native import abi, lib


class Metric:
    """One time series of a Stats. Counting never locks."""

    __slots__ = ("_pointer", "_held")

    def __init__(self, held: Held, pointer: int) -> None:
        self._held, self._pointer = held, pointer

    def add(self, n: int = 1) -> None:
        """Count n more: of a counter."""
        lib.recsys_metric_add(self._pointer, n)

    def set(self, value: float) -> None:
        """The value now: of a gauge, or of a counter that mirrors another count."""
        lib.recsys_metric_set(self._pointer, value)

    def record(self, value: float) -> None:
        """One value more: of a histogram, mostly in seconds."""
        lib.recsys_metric_record(self._pointer, value)

    @property
    def value(self) -> float:
        """The value now; of a histogram how many values it has recorded."""
        return float(lib.recsys_metric_get(self._pointer))


class Stats(Owner):
    """A set of metrics. Caches, denylists and domains count into it; add metrics of your own.

    >>> stats = Stats()
    >>> requests = stats.counter("app_requests_total", "Requests.", route="/home")
    >>> requests.add(2)
    >>> print(stats.format())
    # HELP app_requests_total Requests.
    # TYPE app_requests_total counter
    app_requests_total{route="/home"} 2
    <BLANKLINE>
    """

    def __init__(self) -> None:
        self._held: Optional[Held] = create(lib.recsys_stats_create, lib.recsys_stats_unref)

    def counter(self, name: str, help: str, **labels: str) -> Metric:
        """The counter of this name, which ends in _total, and these labels; made if it is new."""
        return self._add(lib.recsys_stats_add_counter, name, help, labels)

    def gauge(self, name: str, help: str, **labels: str) -> Metric:
        """The gauge of this name and these labels; made if it is new."""
        return self._add(lib.recsys_stats_add_gauge, name, help, labels)

    def histogram(self, name: str, help: str, bounds: Optional[Sequence[float]] = None,
                  **labels: str) -> Metric:
        """The histogram of this name; upper bounds ascend, by default from 100 us to 10 s."""
        numbers = np.array([] if bounds is None else bounds, dtype=np.float64)
        return self._add(lib.recsys_stats_add_histogram, name, help, labels,
                         numbers.ctypes.data if numbers.size else None, numbers.size)

    def _add(self, function: Any, name: str, help: str, labels: Mapping[str, str],
             *more: Any) -> Metric:
        held, out = self._open(), ctypes.c_void_p()
        written = ",".join(f'{label}="{_escape(value)}"' for label, value in labels.items())
        call(function, held, name.encode(), help.encode(),
             written.encode() if written else None, *more, byref(out))
        assert out.value is not None
        return Metric(held, out.value)

    def format(self) -> str:
        """All metrics as Prometheus reads them, text format 0.0.4."""
        pieces: list[bytes] = []

        def add(text: int, size: int, _user_data: int) -> int:
            pieces.append(ctypes.string_at(text, size))
            return 0

        caught = Caught()
        caught.call(lib.recsys_stats_format, self._open(),
                    abi.recsys_stats_callback(caught.guard(add)), None)
        return b"".join(pieces).decode()


def _escape(value: str) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
