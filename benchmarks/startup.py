"""What it costs to begin: imports, the program, the first dream, the disk.

Each command is a fresh process, all of them in turns::

    python benchmarks/startup.py --json FILE
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxdream.models
from packaging.requirements import Requirement
from PIL import Image

import onnxdream
from parts import main, median

SAMPLE = Path(__file__).parent.parent / "docs" / "samples" / "cat.jpg"
SIDE = 224
ROUNDS, QUICK_ROUNDS = 15, 3
DREAM_EVERY = 3
"""A dream takes longer than an import, and has its turn less often."""

IGNORED = {".c", ".h", ".pxd", ".pxi", ".pyc", ".pyx"}
"""What lies in a source tree, but is not installed."""


def measure(quick: bool) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        with Image.open(SAMPLE) as sample:
            sample.resize((SIDE, SIDE)).save(photo)
        program = [sys.executable, "-m", "onnxdream"]
        dream = [*program, "dream", str(photo), "-q", "-o", str(Path(folder) / "dream.png")]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "import numpy": [sys.executable, "-c", "import numpy"],
            "import onnxdream": [sys.executable, "-c", "import onnxdream"],
            "onnxdream --version": [*program, "--version"],
            f"onnxdream dream, {SIDE}×{SIDE}": dream,
        }
        samples = timed(commands, QUICK_ROUNDS if quick else ROUNDS)
    for name, seconds in samples.items():
        print(f"{name:28} {1e3 * median(seconds):7.0f} ms")
    sizes = dict(sorted(installed_sizes().items()))
    print(f"installed: {sum(sizes.values()) / 2**20:.0f} MiB, onnxdream[cpu] with", *sizes)
    return {"seconds": samples, "bytes": sizes}


def timed(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each command took, round after round."""
    samples: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            if "dream" in command and turn % DREAM_EVERY:
                continue
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            samples[name].append(round(time.perf_counter() - start, 4))
    return samples


def installed_sizes() -> dict[str, int]:
    """The bytes on disk of onnxdream[cpu] and of each package that it needs."""
    own = [Path(module.__file__).parent for module in (onnxdream, onnxdream.models)]
    files = {path for folder in own for path in folder.rglob("*") if path.suffix not in IGNORED}
    sizes = {"onnxdream": sum(path.stat().st_size for path in files if path.is_file())}
    for name in sorted(needed("onnxdream", {"cpu"}) - {"onnxdream"}):
        found = (Path(str(file.locate())) for file in distribution(name).files or [])
        sizes[name] = sum(
            file.stat().st_size for file in found if file.suffix not in IGNORED and file.is_file()
        )
    return sizes


def needed(name: str, extras: set[str]) -> set[str]:
    """A package and whatever it needs, as far as it is installed."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        found.add(name)
        waiting += [need for need in requirements(name, extras) if need[0] not in found]
    return found


def requirements(name: str, extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    """What a package needs on this machine."""
    for text in distribution(name).requires or []:
        need = Requirement(text)
        chosen = [need.marker is None or need.marker.evaluate({"extra": e}) for e in extras | {""}]
        if any(chosen) and is_installed(need.name):
            yield need.name.lower().replace("_", "-"), set(need.extras)


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main(measure, "pillow")
