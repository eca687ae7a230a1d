"""The kernels against their NumPy twins and other libraries; see `test_kernels`.

pytest-benchmark's own file says whose machine it is; this keeps the figures only::

    python benchmarks/kernel_times.py --json FILE
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from parts import main

SUITE = Path(__file__).with_name("test_kernels.py")
PACKAGES = {"cv2": "opencv-python-headless", "scipy": "scipy"}

NAMES = {
    "numpy": "NumPy twin",
    "compiled": "onnxdream, 1 thread",
    "compiled-threads": "onnxdream, 2 threads",
    "pillow": "Pillow",
    "opencv": "OpenCV",
    "scipy": "SciPy",
}


def measure(quick: bool) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kernels.json"
        command = [sys.executable, "-m", "pytest", str(SUITE), f"--benchmark-json={file}", "-q"]
        if quick:
            command += ["--benchmark-max-time=0.02", "--benchmark-min-rounds=2"]
        subprocess.run(command, check=True)
        benchmarks = json.loads(file.read_text())["benchmarks"]
    kernels: dict[str, dict[str, dict[str, float]]] = {}
    for one in benchmarks:
        stats = {key: round(one["stats"][key], 7) for key in ("median", "q1", "q3", "rounds")}
        kernels.setdefault(one["group"], {})[contender(one["name"])] = stats
    return {"kernels": dict(sorted(kernels.items()))}


def contender(test: str) -> str:
    """Who ran in a test, by its name."""
    found = re.search(r"_by_(\w+)|\[(compiled-threads|compiled|numpy)", test)
    if found is None:
        sys.exit(f"{test} does not say who runs in it.")
    return NAMES[found[1] or found[2]]


if __name__ == "__main__":
    main(measure, "pillow", *(name for module, name in PACKAGES.items() if find_spec(module)))
