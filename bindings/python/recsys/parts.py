"""A batch cut into parts, so that Ctrl-C ends it between two of them.

Python runs signal handlers between two bytecodes, never inside of C. The parts grow and shrink
until one takes about PART_S seconds; the answers are the same bits for every size.
"""
from __future__ import annotations

import time
from collections.abc import Iterator

PART_S = 0.05
FIRST, SMALLEST, LARGEST = 256, 64, 4096


def parts(n: int) -> Iterator[tuple[int, int]]:
    """(where it begins, how many) of each part of n elements."""
    at, size = 0, FIRST
    while at < n:
        began = time.perf_counter()
        yield at, min(size, n - at)
        took = time.perf_counter() - began
        at += size
        if took < PART_S / 2:
            size = min(size * 2, LARGEST)
        elif took > PART_S * 2:
            size = max(size // 2, SMALLEST)
