"""Check a wheel and the clean environment that it was installed in.

Run with that environment's Python, in a folder that holds ``photo.jpg``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions, requires
from pathlib import Path
from zipfile import ZipFile

# What a new virtual environment has before anything is installed.
BUNDLED = {"pip", "setuptools"}

MODULES = {
    "cython": "Cython",
    "pillow-heif": "pillow_heif",
    "pytest-benchmark": "pytest_benchmark",
}


def main() -> None:
    """Exit with every complaint, or say that there is none."""
    complaints = [*contents(Path(sys.argv[1])), *installed(), *loaded()]
    sys.exit("\n".join(complaints) if complaints else None)


def contents(wheel: Path) -> Iterator[str]:
    """Yield what is wrong inside a wheel."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in names:
            if name.endswith(".so") and b".symtab\0" in archive.read(name):
                yield f"{name} is not stripped"
            if name.endswith((".c", ".pyx", ".pxd", ".pxi")):
                yield f"{name} is a source of the extension"
    for suffix in ("py.typed", ".pyi", ".so", ".onnx", ".LICENSE", "cli/__init__.py"):
        if not any(name.endswith(suffix) for name in names):
            yield f"{wheel.name} holds no {suffix}"


def extras() -> set[str]:
    """Return the packages that only another extra than ``cpu`` brings."""
    wanted = [line for line in requires("onnxdream") or () if 'extra == "cpu"' not in line]
    return {re.split(r"[^\w-]", line)[0].lower() for line in wanted if "extra ==" in line}


def installed() -> Iterator[str]:
    """Yield what is installed that nobody asked for."""
    found = {distribution.name.lower() for distribution in distributions()}
    for name in sorted(found & extras() - BUNDLED):
        yield f"{name} is installed"


def loaded() -> Iterator[str]:
    """Dream, and yield what was loaded that has no part in it."""
    from onnxdream.cli import main as onnxdream
    from onnxdream.kernels import IMPLEMENTATION

    if IMPLEMENTATION != "compiled":
        yield "the kernels are not compiled"
    if onnxdream(["dream", "photo.jpg", "--quiet", "--force", "--octaves", "1", "--steps", "1"]):
        yield "it cannot dream"
    for name in sorted(extras()):
        if MODULES.get(name, name) in sys.modules:
            yield f"{name} is loaded"


main()
