"""The octave loop: a picture in, the detail that a dream adds to it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter

import numpy as np

from . import kernels
from .errors import DreamStoppedError
from .progress import Progress, Watch
from .recipe import Recipe
from .runtime import Stepper

__all__ = ["amplify"]


def amplify(
    original: np.ndarray,
    sizes: Sequence[tuple[int, int]],
    stepper: Stepper,
    recipe: Recipe,
    values: Mapping[str, np.ndarray],
    threads: int,
    watch: Watch,
) -> tuple[np.ndarray, DreamStoppedError | None]:
    """Climb from octave to octave, and carry the detail along.

    Parameters
    ----------
    original : ndarray of float32, shape (H, W, 3)
        RGB, 0 to 1.
    sizes : sequence of pairs of int
        The height and width of each octave, from small to large.
    stepper : Stepper
        What takes the steps.
    recipe : Recipe
        How many, and how far.
    values : mapping of str to ndarray
        The inputs of the step that stay the same.
    threads : int
        For the kernels.
    watch : Watch
        Is told of every step, and may stop the dream.

    Returns
    -------
    detail : ndarray of float32, shape (H, W, 3)
        What is to be added to the original.
    stopped : DreamStoppedError or None
        What the watch raised, if it did; the detail is what there was by then.
    """
    detail = np.zeros((1, 1, 3), np.float32)
    stopped = None
    for octave, (height, width) in enumerate(sizes, 1):
        base = _resized(original, height, width, recipe.resize, threads)
        detail = _resized(detail, height, width, recipe.resize, threads)
        with stepper.ascent(base + detail, values) as ascent:
            try:
                for step in range(1, recipe.steps + 1):
                    start = perf_counter()
                    loss = ascent.step(_shift(recipe, octave, step), recipe.step_size)
                    told = octave, len(sizes), step, recipe.steps, loss, height, width
                    taken = ascent.mean, perf_counter() - start, ascent.losses()
                    watch(Progress(*told, *taken, ascent.picture, base))
            except DreamStoppedError as error:
                stopped = error
            detail = ascent.picture() - base
        if stopped is not None:
            break
    return _resized(detail, original.shape[0], original.shape[1], recipe.resize, threads), stopped


def _shift(recipe: Recipe, octave: int, step: int, frame: int = 0) -> tuple[int, int]:
    """How far a step rolls the picture down and to the right.

    Its random numbers are its own, so that a dream can begin anywhere.
    """
    if not recipe.jitter:
        return 0, 0
    random = np.random.default_rng([recipe.seed, frame, octave, step])
    down, right = random.integers(-recipe.jitter, recipe.jitter + 1, 2).tolist()
    return down, right


def _resized(picture: np.ndarray, height: int, width: int, filter: str, threads: int) -> np.ndarray:
    if picture.shape[:2] == (height, width):
        return picture
    return kernels.resize(picture, height, width, filter, threads)
