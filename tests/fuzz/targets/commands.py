"""Random command lines of the program's own options, on a tiny picture and a small network."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

import small_networks
from onnxdream import images
from onnxdream.cli import main
from onnxdream.cli.program import build_parser, completed

from ..target import BrokenError, Outcome, Plan, Target

__all__ = ["TARGET", "save_inputs"]

_CODES = (0, 1, 2)
_WORDS = (
    "",
    "x",
    "-",
    "--",
    "-1",
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "nan",
    "inf",
    "1e400",
    "99999999999999999999",
)
_NUMBERS = {
    # What asks for much work is left to those who have time.
    "steps": ("0", "1", "2", "-1", "100001", "x"),
    "octaves": ("0", "1", "2", "65", "64", "-1"),
    "threads": ("0", "1", "2", "1025", "-1", "x"),
    "sizes": ("0", "-1", "x", "", "1,"),
    "size": ("16", "20", "full", "-1", "x"),
    "seeds": ("0", "0-1", "1,2", "2-1", "x", ""),
    "save_every": ("1", "2", "0", "x"),
    "timeout": ("0", "0.001", "100", "-1", "x"),
    "side": ("10", "64", "0", "x"),
    "log": ("log.csv", "log.jsonl", "log.txt", "no/log.csv", "folder", ""),
    "stages": ("stages.png", "stages.xyz", "no/stages.png", "folder", ""),
    "recipe": ("recipe.toml", "photo.png", "broken.png", "absent.toml", "folder", ""),
    "vary": ("steps=1,2", "preset=eyes,hints", "steps=x", "octavs=1", "seed=1,1", "blur", ""),
    "memory": ("1MB", "4GB", "x", "0"),
}
_FILES = (
    "photo.png",
    "photo.jpg",
    "broken.png",
    "absent.png",
    "small.onnx",
    "folder",
    "report.json",
    "-",
    "",
)
_TARGETS = (
    "out.png",
    "out.jpg",
    "out.webp",
    "out.tif",
    "out.xyz",
    "out",
    "folder",
    "no/out.png",
    "-",
    "",
)
_LISTS = (
    "0,0,0",
    "1,1,1",
    "0.5,0.4,0.3",
    "1,2",
    "0,0,0,0",
    "a,b,c",
    "0,255",
    "255,0",
    "nan,0,1",
    "0,0,0.0001",
)


def plan(random: Random) -> Plan:
    commands = _commands()
    name = random.choice(("dream", "dream", "dream", *commands))
    line = [name]
    for action in commands[name]:
        line += _spelled(action, random, name)
    if name == "bench":
        # Measuring takes a minute: it is compared here, or refused.
        line += random.choice(
            (["--compare", "report.json"], ["--sizes", "x"], ["--networks", "none"])
        )
    if name in ("dream", "sweep") and random.random() < 0.9:
        line += ["--network", "small.onnx", "--steps", "1", "--octaves", random.choice("12")]
        line += ["--layer", "second"] if random.random() < 0.7 else []
    if random.random() < 0.1:
        line.insert(
            random.randint(0, len(line)),
            random.choice((*_WORDS, "--nothing", "--help", "--version")),
        )
    return {"line": line, "input": random.choice(("photo.png", "broken.png", "nothing"))}


@cache
def _commands() -> dict[str, list[Action]]:
    """The options of every command, as its parser knows them."""
    [commands] = [a for a in build_parser()._actions if isinstance(a, _SubParsersAction)]
    parsers: dict[str, ArgumentParser] = dict(commands.choices)
    return {name: parser._actions for name, parser in parsers.items()}


def _spelled(action: Action, random: Random, command: str) -> list[str]:
    """An option with a value, or nothing."""
    if not action.option_strings:
        return [] if random.random() < 0.03 else [random.choice((_FILES[0], *_FILES))]
    if action.dest in ("help", "version") or random.random() > (
        0.9 if action.dest == "quiet" else 0.12
    ):
        return []
    option = random.choice(action.option_strings)
    if action.nargs == 0:
        return [option]
    value = _value(action, random)
    if option.startswith("--") and random.random() < 0.4:
        return [f"{option}={value}"]
    return [option, value]


def _value(action: Action, random: Random) -> str:
    if action.dest in _NUMBERS:
        return random.choice(_NUMBERS[action.dest])
    if action.choices and random.random() < 0.8:
        return str(random.choice(list(action.choices)))
    match action.dest:
        case "output" | "json" | "plot":
            return random.choice(_TARGETS)
        case "network" | "networks":
            return random.choice(("small.onnx", "small.onnx", "squeezenet", "squeezenett", *_FILES))
        case "layers":
            return random.choice(
                ("second", "first=2", "@1", "@9", "second=nan", "=", "second=-1", "a=b=c")
            )
        case "mean" | "std" | "value_range":
            return random.choice(_LISTS)
        case "compare":
            return random.choice(("report.json", "broken.png", "absent.json", "folder"))
        case "provider" | "lowering" | "precision" | "cuda_graphs":
            words = (
                "auto",
                "cpu",
                "cuda",
                "portable",
                "accelerated",
                "fp32",
                "fp16",
                "tf32",
                "on",
                "x",
            )
            return random.choice(words)
        case "jitter":
            return random.choice((*_WORDS, "100000"))
    return random.choice(_WORDS)


def save_inputs(folder: Path) -> None:
    """The files that command lines name."""
    image = Image.fromarray(np.uint8(np.random.default_rng(0).integers(0, 256, (21, 26, 3))))
    image.save(folder / "photo.png")
    image.save(folder / "photo.jpg")
    (folder / "broken.png").write_bytes((folder / "photo.png").read_bytes()[:300])
    (folder / "folder").mkdir()
    (folder / "recipe.toml").write_text("steps = 1\noctaves = 2\n")
    (folder / "report.json").write_bytes(_report())
    small_networks.save(small_networks.convnet(), folder / "small.onnx")


@cache
def _report() -> bytes:
    from .reports import build

    return build({"values": [], "damage": []})


@cache
def _inputs() -> TemporaryDirectory[str]:
    made = TemporaryDirectory(prefix="onnxdream-fuzz-inputs-")
    save_inputs(Path(made.name))
    return made


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    shutil.copytree(_inputs().name, folder, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    line = plan["line"]
    with (
        _inside(folder),
        _streams(before.get(folder / plan["input"], b"")) as (out, err),
        _log() as log,
    ):
        code = main(line)
    said = err.getvalue()
    if code not in _CODES or isinstance(code, bool):
        raise BrokenError("promise", f"exit code {code!r}")
    if "Traceback" in said or "Warning" in said:
        raise BrokenError("promise", f"standard error has {said}")
    own = [part for part in said.replace("\r", "\n").split("\n") if part.startswith("onnxdream: ")]
    errors = len(own) - log.count
    several = any(part.startswith(_SEVERAL) for part in line) or _photos(line) > 1
    if code != 2 and (errors < code if several else errors != code):
        raise BrokenError("promise", f"exit code {code}, and {errors} lines say why: {said}")
    if code and not said.endswith("\n"):
        raise BrokenError("promise", f"the last line does not end: {said}")
    _check_files(code, before, folder, several)
    if code == 0 and out.getvalue().startswith(b"\x89PNG"):
        images.read(out.getvalue())
    return Outcome(f"exit code {code}")


_SEVERAL = (
    "sweep",
    "replay",
    "--seeds",
    "--log",
    "--stages",
    "--save-every",
    "--keep-partial",
    "folder",
)
"""What makes a command write several files, some of which stay where another fails."""


def _photos(line: list[str]) -> int:
    """How many pictures a command line names."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
        parser = build_parser()
        return len(getattr(parser.parse_args(completed(parser, line)), "photos", ()))
    return 0


def _check_files(code: int, before: dict[Path, bytes], folder: Path, several: bool) -> None:
    """What there was is as it was, or a whole new file; nothing half done is left."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        if path.name.startswith("."):
            raise BrokenError("promise", f"{path.name} is left behind")
        changed = path.read_bytes() != before.get(path)
        if changed and code != 0 and not several:
            raise BrokenError("promise", f"exit code {code}, but {path.name} was written")
        if changed and path.suffix not in (".json", ".svg", ".csv", ".jsonl"):
            images.read(path)
    if gone := [path.name for path in before if not path.exists()]:
        raise BrokenError("promise", f"{gone[0]} is gone")


class _Count(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


@contextmanager
def _log() -> Iterator[_Count]:
    log, counter = logging.getLogger("onnxdream"), _Count()
    counter.setLevel(logging.NOTSET)
    log.addHandler(counter)
    try:
        yield counter
    finally:
        log.removeHandler(counter)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _streams(given: bytes) -> Iterator[tuple[io.BytesIO, io.StringIO]]:
    """Standard streams of this case alone: what was printed, and what was said."""
    kept = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(given))
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = err
    try:
        yield out, err
    finally:
        # What wrapped them closes them otherwise, as it is forgotten.
        sys.stdout.flush()
        sys.stdout.detach()
        sys.stdin, sys.stdout, sys.stderr = kept


TARGET = Target("random command lines", plan, attack)
