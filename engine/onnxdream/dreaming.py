"""One dream: at its working size, then added to the picture."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from . import kernels
from .demand import Demand, check_memory, spelled
from .detail import Detail
from .images import Picture
from .loaded import Loaded
from .objectives import weight_input
from .octaves import octave_count, octave_sizes, reflected, working_size
from .progress import Watch
from .pyramid import amplify
from .recipe import Recipe
from .runtime import usable_memory
from .step import parts_of, values_of

__all__ = ["Resolved", "dreamt"]

_ENCODING = 4
"""What Pillow takes for each pixel of a picture that it encodes, in bytes."""

log = logging.getLogger(__name__)


class Resolved(NamedTuple):
    """What of a recipe was only known when it was dreamed.

    Parameters
    ----------
    layers : mapping of str to float
        The tensors that were amplified, each with its weight.
    octaves : list of pairs of int
        The height and width of each octave, from small to large.
    strength : float
        By what the detail was multiplied.
    rms : float
        How far the dream is from the picture, root mean square in 8-bit grey levels.
    """

    layers: Mapping[str, float]
    octaves: list[tuple[int, int]]
    strength: float
    rms: float


def dreamt(
    loaded: Loaded, layers: Mapping[str, float], original: Picture, recipe: Recipe, watch: Watch
) -> tuple[np.ndarray, Resolved]:
    """Dream a picture.

    Parameters
    ----------
    loaded : Loaded
        The network, on its machine.
    layers : mapping of str to float
        The tensors to amplify, each with its weight.
    original : Picture
        The picture.
    recipe : Recipe
        All settings.
    watch : Watch
        Is told of every step, and may stop the dream.

    Returns
    -------
    samples : ndarray
        Of the picture's own size and depth.
    resolved : Resolved
        What was only known now.

    Raises
    ------
    OutOfMemoryError
        If it would not fit, before anything is done for it.
    DreamStoppedError
        If the watch stopped it; `partial` is the samples with the detail so far.
    """
    least = loaded.network.least_size(list(layers))
    _check_memory(loaded, layers, original, recipe, least)
    working, crop = reflected(_working(original, recipe, loaded.threads), least)
    height, width = working.shape[:2]
    scale = recipe.octave_scale
    count = octave_count(height, width, recipe.octaves, scale, least)
    sizes = octave_sizes(height, width, count, scale, least)
    log.info(
        "Dreaming %s (%s) at %d×%d in %d octaves of %d steps, on %s, %s, %d threads.",
        loaded.network.name,
        ", ".join(layers),
        width,
        height,
        len(sizes),
        recipe.steps,
        loaded.provider,
        loaded.lowering,
        loaded.threads,
    )
    parts = parts_of(recipe)
    values = values_of(recipe, parts)
    values |= {weight_input(name): np.array(w, np.float32) for name, w in layers.items()}
    stepper = loaded.stepper(layers, parts)
    found, stopped = amplify(working, sizes, stepper, recipe, values, loaded.threads, watch)
    detail = Detail(original, np.ascontiguousarray(found[crop]), recipe.resize, loaded.threads)
    if stopped is not None:
        stopped.partial, _ = detail.added(recipe.strength)
        raise stopped
    strength = detail.strength(recipe)
    samples, rms = detail.added(strength)
    return samples, Resolved(layers, sizes, strength, rms)


def _check_memory(
    loaded: Loaded, layers: Mapping[str, float], original: Picture, recipe: Recipe, least: int
) -> None:
    kept = original.samples.itemsize * (3 if original.alpha is None else 4)
    full = original.height, original.width
    demand = Demand(full, loaded.step_bytes(layers), 2 * kept + _ENCODING, least)
    log.info("The dream takes about %s of memory.", spelled(demand.bytes_at(recipe.size)))
    check_memory(loaded.machine.memory or usable_memory(), demand, recipe.size)


def _working(original: Picture, recipe: Recipe, threads: int) -> np.ndarray:
    """The picture at the size at which it is dreamed, in float32."""
    size = height, width = working_size(original.height, original.width, recipe.size)
    pixels = np.ascontiguousarray(original.pixels)
    if size == pixels.shape[:2]:
        return pixels
    return kernels.resize(pixels, height, width, recipe.resize, threads)
