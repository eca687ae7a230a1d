"""When memory runs out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import OutOfMemoryError

__all__ = ["enough_memory", "out_of_memory", "tells_of_memory"]

_WORDS = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "unable to allocate",
    "out of memory",
    "cannot allocate memory",
    "smaller than requested bytes",
    # What a library is loaded into.
    "failed to map segment",
    # A thread needs a stack.
    "pthread_create failed",
)
"""What C++, ONNX Runtime, CUDA, NumPy and Python say, whatever they raise to say it."""

_WANTED = re.compile(r"[Uu]nable to allocate ([\d.]+ \w+)|(?:of size|requested bytes of) (\d+)")


def tells_of_memory(error: BaseException) -> bool:
    """Whether an error, of whatever class, says that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _WORDS)


def out_of_memory(what: str, advice: str, error: BaseException) -> OutOfMemoryError:
    """What to raise where memory ran out.

    Parameters
    ----------
    what : str
        What cannot be done, as a sentence without its full stop.
    advice : str
        What to do.
    error : BaseException
        What was raised.
    """
    found = _WANTED.search(str(error))
    wanted = ""
    if found:
        amount = found[1] or f"{int(found[2]) / 2**20:.0f} MiB"
        wanted = f", where {amount} more were wanted"
    return OutOfMemoryError(f"{what}: there is not enough memory{wanted}; {advice}.")


@contextmanager
def enough_memory(what: str, advice: str) -> Iterator[None]:
    """Turn what is raised for want of memory into `OutOfMemoryError`; a decorator, too.

    Parameters
    ----------
    what, advice : str
        See `out_of_memory`.

    Raises
    ------
    OutOfMemoryError
        If there is not enough memory.
    """
    try:
        yield
    except OutOfMemoryError:
        raise
    except MemoryError as error:
        raise out_of_memory(what, advice, error) from error
