"""The progress bar."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from ..progress import Progress
    from ..recipe import Recipe

__all__ = ["Bar"]


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
        if self._bar is None:
            self._bar = tqdm(
                desc=octave,
                total=progress.steps * sum(self._growth**k for k in range(progress.octaves)),
                bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed} elapsed, {remaining} left",
                file=sys.stderr,
                # A log wants fewer lines than a terminal.
                mininterval=0.1 if sys.stderr.isatty() else 1.0,
                dynamic_ncols=True,
            )
        self._bar.set_description_str(octave, refresh=False)
        self._bar.update(self._growth ** (progress.octave - 1))
