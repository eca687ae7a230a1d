"""What was measured, and on what machine; and the same as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BenchmarkError
from .fields import MOST_BYTES, Fields, parse
from .files import save
from .fingerprint import Gpu, Machine
from .workload import Case

__all__ = ["Report", "Result", "as_json", "read", "result_of", "write"]

_KIND = "onnxdream bench"
_FORMAT = 1
_LARGEST = 1 << 50
_MOST_THREADS = 1 << 16


@dataclass(frozen=True)
class Result:
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
    peak_memory: int | None
    device_memory: int | None
    step: Sequence[float]
    network: Sequence[float]
    kernels: Sequence[float]

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


@dataclass(frozen=True)
class Report:
    """The results of a benchmark, and what they were taken on.

    Parameters
    ----------
    workload : int
        The version of the workload.
    quick : bool
        Whether it was measured with less effort.
    machine : Machine
        What it was measured on, and with.
    results : sequence of Result
        One for each case.
    """

    workload: int
    quick: bool
    machine: Machine
    results: Sequence[Result]


def write(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report as JSON: all of it or nothing.

    Raises
    ------
    BenchmarkError
        If the file cannot be written.
    """
    save(as_json({"kind": _KIND, "format": _FORMAT} | asdict(report)).encode(), path)


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
    fields = parse(content, name)
    if fields.text("kind") != _KIND:
        raise BenchmarkError(f"{name} is no result of `onnxdream bench`.")
    if fields.integer("format", 0, _LARGEST) != _FORMAT:
        raise BenchmarkError(f"{name} was written by another version of onnxdream: update both.")
    return Report(
        workload=fields.integer("workload", 0, _LARGEST),
        quick=fields.flag("quick"),
        machine=_machine_of(fields.object("machine")),
        results=[result_of(result) for result in fields.objects("results")],
    )


def as_json(content: Any) -> str:
    """Spell JSON so that a person can read it: lists of numbers are on one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return re.sub(
        r"\[\s+([-+.\deE,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text
    )


def result_of(fields: Fields) -> Result:
    """Read a result from a JSON object."""
    case = fields.object("case")
    return Result(
        case=Case(
            network=case.text("network"),
            layer=case.text("layer"),
            size=case.integer("size", 1, _LARGEST),
            provider=case.text("provider"),
            device=case.integer("device", 0, _LARGEST),
            lowering=case.text("lowering"),
            threads=case.integer("threads", 1, _MOST_THREADS),
            precision=case.text("precision"),
            graphs=case.flag("graphs"),
        ),
        peak_memory=fields.optional_integer("peak_memory", 0, _LARGEST),
        device_memory=fields.optional_integer("device_memory", 0, _LARGEST),
        step=fields.durations("step"),
        network=fields.durations("network"),
        kernels=fields.durations("kernels"),
    )


def _machine_of(fields: Fields) -> Machine:
    gpus = fields.objects("gpus")
    return Machine(
        cpu=fields.text("cpu"),
        cores=fields.integer("cores", 1, _MOST_THREADS),
        memory=fields.optional_integer("memory", 0, _LARGEST),
        gpus=tuple(Gpu(gpu.text("name"), gpu.text("driver"), gpu.text("memory")) for gpu in gpus),
        system=fields.text("system"),
        versions=fields.texts("versions"),
        kernels=fields.text("kernels"),
        operators=fields.text("operators"),
        date=fields.text("date"),
    )
