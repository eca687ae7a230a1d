"""The progress bar."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

    from ..progress import Progress
    from ..recipe import Recipe

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
    recipe : Recipe
        The recipe that is dreamed.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._growth = recipe.octave_scale**2
        self._asked = False
        self._bar: tqdm | None = None

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
                desc=octave,
                total=progress.steps * sum(self._growth**k for k in range(progress.octaves)),
                bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left",
            )
        if self._bar is not None:
            self._bar.set_description_str(octave, refresh=False)
            self._bar.update(self._growth ** (progress.octave - 1))
