"""The machine that a benchmark runs on, and what it runs with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from .. import __version__, operators
from ..kernels import IMPLEMENTATION
from ..runtime import backend_version, usable_cores
from .gpu import query
from .reading import MOST_RECORDS, Line, Natural, Threads

__all__ = ["Gpu", "Hardware", "fingerprint"]


class Gpu(Struct, frozen=True):
    """A graphics processor.

    Parameters
    ----------
    name : str
        Its model.
    driver : str
        The version of its driver.
    memory : str
        How much memory it has, in MiB.
    """

    name: Line
    driver: Line
    memory: Line


class Hardware(Struct, frozen=True):
    """What figures depend on; nothing of it says whose machine it is.

    Parameters
    ----------
    cpu : str
        The model of the processor.
    cores : int
        The cores that this process may use.
    memory : int or None
        The physical memory in bytes; None on systems that do not say.
    gpus : tuple of Gpu
        The graphics processors, as far as ``nvidia-smi`` knows them.
    system : str
        The operating system, its release and its architecture.
    versions : dict of str to str
        Of what takes part.
    kernels : str
        Which kernels run: ``"compiled"`` or ``"numpy"``.
    operators : str
        Which variant of the compiled operators runs, or ``"none"``.
    date : str
        The day, in UTC.
    """

    cpu: Line
    cores: Threads
    memory: Natural | None
    gpus: Annotated[tuple[Gpu, ...], Meta(max_length=MOST_RECORDS)]
    system: Line
    versions: Annotated[dict[Line, Line], Meta(max_length=MOST_RECORDS)]
    kernels: Line
    operators: Line
    date: Line


def fingerprint() -> Hardware:
    """Describe this machine.

    Raises
    ------
    BackendNotFoundError
        If ONNX Runtime is not installed.
    """
    return Hardware(
        cpu=_cpu(),
        cores=usable_cores(),
        memory=_memory(),
        gpus=tuple(Gpu(*found) for found in query("name,driver_version,memory.total")),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={
            "onnxdream": __version__,
            "python": platform.python_version(),
            "numpy": _version("numpy"),
            "onnx": _version("onnx"),
            "onnxruntime": backend_version(),
        },
        kernels=IMPLEMENTATION,
        operators=operators.VARIANT or "none",
        date=datetime.now(UTC).date().isoformat(),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _cpu() -> str:
    """The model of the processor, as its system names it."""
    try:
        if sys.platform == "linux":
            found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)
            name = found[1] if found else ""
        elif sys.platform == "darwin":
            asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        else:
            name = ""
    except (OSError, subprocess.SubprocessError):
        name = ""
    return " ".join(name.split()) or platform.processor() or platform.machine()


def _memory() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
