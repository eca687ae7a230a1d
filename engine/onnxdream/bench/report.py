"""What was measured, and on what machine; and the same as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct

from ..errors import BenchmarkError
from .files import save
from .fingerprint import Hardware
from .reading import MOST_BYTES, MOST_RECORDS, Line, Natural, Samples, decode
from .workload import Case

__all__ = ["Report", "Result", "as_json", "read", "write"]

_KIND = "onnxdream bench"
_FORMAT = 1


class Result(Struct, frozen=True):
    """What was measured of one case.

    Parameters
    ----------
    case : Case
        What was run.
    peak_memory : int or None
        The most physical memory that the process held, in bytes.
    device_memory : int or None
        What the dream took of the GPU's memory, in bytes.
    step, network, kernels : sequence of float
        Seconds, time after time; see `onnxdream.bench.measure`.
    """

    case: Case
    peak_memory: Natural | None
    device_memory: Natural | None
    step: Samples
    network: Samples
    kernels: Samples

    @property
    def steps_per_second(self) -> float:
        """Gradient steps a second, by the median step."""
        return 1 / float(np.median(self.step))

    @property
    def megapixel_steps_per_second(self) -> float:
        """The same times the megapixels of the picture."""
        return self.steps_per_second * self.case.size**2 / 1e6

    @property
    def spread(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of the step, in seconds."""
        low, high = np.percentile(self.step, [10, 90])
        return float(low), float(high)

    @property
    def split(self) -> tuple[float, float, float]:
        """The median step in parts, in seconds: network, kernels, the rest."""
        parts = self.step, self.network, self.kernels
        step, network, kernels = (float(np.median(part)) for part in parts)
        return network, kernels, step - network - kernels


class Report(Struct, frozen=True):
    """The results of a benchmark, and what they were taken on.

    Parameters
    ----------
    workload : int
        The version of the workload.
    quick : bool
        Whether it was measured with less effort.
    machine : Hardware
        What it was measured on, and with.
    results : sequence of Result
        One for each case.
    """

    workload: Natural
    quick: bool
    machine: Hardware
    results: Annotated[Sequence[Result], Meta(max_length=MOST_RECORDS)]


class _Kind(Struct):
    kind: Line


class _Format(Struct):
    format: Natural


def write(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report as JSON: all of it or nothing.

    Raises
    ------
    BenchmarkError
        If the file cannot be written.
    """
    content = {"kind": _KIND, "format": _FORMAT} | msgspec.to_builtins(report)
    save(as_json(content).encode(), path)


def read(path: str | os.PathLike[str]) -> Report:
    """Read a report, which need not be of this machine.

    Raises
    ------
    BenchmarkError
        If the file is absent, too large, or no report.
    """
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BenchmarkError(f"{path} cannot be read: {error.strerror}.") from error
    if decode(content, _Kind, name).kind != _KIND:
        raise BenchmarkError(f"{name} is no result of `onnxdream bench`.")
    if decode(content, _Format, name).format != _FORMAT:
        raise BenchmarkError(f"{name} was written by another version of onnxdream: update both.")
    return decode(content, Report, name)


def as_json(content: Any) -> str:
    """Spell JSON so that a person can read it: lists of numbers are on one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return re.sub(
        r"\[\s+([-+.\deE,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text
    )
