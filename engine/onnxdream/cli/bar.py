"""The progress bar."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

    from ..progress import Progress

__all__ = ["Bar", "opened"]

log = logging.getLogger(__name__)


def opened(**settings: Any) -> tqdm | None:
    """Return a bar on standard error, or None, and a line in the log, if none can be shown.

    Parameters
    ----------
    **settings
        What tqdm takes.
    """
    try:
        # It reads its settings from the environment, and fails on what makes no sense.
        from tqdm import tqdm

        # A log wants fewer lines than a terminal.
        often = {} if sys.stderr.isatty() else {"mininterval": 1.0}
        return tqdm(file=sys.stderr, dynamic_ncols=True, **often, **settings)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        log.warning("No progress is shown; see TQDM_… in the environment. (%s)", error)
        return None


class Bar:
    """A bar on standard error that fills as fast in small octaves as in large ones.

    A step counts as much as its octave has pixels, so that the time left is
    about right from the first octave on.

    Parameters
    ----------
    growth : float
        How many times as many pixels an octave has as the one before.
    dreams : int
        How many dreams it goes over.
    """

    def __init__(self, growth: float, dreams: int = 1) -> None:
        self._growth = growth
        self._dreams = dreams
        self._begun = 0
        self._name = ""
        self._asked = False
        self._bar: tqdm | None = None

    def begin(self, name: str) -> None:
        """Say which picture is dreamed next; all before it count as done."""
        self._name = f"{name}, " if self._dreams > 1 else ""
        if self._bar is not None:
            self._bar.update(self._begun - self._bar.n)
        self._begun += 1

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Show how far a dream has come."""
        octave = f"octave {progress.octave}/{progress.octaves}, {progress.width}×{progress.height}"
        if not self._asked:
            self._asked = True
            self._bar = opened(
                desc=self._name + octave,
                total=self._dreams,
                bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left",
            )
        if self._bar is not None:
            everything = progress.steps * sum(self._growth**k for k in range(progress.octaves))
            self._bar.set_description_str(self._name + octave, refresh=False)
            share = self._growth ** (progress.octave - 1) / everything
            # Sums of shares may be a hair above the whole.
            self._bar.update(min(share, max(0.0, self._begun - self._bar.n)))
