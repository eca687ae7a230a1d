"""Where a graph runs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from ..errors import BackendNotFoundError, ProviderError
from ..memory import out_of_memory, tells_of_memory
from .cuda import Cuda, load_libraries
from .machine import PROVIDERS, Machine

__all__ = [
    "FATAL_ONLY",
    "Backend",
    "backend_version",
    "choose",
    "onnxruntime",
]

FATAL_ONLY = 4
"""What ONNX Runtime may print: what goes wrong is raised, and is not to be said twice."""


@dataclass(frozen=True)
class Backend:
    """One provider, with its options.

    Parameters
    ----------
    provider : {"cpu", "cuda"}
        The provider.
    device : int
        Which of several devices, from 0.
    required : bool
        Whether another provider will not do: a session that falls back to the
        CPU is an error then, and a warning otherwise.
    precision : {"fp32", "tf32", "fp16"}
        Of weights and activations; the CPU knows no ``"tf32"``.
    cuda : Cuda
        How a GPU is used, where that is the provider.

    Raises
    ------
    ProviderError
        If the provider does not know the precision.
    """

    provider: str
    device: int = 0
    required: bool = True
    precision: str = "fp32"
    cuda: Cuda = Cuda()

    def __post_init__(self) -> None:
        if self.precision == "tf32" and self.provider == "cpu":
            raise ProviderError(
                "TF32 is a format of NVIDIA's GPUs, and the CPU does not know it: "
                'use the precision "fp32", or the provider "cuda".'
            )


def onnxruntime() -> Any:
    """The module onnxruntime.

    Raises
    ------
    BackendNotFoundError
        If it is not installed, or cannot be loaded.
    OutOfMemoryError
        If there is not enough memory for it.
    """
    try:
        module = importlib.import_module("onnxruntime")
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # Its compiled part turns into this whatever stops it from being initialized.
            raise error.__cause__ from None
        if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
            raise BackendNotFoundError(
                "ONNX Runtime is not installed. Install onnxdream[cpu], or onnxdream[gpu] "
                "for an NVIDIA GPU (one of the two, not both)."
            ) from error
        if tells_of_memory(error):
            raise out_of_memory("ONNX Runtime cannot be loaded", "free some", error) from error
        raise BackendNotFoundError(f"ONNX Runtime is installed but broken: {error}") from error
    if not hasattr(module, "InferenceSession"):
        raise BackendNotFoundError(
            "ONNX Runtime is broken, as it is after onnxruntime and onnxruntime-gpu were "
            "installed together. Uninstall both, then install onnxdream[cpu] or onnxdream[gpu]."
        )
    return module


def backend_version() -> str:
    """The version of ONNX Runtime."""
    return str(onnxruntime().__version__)


def choose(machine: Machine) -> Backend:
    """Decide which provider runs.

    Raises
    ------
    BackendNotFoundError
        If ONNX Runtime is not installed.
    ProviderError
        If the installed ONNX Runtime lacks the provider, or it does not know
        the precision.
    """
    provider, device = machine.provider, machine.device
    ort = onnxruntime()
    available = ort.get_available_providers()
    required = provider != "auto"
    if not required:
        provider = "cuda" if PROVIDERS["cuda"] in available else "cpu"
    if PROVIDERS[provider] not in available:
        raise ProviderError(
            f"The installed ONNX Runtime {backend_version()} has no provider {provider!r}. "
            "Uninstall onnxruntime and install onnxdream[gpu] instead, "
            'or use the provider "cpu" or "auto".'
        )
    if provider == "cuda":
        ort.set_default_logger_severity(FATAL_ONLY)
        load_libraries(ort)
    else:
        device = 0
    return Backend(provider, device, required, machine.precision, machine.cuda)
