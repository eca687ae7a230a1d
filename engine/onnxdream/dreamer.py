"""A network loaded for a machine: pictures in, dreams out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Unpack

import msgspec
import numpy as np

from . import images, kernels
from .dreaming import Resolved, dreamt
from .errors import DreamStoppedError, GradientError, ImageFormatError, RecipeError
from .graph import GRADIENT, IMAGE, LOSS
from .loaded import Loaded
from .memory import enough_memory
from .network import DEFAULT_NETWORK, Network, load
from .progress import Cancel, Progress, Watch
from .provenance import Input, Provenance, Used
from .ranges import said
from .recipe import DEFAULT_PRESET, Layers, Recipe, Settings, recipe_from
from .runtime import (
    Machine,
    Placed,
)

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Dreamer", "dream", "dreamer_for"]

_NOISE_SIDE = 224

_enough_to_load = enough_memory(
    "The network cannot be loaded", "take fewer threads, or a smaller network"
)
_enough_to_dream = enough_memory(
    "The picture cannot be dreamed", "dream at a smaller size, or on fewer threads"
)

Tell = Callable[[Progress], object]


class Dreamer:
    """A network, loaded for a machine.

    Several threads may use one Dreamer at once.

    Parameters
    ----------
    network : Network, str or path
        What `load` returned, or what it takes.
    layers : str, iterable of str, or mapping of str to float, optional
        The layers to amplify where a recipe names none, each with its weight;
        the network's own suggestion if not given.
    machine : Machine, optional
        Where to run, and how.

    Raises
    ------
    NetworkError
        If the network, a layer or an operator is unknown.
    BackendError
        If ONNX Runtime or the provider is missing, or does not know the
        lowering or the precision.
    RecipeError
        If a weight is impossible.
    OutOfMemoryError
        If there is not enough memory.
    """

    @_enough_to_load
    def __init__(
        self,
        network: Network | str | os.PathLike[str] = DEFAULT_NETWORK,
        layers: Layers | None = None,
        *,
        machine: Machine | None = None,
    ) -> None:
        self.network = network if isinstance(network, Network) else load(network)
        if not (machine is None or isinstance(machine, Machine)):
            raise RecipeError(f"machine must be a Machine, but is {said(machine)}.")
        self.machine = machine or Machine()
        self.layers = self.network.weights(layers)
        self._loaded = Loaded(self.network, self.machine)
        # Whatever has no gradient is said now.
        self._loaded.graph(self.layers)

    @property
    def threads(self) -> int:
        """On how many threads it runs, where that is the CPU."""
        return self._loaded.threads

    @property
    def provider(self) -> str:
        """Where it runs: ``"cpu"`` or ``"cuda"``."""
        return self._loaded.provider

    @property
    def lowering(self) -> str:
        """How its graph is spelled: ``"accelerated"`` or ``"portable"``."""
        return self._loaded.lowering

    @property
    def precision(self) -> str:
        """Of weights and activations: ``"fp32"``, ``"tf32"`` or ``"fp16"``."""
        return self._loaded.precision

    def __enter__(self) -> Dreamer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the memory; a closed Dreamer dreams no more.

        Dreams under way in other threads go on to their end; their memory is given
        back then.
        """
        self._loaded.close()

    @cached_property
    def least_size(self) -> int:
        """The least height and width of an octave, in pixels."""
        return self.network.least_size(list(self.layers))

    @_enough_to_dream
    def gradient(self, pixels: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss of a picture and its gradient.

        Parameters
        ----------
        pixels : ndarray of float32, shape (H, W, 3)
            RGB, 0 to 1.

        Returns
        -------
        loss : float
            The sum over layers of weight × mean(activation²).
        gradient : ndarray of float32, shape (H, W, 3)
            d loss / d pixels.

        Raises
        ------
        ImageFormatError
            If `pixels` is no such array, or is smaller than the network's least size.
        GradientError
            If the loss or the gradient is not finite.
        OutOfMemoryError
            If there is not enough memory.
        """
        pixels = images.checked(pixels)
        height, width = pixels.shape[:2]
        if min(height, width) < self.least_size:
            raise ImageFormatError(
                f"The picture has {width}×{height} pixels; up to this layer {self.network.name} "
                f"needs at least {self.least_size} each way."
            )
        preprocessing = self.network.preprocessing
        std, bgr, threads = preprocessing.unit_std, preprocessing.bgr, self.threads
        image = kernels.jitter_normalize(pixels, 0, 0, preprocessing.unit_mean, std, bgr, threads)
        session = self._loaded.session(self.layers, height, width)
        loss, inner = session.run({IMAGE: image}, [LOSS, GRADIENT])
        if not np.isfinite(loss):
            raise GradientError("The loss is not a finite number; check how the network is fed.")
        if not np.isfinite(inner).all():
            raise GradientError("The gradient is not finite; choose another layer.")
        return float(loss), kernels.unjitter_blur(inner, 0, 0, std, bgr, 0.0, threads)

    @_enough_to_dream
    def placement(self) -> list[Placed]:
        """Where each node of a step runs; it takes a step on noise to see.

        Raises
        ------
        BackendError
            If the step cannot be loaded, or fails.
        """
        side = max(self.least_size, _NOISE_SIDE)
        return self._loaded.placement(self.layers, side, self.recipe())

    def recipe(self, recipe: Recipe | str | None = None, **settings: Unpack[Settings]) -> Recipe:
        """The recipe that this Dreamer follows when it is given this one.

        Parameters
        ----------
        recipe : Recipe or str, optional
            All settings, or the name of a preset; the default settings, on this
            network, if not given.
        **settings
            What to change of it.

        Raises
        ------
        RecipeError
            If a setting is impossible, or the recipe is for another network.
        """
        made = recipe_from(Recipe() if recipe is None else recipe, settings)
        if made.network not in (None, self.network.location, self.network.name):
            raise RecipeError(
                f"The recipe is for {made.network}, and this Dreamer is of {self.network.name}: "
                "make a Dreamer of that network."
            )
        if made.preprocessing not in (None, self.network.preprocessing):
            raise RecipeError(
                f"The recipe feeds {self.network.name} otherwise than this Dreamer does: "
                "load the network with the recipe's preprocessing."
            )
        return msgspec.structs.replace(made, network=self.network.location)

    @_enough_to_dream
    def dream(
        self,
        source: images.Source,
        recipe: Recipe | str | None = None,
        *,
        progress: Tell | None = None,
        cancel: Cancel | None = None,
        timeout: float | None = None,
        **settings: Unpack[Settings],
    ) -> Image.Image:
        """Dream a picture.

        Parameters
        ----------
        source : path, bytes, binary file, PIL image or array
            The picture.
        recipe : Recipe or str, optional
            All settings, or the name of a preset; see `recipe`.
        progress : callable, optional
            Called with a `Progress` after every step; what it raises ends the dream.
        cancel : threading.Event or the like, optional
            The dream stops within a step after it is set.
        timeout : float, optional
            How many seconds the steps may take.
        **settings
            Settings of the `Recipe` to change.

        Returns
        -------
        PIL.Image.Image
            Of the picture's own size, with its alpha channel and colour profile.

        Raises
        ------
        ImageError
            If the picture cannot be read.
        RecipeError
            If a setting is impossible.
        GradientError
            If the gradient is zero or not finite.
        DreamStoppedError
            If it was cancelled, or took too long; `partial` is what there was.
        OutOfMemoryError
            If there is not enough memory.
        """
        watch = Watch(progress, cancel, timeout)
        made = self.recipe(recipe, **settings)
        try:
            return self._dream_picture(self._read(source), made, watch).to_image()
        except DreamStoppedError as error:
            error.partial = error.partial.to_image()
            raise

    def _read(self, source: images.Source) -> images.Picture:
        return images.read(source, self.machine.max_pixels or images.MAX_PIXELS)

    @_enough_to_dream
    def dream_picture(
        self,
        picture: images.Picture,
        recipe: Recipe | str | None = None,
        *,
        depth: int | None = None,
        progress: Tell | None = None,
        cancel: Cancel | None = None,
        timeout: float | None = None,
        **settings: Unpack[Settings],
    ) -> images.Picture:
        """Dream what `images.read` returned; see `dream`.

        The dream has the picture's own `depth`, or another one: of 8 bits, say, the
        dream may have 16, which is finer.
        """
        watch = Watch(progress, cancel, timeout)
        made = self.recipe(recipe, **settings)
        return self._dream_picture(images.a_picture(picture), made, watch, depth)

    @_enough_to_dream
    def dream_array(
        self,
        pixels: np.ndarray,
        recipe: Recipe | str | None = None,
        *,
        progress: Tell | None = None,
        cancel: Cancel | None = None,
        timeout: float | None = None,
        **settings: Unpack[Settings],
    ) -> np.ndarray:
        """Dream an array, float32 of shape (H, W, 3), RGB, 0 to 1; see `dream`."""
        watch = Watch(progress, cancel, timeout)
        made = self.recipe(recipe, **settings)
        return self._dreamt(images.Picture(images.checked(pixels)), made, watch)[0]

    def _dream_picture(
        self, picture: images.Picture, recipe: Recipe, watch: Watch, depth: int | None = None
    ) -> images.Picture:
        original = picture if depth is None else picture.in_depth(depth)
        try:
            samples, resolved = self._dreamt(original, recipe, watch)
        except DreamStoppedError as error:
            error.partial = original.with_samples(error.partial)
            raise
        provenance = self._provenance(picture, recipe, resolved)
        return replace(original.with_samples(samples), texts=provenance.texts())

    def _dreamt(
        self, original: images.Picture, recipe: Recipe, watch: Watch
    ) -> tuple[np.ndarray, Resolved]:
        layers = self.network.weights(recipe.layers) if recipe.layers else self.layers
        return dreamt(self._loaded, layers, original, recipe, watch)

    def _provenance(
        self, picture: images.Picture, recipe: Recipe, resolved: Resolved
    ) -> Provenance:
        made = msgspec.structs.replace(
            recipe,
            # A path may say whose it is.
            network=Path(self.network.location).name,
            preprocessing=self.network.preprocessing,
            layers=resolved.layers,
        )
        return Provenance(
            recipe=made,
            input=Input(width=picture.width, height=picture.height, sha256=picture.sha256()),
            used=self.used(),
            octaves=[(across, down) for down, across in resolved.octaves],
            strength=resolved.strength,
            rms=resolved.rms,
        )

    def used(self) -> Used:
        """What takes part in its dreams beside a recipe."""
        return Used.here(
            network=self.network.sha256,
            provider=self.provider,
            lowering=self.lowering,
            precision=self.precision,
            threads=self.threads,
        )


def dreamer_for(
    recipe: Recipe, machine: Machine | None = None, network: Network | None = None
) -> Dreamer:
    """Load the network of a recipe, fed as it says, unless it is loaded; see `Dreamer`."""
    if network is None:
        fed = {} if recipe.preprocessing is None else msgspec.structs.asdict(recipe.preprocessing)
        network = load(recipe.network or DEFAULT_NETWORK, **fed)
    return Dreamer(network, recipe.layers or None, machine=machine)


def dream(
    source: images.Source,
    recipe: Recipe | str = DEFAULT_PRESET,
    *,
    machine: Machine | None = None,
    progress: Tell | None = None,
    cancel: Cancel | None = None,
    timeout: float | None = None,
    **settings: Unpack[Settings],
) -> Image.Image:
    """Dream one picture with the network that its recipe names; see `Dreamer.dream`.

    Parameters
    ----------
    source : path, bytes, binary file, PIL image or array
        The picture.
    recipe : Recipe or str
        All settings, or the name of a preset.
    machine : Machine, optional
        Where to run, and how.
    progress, cancel, timeout
        See `Dreamer.dream`.
    **settings
        Settings of the `Recipe` to change.
    """
    made = recipe_from(recipe, settings)
    with dreamer_for(made, machine) as dreamer:
        return dreamer.dream(source, made, progress=progress, cancel=cancel, timeout=timeout)
