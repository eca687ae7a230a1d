"""The detail of a dream added to a picture: by strips, as strongly as was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from . import kernels
from .errors import RecipeError
from .images import Picture
from .images.picture import quantized, strips
from .recipe import Recipe

__all__ = ["Detail"]

_STRONGEST = 1000.0
"""The most by which a detail is multiplied to reach a difference."""

_NEAR = 1e-4
_MOST_TRIALS = 60


class Detail:
    """What a dream adds to a picture, and the picture that it is added to.

    Parameters
    ----------
    original : Picture
        The picture; where its alpha is 0, pixels neither move nor count.
    detail : ndarray of float32, shape (h, w, 3)
        Of any size; it is enlarged to that of the original.
    filter : str
        The filter that enlarges it.
    threads : int
        For the kernels.
    """

    def __init__(
        self,
        original: Picture,
        detail: np.ndarray,
        filter: str,
        threads: int,
    ) -> None:
        self._original = original
        self._detail = detail
        self._how = filter, threads

    def strength(self, recipe: Recipe) -> float:
        """By what the detail is multiplied.

        Raises
        ------
        RecipeError
            If nothing reaches the difference that the recipe asks for.
        """
        if recipe.target_rms is None:
            return recipe.strength
        return self._strength_of(recipe.target_rms)

    def added(self, strength: float) -> tuple[np.ndarray, float]:
        """The picture with the detail, in its own depth, and its `rms`."""
        samples = self._original.samples
        out = np.empty_like(samples, order="C")

        def keep(rows: slice, moved: np.ndarray) -> None:
            out[rows] = quantized(moved, samples.dtype)

        return out, self.rms(strength, keep)

    def rms(
        self, strength: float, keep: Callable[[slice, np.ndarray], None] | None = None
    ) -> float:
        """How far that is from the original, root mean square in 8-bit grey levels.

        It is that of the floats, before they are rounded to the picture's depth.
        """
        total = 0.0
        for rows, base, moved in self._strips(strength):
            total += float(np.sum(np.square(moved - base, dtype=np.float64)))
            if keep is not None:
                keep(rows, moved)
        count = self._original.height * self._original.width
        if self._original.alpha is not None:
            count = int(np.count_nonzero(self._original.alpha))
        return 255 * float(np.sqrt(total / (3 * count))) if count else 0.0

    def _strips(self, strength: float) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Rows of the original, and of what becomes of them."""
        original, alpha = self._original, self._original.alpha
        height, width = original.height, original.width
        filter, threads = self._how
        for rows in strips(height, width):
            strip = self._detail[rows]
            if self._detail.shape[:2] != (height, width):
                strip = kernels.resize(
                    self._detail, height, width, filter, threads, rows=(rows.start, rows.stop)
                )
            base = original.rows(rows.start, rows.stop)
            moved = strip * np.float32(strength)
            moved += base
            np.clip(moved, 0, 1, out=moved)
            if alpha is not None:
                still = alpha[rows] == 0
                moved[still] = base[still]
            yield rows, base, moved

    def _strength_of(self, target: float) -> float:
        """The strength that reaches a difference, between two that enclose it."""
        low, high, below, above = 0.0, 1.0, 0.0, self.rms(1.0)
        while above < target:
            if high >= _STRONGEST:
                raise RecipeError(
                    f"The dream cannot differ by {target:g} grey levels from the picture: "
                    f"{high:g} times as strong, it differs by {above:.4g}. Take more steps."
                )
            low, below, high = high, above, min(2 * high, _STRONGEST)
            above = self.rms(high)
        # The difference grows nearly in proportion, until colours are clipped.
        for trial in range(_MOST_TRIALS):
            share = (target - below) / (above - below) if trial % 4 < 3 else 0.5
            middle = low + (high - low) * share
            found = self.rms(middle)
            if abs(found - target) <= _NEAR * target:
                break
            if found < target:
                low, below = middle, found
            else:
                high, above = middle, found
        return middle
