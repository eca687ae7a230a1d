"""One kernel over several threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from operator import index

__all__ = ["over_bands"]

# Several bands a thread, so that one that starts late or is interrupted does less.
_BANDS_PER_THREAD = 4


def _make_helpers() -> None:
    """Make a pool; it starts its threads when there is work, and keeps them."""
    global _helpers
    _helpers = ThreadPoolExecutor(thread_name_prefix="onnxdream-kernels")


_helpers: ThreadPoolExecutor
_make_helpers()
if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads.
    os.register_at_fork(after_in_child=_make_helpers)


def over_bands(kernel: Callable[[int, int], None], rows: int, threads: int) -> None:
    """Call a kernel for all rows, in bands that the threads share out among themselves.

    Parameters
    ----------
    kernel : callable
        Takes a range of rows, [first, last), and lets go of the GIL.
    rows : int
        How many there are, at least one.
    threads : int
        How many may work at once, the calling one among them.

    Raises
    ------
    ValueError
        The number of threads is below one.
    """
    if index(threads) < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    threads = min(threads, rows)
    if threads == 1:
        kernel(0, rows)
        return
    count = min(threads * _BANDS_PER_THREAD, rows)
    edges = [rows * band // count for band in range(count + 1)]
    bands = iter(list(pairwise(edges)))

    def work() -> None:
        # The iterator of a list gives each band to one thread only.
        for first, last in bands:
            kernel(first, last)

    others: list[Future[None]] = []
    # Where the system starts no more threads, those that there are do the work.
    with suppress(RuntimeError):
        for _ in range(threads - 1):
            others.append(_helpers.submit(work))  # noqa: PERF401
    work()
    for other in others:
        # Nothing is left for a thread that has not even started.
        if not other.cancel():
            other.result()
