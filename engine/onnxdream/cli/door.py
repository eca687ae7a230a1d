"""Where the program meets the process: its standard streams, and the signals that stop it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, TextIO, cast

__all__ = ["abandon", "attended", "say"]

_DEFAULTS = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL}
_DEFAULTS |= {"SIGHUP": signal.SIG_DFL} if hasattr(signal, "SIGHUP") else {}
"""The signals that stop a run, and what is done about them where nobody has said otherwise:
whoever is deaf to one, by nohup say, stays so."""


_LATER = 0.05
"""After how many seconds a signal comes again that came at a bad moment."""


class _Stopped(KeyboardInterrupt):
    """A signal came."""


class _Spoken:
    """Standard error, as far as there is one: what cannot be said stops nothing.

    Parameters
    ----------
    stream : file or None
        The stream, which may be closed, or full, or go away.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or do not."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do not."""
        self._try("flush")

    def isatty(self) -> bool:
        """Whether somebody looks on."""
        return bool(self._try("isatty"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, name: str, *arguments: str) -> object:
        if self._stream is None:
            return None
        try:
            return getattr(self._stream, name)(*arguments)
        # A closed stream raises a ValueError.
        except (OSError, ValueError):
            abandon(self._stream)
            self._stream = None
            return None


def attended(program: Callable[[], int]) -> int:
    """Run a program where signals stop it, and where it can always say something.

    Parameters
    ----------
    program : callable
        It returns its exit code.

    Returns
    -------
    int
        That code, or 128 and the number of the signal that stopped it.
    """
    with _standard_error(), _signals() as came:
        try:
            return program()
        # What a signal interrupts may turn it into anything: an extension that is
        # being initialized makes it an ImportError.
        except BaseException:
            if not came:
                raise
            with suppress(KeyboardInterrupt):
                say("stopped")
            return 128 + came[0]


def say(message: str) -> None:
    """Say something in one line on standard error."""
    print("onnxdream:", " ".join(message.split()), file=sys.stderr)


def abandon(stream: TextIO | None) -> None:
    """Keep the interpreter from flushing at its end what nobody takes."""
    own = (sys.__stdout__, sys.__stderr__)
    with suppress(OSError, ValueError):
        for each in own:
            if each is not None and each is stream:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, each.fileno())
                os.close(nowhere)


@contextmanager
def _standard_error() -> Iterator[None]:
    # A file that is opened gets the lowest free number, and what a library prints
    # on a standard stream that was closed would be written into it.
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(nowhere)
    before, spoken = sys.stderr, _Spoken(sys.stderr)
    sys.stderr = cast(TextIO, spoken)
    try:
        yield
        spoken.flush()
    finally:
        sys.stderr = before


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Raise what a Ctrl-C raises for each signal that stops a run; collect their numbers."""
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if _imports(frame):
            # An extension that is being initialized may take an exception for its end.
            again = threading.Timer(_LATER, os.kill, (os.getpid(), number))
            # The interpreter's end does not wait for it.
            again.daemon = True
            again.start()
            return
        came.append(number)
        raise _Stopped

    with ExitStack() as after:
        if threading.current_thread() is threading.main_thread():
            for name, default in _DEFAULTS.items():
                number = getattr(signal, name)
                if signal.getsignal(number) == default:
                    after.callback(signal.signal, number, default)
                    signal.signal(number, stop)
        yield came
