"""What the parts of the benchmark share: a command line, and a file of results."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np

from onnxdream.bench import fingerprint
from onnxdream.bench.files import save
from onnxdream.bench.report import as_json
from onnxdream.runtime import accelerated_lowering

__all__ = ["THREADS", "lowerings", "machine", "main", "median"]

THREADS = 2
"""On how many threads every side runs."""


def main(measure: Callable[[bool], dict[str, Any]], *packages: str) -> None:
    """Run one part of the benchmark from the command line.

    Parameters
    ----------
    measure : callable
        Told whether to be quick, it prints what it finds and returns it.
    *packages : str
        Of what, beside what onnxdream itself needs, to note the version.
    """
    parser = ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="less of everything; not for quoting")
    parser.add_argument("--json", metavar="FILE", help="where every sample is written")
    options = parser.parse_args()
    content = {"quick": options.quick, "machine": machine(*packages), **measure(options.quick)}
    if options.json:
        save(as_json(content).encode(), options.json)


def machine(*packages: str) -> dict[str, Any]:
    """What figures depend on."""
    found: dict[str, Any] = msgspec.to_builtins(fingerprint())
    found["versions"] |= {package: version(package) for package in packages}
    return found


def lowerings() -> list[str]:
    """The lowerings that work here."""
    return ["portable"] if accelerated_lowering() is None else ["accelerated", "portable"]


def median(samples: list[float]) -> float:
    return float(np.median(samples))
