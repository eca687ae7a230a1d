"""A worker as its watcher sees it: it answers, crashes or hangs, always about one case."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .target import Target

__all__ = ["Watched"]

_HOME = Path(__file__).resolve().parent.parent
_STARTS_WITHIN = 120.0
_MOST_CASES = 3000
"""A worker that ran so many gives way to a new one."""

_PAUSE = 0.25
_BUSY = 5
"""How many times as long as it may work a worker may wait."""


class Watched:
    """A worker that is started again whenever it is gone.

    Parameters
    ----------
    memory : int
        The limit on its address space in MiB, or 0 for none.
    patience : float
        How many times as long as the targets say a case may take.
    table : str
        The module that holds the table of targets.
    """

    def __init__(self, memory: int, patience: float = 1, table: str = "fuzz.targets") -> None:
        self._memory, self._patience, self._table = memory, patience, table
        self.targets: Mapping[str, Target] = import_module(table).TARGETS
        self._process: subprocess.Popen[bytes] | None = None
        self._cases = 0
        self._said: list[str] = []
        self._rest = b""
        self._home = Path(tempfile.mkdtemp(prefix="onnxdream-fuzz-"))
        self.folder = self._home / "case"

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()
        shutil.rmtree(self._home, ignore_errors=True)

    def run(self, **case: Any) -> dict[str, Any]:
        """Run a case, and return what came of it; ``content`` is that of its file, if any."""
        if self._process is None or self._cases >= _MOST_CASES:
            self._end()
            self._start()
        self._cases += 1
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        asked = case | {"folder": str(self.folder), "watched": self._memory > 0}
        assert self._process is not None
        assert self._process.stdin is not None
        seconds = self.targets[case["target"]].seconds * self._patience
        answer: bytes | None = None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._line(seconds)
        if answer:
            result: dict[str, Any] = json.loads(answer)
        elif answer is None:
            result = self._hung(seconds)
        else:
            result = self._crashed()
        content = self.folder / "content"
        if "kind" in result and content.exists():
            result["content"] = b64encode(content.read_bytes()).decode()
        return result

    def _start(self) -> None:
        self._cases, self._rest = 0, b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", str(self._memory), self._table],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._home,
            # A worker that is killed does not tidy up.
            env=os.environ | {"PYTHONPATH": _search_path(), "TMPDIR": str(self._home)},
            start_new_session=True,
        )
        first = self._line(_STARTS_WITHIN)
        if not first:
            raise RuntimeError("The worker does not start; see what it says above.")
        self._said = json.loads(first)["said"]

    def _line(self, seconds: float) -> bytes | None:
        """The next line; empty if the worker is gone, None if it works for too long."""
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        # A machine that is busy with something else makes nobody hang.
        worked, end = _worked(self._process.pid) + seconds, time.monotonic() + _BUSY * seconds
        while b"\n" not in self._rest:
            while not select.select([descriptor], [], [], _PAUSE)[0]:
                if _worked(self._process.pid) > worked or time.monotonic() > end:
                    return None
            more = os.read(descriptor, 1 << 20)
            if not more:
                return b""
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _hung(self, seconds: float) -> dict[str, Any]:
        assert self._process is not None
        # It prints where it is, if it can.
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        said = self._last_words()
        self._end()
        words = f"no answer after {seconds:g} seconds of work\n{said}"
        return {"kind": "hang", "said": words, "like": _first_frames(said)}

    def _crashed(self) -> dict[str, Any]:
        assert self._process is not None
        code = self._process.wait()
        said = self._last_words()
        self._end()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return {"kind": "crash", "said": f"{name}\n{said}", "like": f"{name} {_first_frames(said)}"}

    def _last_words(self) -> str:
        words = ""
        for path in self._said:
            with suppress(OSError):
                words += Path(path).read_text(errors="replace")
        return words[-6000:]

    def _end(self) -> None:
        if self._process is None:
            return
        # Its children, too: it leads a session of its own.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        for path in self._said:
            Path(path).unlink(missing_ok=True)
        self._process, self._said = None, []


def _worked(pid: int) -> float:
    """The seconds that a process has spent on processors."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _search_path() -> str:
    own = os.environ.get("PYTHONPATH")
    return os.pathsep.join(filter(None, [own, str(_HOME), str(_HOME / "operators")]))


def _first_frames(said: str) -> str:
    """The innermost lines of a traceback or a sanitizer's report, without their numbers."""
    lines = [line.strip() for line in said.splitlines()]
    named = [line for line in lines if "SUMMARY:" in line or "runtime error:" in line]
    frames = [
        line.split('"')[1].rpartition("/")[2] + line.rpartition(" in ")[2]
        for line in lines
        if line.startswith('File "') and line.count('"') >= 2
    ]
    return " < ".join(named[:1] or frames[:3])[:200]
