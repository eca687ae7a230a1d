"""The watched process: it runs one case after the other, and says what came of each.

It reads a line of JSON for a case and writes a line for its result. Its own standard output
and error are files, which a case has to leave empty.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import re
import resource
import sys
import time
import traceback
import warnings
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from onnxdream import OnnxdreamError

from .target import MIB, BrokenError, Target, random_of

__all__ = ["main", "result_of"]

_LIBRARY = "onnxdream"
_MOST_WORDS = 4000
_OF_THIS_CASE = re.compile(r"0x[0-9a-f]+|-?\d+(\.\d+)?|'[^']*'|\"[^\"]*\"|/\S+/|\[[^]]*\]")
"""Numbers, names and paths: findings that differ in them only are alike."""


def main() -> None:
    """Answer until standard input ends.

    The arguments are the limit on address space in MiB, and the module of the table of targets.
    """
    limit, targets = int(sys.argv[1]), import_module(sys.argv[2]).TARGETS
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit * MIB, limit * MIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    questions = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with Printed(1) as out, Printed(2) as err:
        # The traceback of a crash is read from there by whoever watches.
        print(json.dumps({"said": [out.path, err.path]}), file=answers, flush=True)
        faulthandler.enable(all_threads=False)
        logging.getLogger().addHandler(logging.StreamHandler(StringIO()))
        for line in questions:
            asked = json.loads(line)
            target = targets[asked["target"]]
            result = result_of(target, asked, lambda: out.taken() + err.taken())
            print(json.dumps(result), file=answers, flush=True)


def result_of(target: Target, asked: dict[str, Any], printed: Callable[[], str]) -> dict[str, Any]:
    """Run a case, and return what came of it as JSON spells it.

    Parameters
    ----------
    target : Target
        What is attacked.
    asked : dict
        The case: its ``target``, and ``seed`` and ``number`` or the ``plan`` itself with
        the ``content`` of its file, if any; and an empty ``folder``.
    printed : callable
        Returns what was printed since the last time.
    """
    plan = asked.get("plan") or target.plan(
        random_of(asked["target"], asked["seed"], asked["number"])
    )
    folder = Path(asked["folder"])
    found: dict[str, Any] = {"plan": plan}
    content = b""
    if target.build is not None:
        with warnings.catch_warnings(action="ignore"):
            content = b64decode(asked["content"]) if "content" in asked else target.build(plan)
        # Where whoever watches finds it, if this is the end.
        (folder / "content").write_bytes(content)
    printed()
    began, before = time.perf_counter(), memory_now()
    forget_peak()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        allowance = 0
        try:
            outcome = target.attack(plan, folder, content)
            found["outcome"], allowance = outcome.label, outcome.allowance
        except OnnxdreamError as error:
            found["outcome"] = f"refused: {type(error).__name__}"
        except BrokenError as error:
            found |= finding(error.kind, str(error), str(error))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
            said = "".join(traceback.format_exception(error))
            found |= finding("foreign", said, f"{type(error).__name__} in {place_of(error)}")
    taken = memory_peak() - before
    found |= {"seconds": round(time.perf_counter() - began, 4), "memory": taken}
    said = printed()
    if "kind" in found:
        return found
    if said:
        # A library in C says what it finds wrong at many places: one of them is enough.
        found |= finding("printed", said, said.partition(":")[0])
    elif warned:
        words = "\n".join(str(w) for w in warned)
        found |= finding("warning", words, f"{warned[0].category.__name__}: {warned[0].message}")
    elif taken > target.memory + allowance and asked.get("watched", True):
        words = f"took {taken >> 20} MiB, and {target.memory + allowance >> 20} are allowed"
        found |= finding("memory", words, "")
    return found


def finding(kind: str, said: str, like: str) -> dict[str, str]:
    """A finding; those that are alike are one."""
    said = said.encode("utf-8", "backslashreplace").decode()
    alike = " ".join(_OF_THIS_CASE.sub("…", like).split())
    return {"kind": kind, "said": said[-_MOST_WORDS:], "like": alike[:100]}


def place_of(error: BaseException) -> str:
    """The innermost place of the library that an error passed through, or of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"/{_LIBRARY}/" in frame.filename]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.name}"


class Printed:
    """A file in the place of one of the process's standard streams."""

    def __init__(self, descriptor: int) -> None:
        self.path = f"{gettempdir()}/onnxdream-fuzz-{os.getpid()}-{descriptor}"
        self._descriptor = descriptor

    def __enter__(self) -> Printed:
        self._file = open(self.path, "w+b", buffering=0)  # noqa: PTH123
        os.dup2(self._file.fileno(), self._descriptor)
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(FileNotFoundError):
            Path(self.path).unlink()

    def taken(self) -> str:
        """What was printed since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._file.seek(0)
        words = self._file.read().decode("utf-8", "replace")
        self._file.seek(0)
        self._file.truncate()
        return words


def memory_now() -> int:
    return _status("VmRSS")


def memory_peak() -> int:
    return _status("VmHWM")


def forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    main()
