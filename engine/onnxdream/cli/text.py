"""How things are put in words and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..preprocessing import Preprocessing

__all__ = ["preprocessing_words", "rows"]


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
