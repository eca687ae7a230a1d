"""A log of a dream, step by step: CSV or a line of JSON each."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from .errors import OnnxdreamError, RecipeError
from .progress import Progress

__all__ = ["Journal"]

_COLUMNS = (
    "picture",
    "octave",
    "step",
    "width",
    "height",
    "loss",
    "losses",
    "mean_gradient",
    "rms",
    "milliseconds",
)


class Journal:
    """A file with a row for every step.

    ======================= =====================================================
    column                  holds
    ======================= =====================================================
    ``picture``             what `about` was told
    ``octave``, ``step``    from 1
    ``width``, ``height``   of the octave, in pixels
    ``loss``, ``losses``    before the step: the sum, and each layer's share
    ``mean_gradient``       mean |gradient| before it was normalized
    ``rms``                 how far the picture is from the resized original after
                            the step, root mean square in 8-bit grey levels
    ``milliseconds``        what the step took
    ======================= =====================================================

    Parameters
    ----------
    path : str or PathLike
        Where it goes: a ``.csv`` or a ``.jsonl``, which is overwritten.

    Raises
    ------
    RecipeError
        If it has another suffix.
    OnnxdreamError
        If it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in _WRITERS:
            raise RecipeError(f"A log is a .csv or a .jsonl file, and not {self._path.name!r}.")
        try:
            # Closed by __exit__.
            self._file: TextIO = self._path.open("w", encoding="utf-8", newline="")
        except (OSError, ValueError) as error:
            raise OnnxdreamError(f"The log {self._path} cannot be written. ({error})") from error
        self._write = _WRITERS[self._path.suffix.lower()](self._file)
        self._about = ""

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def about(self, picture: str) -> None:
        """Say which picture the next rows are about."""
        self._about = picture

    def __call__(self, progress: Progress) -> None:
        """Write a row.

        Raises
        ------
        OnnxdreamError
            If it cannot be written.
        """
        row = (
            self._about,
            progress.octave,
            progress.step,
            progress.width,
            progress.height,
            progress.loss,
            dict(progress.losses),
            progress.mean,
            round(progress.rms(), 4),
            round(1000 * progress.seconds, 3),
        )
        try:
            self._write(dict(zip(_COLUMNS, row, strict=True)))
            self._file.flush()
        except OSError as error:
            raise OnnxdreamError(f"The log {self._path} cannot be written. ({error})") from error


def _csv(file: TextIO) -> Callable[[dict[str, Any]], None]:
    writer = csv.DictWriter(file, _COLUMNS)
    writer.writeheader()
    return lambda row: writer.writerow(row | {"losses": json.dumps(row["losses"])})


def _lines(file: TextIO) -> Callable[[dict[str, Any]], None]:
    def write(row: dict[str, Any]) -> None:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


_WRITERS = {".csv": _csv, ".jsonl": _lines}
