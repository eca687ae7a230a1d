"""How things are put in words and columns."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..preprocessing import Preprocessing

__all__ = ["amount", "preprocessing_words", "rows"]


def preprocessing_words(preprocessing: Preprocessing) -> str:
    """Say how a network is fed."""
    mean, std = (
        ", ".join(f"{number:g}" for number in v) for v in (preprocessing.mean, preprocessing.std)
    )
    low, high = preprocessing.value_range
    return f"{preprocessing.channels} of {low:g} to {high:g}, minus ({mean}), divided by ({std})"


def rows(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, its columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def amount(text: str) -> int:
    """Read an amount of memory, ``2GB`` or ``1.5GiB`` say, in bytes."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(i?)B?", text.strip(), re.IGNORECASE)
    if found is None or (found[3] and not found[2]):
        raise ArgumentTypeError(f"{text!r} is no amount of memory: 500MB, say, or 2GiB")
    units = _BINARY if found[3] else _UNITS
    return round(float(found[1]) * units[found[2].upper()])
