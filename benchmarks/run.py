"""Run every part of the benchmark, and write the tables that the README shows.

::

    python benchmarks/run.py --name cpu            # about ten minutes on two cores
    python benchmarks/run.py --name try --quick    # only to see that everything runs

Each part is a process of its own, and leaves a JSON file in the run's folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path

from parts import lowerings
from tables import RESULTS

HOME = Path(__file__).resolve().parent

BUSY = 0.5
"""With more than this waiting for the processor beforehand, figures are worth little."""

SCRIPTS = {
    "kernels": "kernel_times",
    "startup": "startup",
    "memory": "peak_memory",
    "floor": "floor",
    "gradient": "against_torch",
}


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("--name", default="cpu", help="of the folder in benchmarks/results/")
    parser.add_argument("--quick", action="store_true", help="less of everything; not for quoting")
    options = parser.parse_args()
    if find_spec("torch") is None:
        sys.exit("PyTorch is not installed. Say make bench, or pip install torch==2.13.0.")
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY:
        print("This machine is busy with something else: the figures will be off.")
    folder = RESULTS / options.name
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for name, command in commands().items():
        print(f"--- {name}", flush=True)
        effort = ["--quick"] if options.quick else []
        subprocess.run([*command, *effort, "--json", folder / f"{name}.json"], check=True)
    print(f"--- {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
    # What is not for quoting stays out of the README.
    show = ["--print"] if options.quick else []
    subprocess.run([sys.executable, HOME / "tables.py", *show], check=True)


def commands() -> dict[str, list[str | Path]]:
    """What measures each part."""
    found: dict[str, list[str | Path]] = {
        name: [sys.executable, HOME / f"{script}.py"] for name, script in SCRIPTS.items()
    }
    spelled = ["--lowering", ",".join(lowerings())]
    found["bench"] = [sys.executable, "-m", "onnxdream", "bench", "--provider", "cpu", *spelled]
    return found


if __name__ == "__main__":
    main()
