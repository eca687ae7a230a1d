"""What is told while a picture is dreamed, and how a dream is stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import numpy as np

from .errors import DreamStoppedError, DreamTimeoutError, RecipeError
from .ranges import number_within, said

__all__ = ["Cancel", "Progress", "Watch"]

_LONGEST = 1e9


@dataclass(frozen=True)
class Progress:
    """How far a dream has come: told after every step.

    Parameters
    ----------
    octave, octaves : int
        The octave under way, from 1 for the smallest, and how many there are.
    step, steps : int
        The step that was taken, from 1, and how many an octave has.
    loss : float
        The loss before the step.
    height, width : int
        The octave's size in pixels.
    mean : float
        mean |gradient| before it was normalized, d loss / d pixel.
    seconds : float
        How long the step took.
    losses : mapping of str to float
        Each layer's share of the loss.
    """

    octave: int
    octaves: int
    step: int
    steps: int
    loss: float
    height: int
    width: int
    mean: float
    seconds: float
    losses: Mapping[str, float]
    _picture: Callable[[], np.ndarray] = field(repr=False, compare=False)
    _base: np.ndarray = field(repr=False, compare=False)

    def picture(self) -> np.ndarray:
        """The picture as it is now, float32 (height, width, 3), RGB, 0 to 1."""
        return self._picture()

    def detail(self) -> np.ndarray:
        """What the dream has added so far, float32 (height, width, 3)."""
        added: np.ndarray = self._picture() - self._base
        return added

    def rms(self) -> float:
        """How far it is from the resized original, root mean square in 8-bit grey levels."""
        return 255 * float(np.sqrt(np.mean(np.square(self.detail(), dtype=np.float64))))


class Cancel(Protocol):
    """What says that a dream shall stop: a `threading.Event`, say."""

    def is_set(self) -> bool:
        """Whether it shall."""


class Watch:
    """Tells progress, and stops a dream that was cancelled or takes too long.

    Parameters
    ----------
    progress : callable, optional
        Called with a `Progress` after every step.
    cancel : Cancel, optional
        Looked at after every step.
    timeout : float, optional
        How many seconds the dream may take, from now.

    Raises
    ------
    RecipeError
        If one of them is something else.
    """

    def __init__(
        self,
        progress: Callable[[Progress], object] | None = None,
        cancel: Cancel | None = None,
        timeout: float | None = None,
    ) -> None:
        if not (progress is None or callable(progress)):
            raise RecipeError(f"progress must be callable, but is {said(progress)}.")
        if not (cancel is None or callable(getattr(cancel, "is_set", None))):
            raise RecipeError(f"cancel must have a method is_set, but is {said(cancel)}.")
        self._progress = progress
        self._cancel = cancel
        self._timeout = timeout
        self._deadline = None
        if timeout is not None:
            self._deadline = monotonic() + number_within("timeout in seconds", timeout, 0, _LONGEST)

    def __call__(self, progress: Progress) -> None:
        """Tell how far the dream has come, then see whether it goes on.

        Raises
        ------
        DreamStoppedError
            If it does not.
        """
        if self._progress is not None:
            self._progress(progress)
        if self._cancel is not None and self._cancel.is_set():
            raise DreamStoppedError("The dream was cancelled.")
        if self._deadline is not None and monotonic() > self._deadline:
            raise DreamTimeoutError(f"The dream took longer than {self._timeout:g} seconds.")
