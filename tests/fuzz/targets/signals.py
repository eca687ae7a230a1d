"""The program, shot at a random moment: what it writes is whole, or was never touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

import small_networks

from ..target import BrokenError, Outcome, Plan, Target

__all__ = ["TARGET"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL", "SIGINT", "SIGTERM")
_ENDED = {
    "SIGINT": {0, 130, -signal.SIGINT},
    "SIGTERM": {0, 143, -signal.SIGTERM},
    "SIGHUP": {0, 129, -signal.SIGHUP},
    "SIGKILL": {0, -signal.SIGKILL},
}
"""How the program may end: it may have been done already. A shell adds 128 to a signal."""

_LEFT = ".onnxdream-"
_UNSTARTED = {"SIGINT": {-signal.SIGINT, 1}}
"""And before the first line of our own ran, as the interpreter ends."""


def plan(random: Random) -> Plan:
    return {
        "signal": random.choice(_SIGNALS),
        # As parts of the time that a whole run takes; or as soon as it writes.
        "at": random.choice((random.uniform(0, 1.05), random.uniform(0.5, 1.02))),
        "writing": random.random() < 0.4,
        "again": random.random() < 0.15,
        "output": random.choice(("new", "old", "old")),
        "steps": random.choice((1, 3, 40)),
        "suffix": random.choice((".png", ".jpg", ".tif")),
    }


@cache
def _inputs() -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="onnxdream-fuzz-inputs-")
    folder = Path(made.name)
    pixels = np.random.default_rng(0).integers(0, 256, (260, 340, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    small_networks.save(small_networks.convnet(), folder / "small.onnx")
    return made


def _command(output: Path, steps: int) -> list[str]:
    inputs = Path(_inputs().name)
    line = [
        sys.executable,
        "-m",
        "onnxdream",
        "dream",
        str(inputs / "photo.png"),
        "-o",
        str(output),
    ]
    line += ["--network", str(inputs / "small.onnx"), "--layer", "second", "--channels", "RGB"]
    return [*line, "--octaves", "2", "--steps", str(steps), "--threads", "1"]


def _start(output: Path, steps: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        _command(output, steps),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # As a shell in front of a person starts it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@cache
def _whole(steps: int, suffix: str) -> tuple[float, bytes]:
    """How long a run takes that nobody disturbs, and what it writes."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / f"out{suffix}"
        began = time.perf_counter()
        with _start(output, steps) as process:
            said = process.communicate()[1]
        if process.returncode:
            raise BrokenError(
                "promise", f"undisturbed, it ends with {process.returncode}: {said!r}"
            )
        return time.perf_counter() - began, output.read_bytes()


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    steps, suffix, name = plan["steps"], plan["suffix"], plan["signal"]
    seconds, new = _whole(steps, suffix)
    output, old = folder / f"out{suffix}", b"the old file"
    if plan["output"] == "old":
        output.write_bytes(old)
    with _start(output, steps) as process:
        if plan["writing"]:
            _await_writing(process, folder)
        else:
            time.sleep(plan["at"] * seconds)
        process.send_signal(signal.Signals[name])
        if plan["again"]:
            time.sleep(0.02)
            process.send_signal(signal.Signals[name])
        said = process.communicate(timeout=40)[1]
    code = process.returncode
    present = output.read_bytes() if output.exists() else None
    if present not in (new, old if plan["output"] == "old" else None):
        raise BrokenError("promise", f"{name}: the output is neither the old file nor the new one")
    left = [path.name for path in folder.iterdir() if path.name != output.name]
    if left and name != "SIGKILL":
        raise BrokenError("promise", f"{name} leaves an unfinished file")
    if left:
        _check_next_write(output, steps)
    spoken = b"onnxdream: " in said or b"octave" in said
    allowed = _ENDED[name] | (set() if spoken else _UNSTARTED.get(name, set()))
    if code not in allowed:
        raise BrokenError("promise", f"{name} ends it with {code}: {said[-500:]!r}")
    if b"Traceback" in said and spoken:
        raise BrokenError("promise", f"{name}: {said[-1500:].decode(errors='replace')}")
    if code == 0 and present != new:
        raise BrokenError("promise", f"{name}: it says that all is done, and nothing is written")
    return Outcome(f"{name}: {'the new file' if present == new else 'as it was'}")


def _await_writing(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until an unfinished file is there, or the program is done."""
    while process.poll() is None:
        if any(name.startswith(_LEFT) for name in os.listdir(folder)):  # noqa: PTH208 - quickly
            return


def _check_next_write(output: Path, steps: int) -> None:
    """What a killed process left is gone after the next one has written."""
    with _start(output, steps) as process:
        process.communicate()
    left = [path.name for path in output.parent.iterdir() if path.name.startswith(_LEFT)]
    if left:
        raise BrokenError("promise", "what SIGKILL left is there after the next dream, too")


TARGET = Target("the program, shot at a random moment", plan, attack, seconds=120)
