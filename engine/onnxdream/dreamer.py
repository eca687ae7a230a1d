"""The octave loop: a picture in, a dream out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import images, kernels
from .errors import BackendError, GradientError, ImageFormatError
from .gradient import gradient_graph
from .graph import GRADIENT, IMAGE, LOSS
from .network import DEFAULT_NETWORK, Layers, Network, load
from .octaves import octave_sizes, reflected
from .recipe import Recipe, recipe_from
from .runtime import (
    Cuda,
    Placed,
    Sessions,
    Stepper,
    choose,
    lowering_for,
    placement,
    settled,
    threads_for,
)

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Dreamer", "Progress", "dream"]

_NOISE_SIDE = 224


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
    """

    octave: int
    octaves: int
    step: int
    steps: int
    loss: float
    height: int
    width: int


class Dreamer:
    """A network and the layers to amplify, loaded for a provider.

    Several threads may use one Dreamer at once.

    Parameters
    ----------
    network : Network, str or path
        What `load` returned, or what it takes.
    layers : str, iterable of str, or mapping of str to float, optional
        The layers to amplify, each with its weight; the network's own
        suggestion if not given.
    provider : {"auto", "cpu", "cuda"}
        Where to run.
    device : int
        Which of several GPUs, from 0.
    threads : int, optional
        On how many threads, where that is the CPU; if not given, as many as
        there are cores that this process may use.
    lowering : {"auto", "accelerated", "portable"}
        How the gradient graph is spelled; the fastest that works if not given.
    precision : {"fp32", "tf32", "fp16"}
        Of weights and activations: float32; float32 of whose factors a GPU
        keeps eleven bits; float16 where that is enough. The picture itself and
        what is added to it are float32 always.
    cuda : Cuda, optional
        How a GPU is used.

    Raises
    ------
    NetworkError
        If the network, a layer or an operator is unknown.
    BackendError
        If ONNX Runtime or the provider is missing, or does not know the
        lowering or the precision.
    RecipeError
        If `threads`, `device`, the precision or a weight is impossible.
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str] = DEFAULT_NETWORK,
        layers: Layers | None = None,
        *,
        provider: str = "auto",
        device: int = 0,
        threads: int | None = None,
        lowering: str = "auto",
        precision: str = "fp32",
        cuda: Cuda | None = None,
    ) -> None:
        self.network = network if isinstance(network, Network) else load(network)
        self.layers = self.network.weights(layers)
        self.threads = threads_for(threads)
        self._lock = Lock()
        self._backend = settled(choose(provider, device, precision, cuda))
        self._gradient = gradient_graph(
            self.network.graph, self.layers, half=self._backend.precision == "fp16"
        )
        self._lowering = lowering_for(self._backend, lowering)
        self._stepper: Stepper | None = Stepper(
            self._gradient, self.network.preprocessing, self._lowering, self._backend, self.threads
        )
        self._lowering = self._stepper.lowering
        self._sessions: Sessions | None = None

    @property
    def provider(self) -> str:
        """Where it runs: ``"cpu"`` or ``"cuda"``."""
        return self._backend.provider

    @property
    def lowering(self) -> str:
        """How its graph is spelled: ``"accelerated"`` or ``"portable"``."""
        return self._lowering.name

    @property
    def precision(self) -> str:
        """Of weights and activations: ``"fp32"``, ``"tf32"`` or ``"fp16"``."""
        return self._backend.precision

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
        with self._lock:
            self._stepper = self._sessions = None

    @cached_property
    def least_size(self) -> int:
        """The least height and width of an octave, in pixels."""
        return self.network.least_size(list(self.layers))

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
        session = self._gradient_sessions().at(height, width)
        loss, inner = session.run({IMAGE: image}, [LOSS, GRADIENT])
        if not np.isfinite(loss):
            raise GradientError("The loss is not a finite number; check how the network is fed.")
        if not np.isfinite(inner).all():
            raise GradientError("The gradient is not finite; choose another layer.")
        return float(loss), kernels.unjitter_blur(inner, 0, 0, std, bgr, 0.0, threads)

    def placement(self) -> list[Placed]:
        """Where each node of a step runs; it takes a step on noise to see.

        Raises
        ------
        BackendError
            If the step cannot be loaded, or fails.
        """
        return placement(
            self._gradient,
            self.network.preprocessing,
            self._lowering,
            self._backend,
            self.threads,
            max(self.least_size, _NOISE_SIDE),
        )

    def dream(
        self,
        source: images.Source,
        recipe: Recipe | str = "default",
        *,
        progress: Callable[[Progress], None] | None = None,
        **settings: Any,
    ) -> Image.Image:
        """Dream a picture.

        Parameters
        ----------
        source : path, bytes, binary file, PIL image or array
            The picture.
        recipe : Recipe or str
            All settings, or the name of a preset.
        progress : callable, optional
            Called with a `Progress` after every step; what it raises ends the dream.
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
        """
        picture = images.read(source)
        return self.dream_picture(picture, recipe, progress=progress, **settings).to_image()

    def dream_picture(
        self,
        picture: images.Picture,
        recipe: Recipe | str = "default",
        *,
        progress: Callable[[Progress], None] | None = None,
        **settings: Any,
    ) -> images.Picture:
        """Dream what `images.read` returned; see `dream`."""
        dreamt = self.dream_array(picture.pixels, recipe, progress=progress, **settings)
        return picture.with_pixels(dreamt)

    def dream_array(
        self,
        pixels: np.ndarray,
        recipe: Recipe | str = "default",
        *,
        progress: Callable[[Progress], None] | None = None,
        **settings: Any,
    ) -> np.ndarray:
        """Dream an array, float32 of shape (H, W, 3), RGB, 0 to 1; see `dream`."""
        recipe = recipe_from(recipe, settings)
        original, crop = reflected(images.checked(pixels), self.least_size)
        height, width = original.shape[:2]
        sizes = octave_sizes(height, width, recipe.octaves, recipe.octave_scale, self.least_size)
        stepper = self._open_stepper()
        random = np.random.default_rng(recipe.seed)
        dreamt, detail = original, np.zeros((1, 1, 3), np.float32)
        for octave, (height, width) in enumerate(sizes, 1):
            base = self._resized(original, height, width, recipe)
            detail = self._resized(detail, height, width, recipe)
            with stepper.ascent(base + detail, recipe.blur) as ascent:
                for step in range(1, recipe.steps + 1):
                    down, right = random.integers(-recipe.jitter, recipe.jitter + 1, 2).tolist()
                    loss = ascent.step((down, right), recipe.step_size)
                    if progress is not None:
                        told = octave, len(sizes), step, recipe.steps, loss, height, width
                        progress(Progress(*told))
                dreamt = ascent.picture()
            detail = dreamt - base
        return np.ascontiguousarray(dreamt[crop])

    def _resized(self, picture: np.ndarray, height: int, width: int, recipe: Recipe) -> np.ndarray:
        if picture.shape[:2] == (height, width):
            return picture
        return kernels.resize(picture, height, width, recipe.resize, self.threads)

    def _open_stepper(self) -> Stepper:
        stepper = self._stepper
        if stepper is None:
            raise BackendError("The Dreamer is closed.")
        return stepper

    def _gradient_sessions(self) -> Sessions:
        """The gradient graph without a step around it, loaded when it is first asked for."""
        with self._lock:
            self._open_stepper()
            if self._sessions is None:
                self._sessions = self._lowering.load(self._gradient, self._backend, self.threads)
            return self._sessions


def dream(
    source: images.Source,
    network: Network | str | os.PathLike[str] = DEFAULT_NETWORK,
    layers: Layers | None = None,
    *,
    provider: str = "auto",
    device: int = 0,
    threads: int | None = None,
    lowering: str = "auto",
    precision: str = "fp32",
    cuda: Cuda | None = None,
    **settings: Any,
) -> Image.Image:
    """Dream one picture; see `Dreamer` and `Dreamer.dream`."""
    with Dreamer(
        network,
        layers,
        provider=provider,
        device=device,
        threads=threads,
        lowering=lowering,
        precision=precision,
        cuda=cuda,
    ) as dreamer:
        return dreamer.dream(source, **settings)
