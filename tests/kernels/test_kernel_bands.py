from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream.kernels._bands import over_bands


@given(rows=st.integers(1, 200), threads=st.integers(1, 20))
def test_every_row_is_done_once(rows: int, threads: int) -> None:
    bands: list[tuple[int, int]] = []
    over_bands(lambda first, last: bands.append((first, last)), rows, threads)
    done = Counter(row for first, last in bands for row in range(first, last))
    assert done == Counter(range(rows))
    assert all(first < last for first, last in bands)


def test_threads_work_at_once() -> None:
    together = threading.Barrier(3, timeout=30)
    waited = threading.local()

    def kernel(first: int, last: int) -> None:
        if not hasattr(waited, "once"):
            waited.once = True
            together.wait()

    over_bands(kernel, 100, 3)


def test_one_thread_is_the_calling_one() -> None:
    threads = []
    over_bands(lambda first, last: threads.append(threading.current_thread()), 100, 1)
    assert threads == [threading.current_thread()]


def test_an_error_in_a_helping_thread_reaches_the_caller() -> None:
    helping = threading.Event()

    def kernel(first: int, last: int) -> None:
        if threading.current_thread() is threading.main_thread():
            assert helping.wait(30)
        else:
            helping.set()
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        over_bands(kernel, 8, 2)


FORK = """
import os, sys, threading
from onnxdream.kernels._bands import over_bands

over_bands(lambda first, last: None, 8, 2)
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
both = threading.Barrier(2, timeout=30)
over_bands(lambda first, last: both.wait(), 2, 2)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_helpers_of_its_own() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", FORK], env=environment, check=True)
