"""Where a graph runs."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass, field
from typing import Any

from ..errors import BackendNotFoundError, ProviderError

__all__ = ["PROVIDERS", "Backend", "backend_version", "choose", "onnxruntime"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""The providers that a user may ask for, by the name that they are asked for."""

log = logging.getLogger(__name__)


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
    options : dict
        What ONNX Runtime is told about the provider.
    """

    provider: str
    device: int = 0
    required: bool = True
    options: dict[str, Any] = field(default_factory=dict)


def onnxruntime() -> Any:
    """The module onnxruntime.

    Raises
    ------
    BackendNotFoundError
        If it is not installed, or cannot be loaded.
    """
    try:
        module = importlib.import_module("onnxruntime")
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
            raise BackendNotFoundError(
                "ONNX Runtime is not installed. Install onnxdream[cpu], or onnxdream[gpu] "
                "for an NVIDIA GPU (one of the two, not both)."
            ) from error
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


def choose(provider: str = "auto", device: int = 0) -> Backend:
    """Decide where to run.

    Parameters
    ----------
    provider : {"auto", "cpu", "cuda"}
        ``"auto"`` takes CUDA where ONNX Runtime has it, and the CPU otherwise.
    device : int
        Which of several devices, from 0.

    Raises
    ------
    BackendNotFoundError
        If ONNX Runtime is not installed.
    ProviderError
        If there is no such provider, or the installed ONNX Runtime lacks it.
    """
    if provider != "auto" and provider not in PROVIDERS:
        known = ", ".join(["auto", *PROVIDERS])
        raise ProviderError(f"There is no provider {provider!r}; choose one of {known}.")
    available = onnxruntime().get_available_providers()
    if provider == "auto":
        found = "cuda" if PROVIDERS["cuda"] in available else "cpu"
        return Backend(found, device if found == "cuda" else 0, required=False)
    if PROVIDERS[provider] not in available:
        raise ProviderError(
            f"The installed ONNX Runtime {backend_version()} has no provider {provider!r}. "
            "Uninstall onnxruntime and install onnxdream[gpu] instead, "
            'or use the provider "cpu" or "auto".'
        )
    return Backend(provider, device)
