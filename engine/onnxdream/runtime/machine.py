"""Where a network runs, and how: one record."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OnnxdreamError, ProviderError, RecipeError
from ..ranges import among, said, whole_number_within
from .cuda import Cuda

__all__ = ["LOWERINGS", "PRECISIONS", "PROVIDERS", "Machine"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""The providers that a user may ask for, by the name that they are asked for."""

PRECISIONS = ("fp32", "tf32", "fp16")
"""The precisions that a user may ask for: float32; float32 of whose factors a GPU
keeps eleven bits; float16 where that is enough."""

LOWERINGS = ("auto", "accelerated", "portable")
"""The lowerings that a user may ask for."""

_MOST_DEVICES = 1024
_MOST_THREADS = 1024
_MOST_MEMORY = 1 << 50
_MOST_PIXELS = 1 << 36


@dataclass(frozen=True)
class Machine:
    """Where a network runs, and how.

    Parameters
    ----------
    provider : {"auto", "cpu", "cuda"}
        Which provider of ONNX Runtime; ``"auto"`` takes CUDA where it is there,
        and the CPU otherwise.
    device : int
        Which of several GPUs, from 0.
    threads : int, optional
        On how many threads, where that is the CPU; if not given, as many as
        there are cores that this process may use.
    lowering : {"auto", "accelerated", "portable"}
        How the gradient graph is spelled; ``"auto"`` is the fastest that works.
    precision : {"fp32", "tf32", "fp16"}
        Of weights and activations: float32; float32 of whose factors a GPU
        keeps eleven bits; float16 where that is enough. The picture itself and
        what is added to it are float32 always.
    memory : int, optional
        How many bytes of memory a dream may take; what this process may still
        use within its own limits and its container's if not given.
    max_pixels : int, optional
        The most pixels of a picture that is read; see `onnxdream.images.read`.
    cuda : Cuda
        How a GPU is used.

    Raises
    ------
    RecipeError
        If a number or the precision is impossible.
    ProviderError
        If there is no such provider or lowering.
    """

    provider: str = "auto"
    device: int = 0
    threads: int | None = None
    lowering: str = "auto"
    precision: str = "fp32"
    memory: int | None = None
    max_pixels: int | None = None
    cuda: Cuda = Cuda()

    def __post_init__(self) -> None:
        for name, (low, high) in _COUNTS.items():
            value = getattr(self, name)
            if value is not None or name == "device":
                object.__setattr__(self, name, whole_number_within(name, value, low, high))
        for name, (known, error) in _WORDS.items():
            value = getattr(self, name)
            if not among(value, known):
                raise error(f"There is no {name} {said(value)}; choose one of {', '.join(known)}.")
        if not isinstance(self.cuda, Cuda):
            raise RecipeError(f"cuda must be a Cuda, but is {said(self.cuda)}.")


_COUNTS = {
    "device": (0, _MOST_DEVICES - 1),
    "threads": (1, _MOST_THREADS),
    "memory": (1, _MOST_MEMORY),
    "max_pixels": (1, _MOST_PIXELS),
}

_WORDS: dict[str, tuple[tuple[str, ...], type[OnnxdreamError]]] = {
    "provider": (("auto", *PROVIDERS), ProviderError),
    "lowering": (LOWERINGS, ProviderError),
    "precision": (PRECISIONS, RecipeError),
}
