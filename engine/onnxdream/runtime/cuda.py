"""CUDA: what ONNX Runtime is told about it, and what of NVIDIA's it needs."""

from __future__ import annotations

import ctypes
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ..errors import RecipeError
from ..ranges import among, said, whole_number_within

__all__ = ["Cuda", "failure", "load_libraries", "missing_library"]

_MOST_MEMORY = 10_000_000

_SEARCHES = ("heuristic", "exhaustive", "default")


@dataclass(frozen=True)
class Cuda:
    """How a GPU of NVIDIA's is used.

    Parameters
    ----------
    graphs : bool
        Record a step as a CUDA graph, once for each size of a picture, and
        replay it. Where a step cannot be recorded it runs as it is, and the
        log says why.
    memory : int, optional
        The most memory that one size of a picture takes for weights and
        activations, in MiB; as much as it needs if not given. A dream has one
        size an octave.
    deterministic : bool
        Use no operator that adds in the order in which threads happen to
        finish, so that the same recipe gives the same bytes.
    nhwc : bool
        Let convolutions and pools keep their channels last.
    search : {"heuristic", "exhaustive", "default"}
        How cuDNN finds the algorithm of a convolution: by rule, by trying all
        of them when a picture of a new size comes, or not at all.

    Raises
    ------
    RecipeError
        If a setting is impossible.
    """

    graphs: bool = True
    memory: int | None = None
    deterministic: bool = False
    nhwc: bool = False
    search: str = "heuristic"

    def __post_init__(self) -> None:
        for name in ("graphs", "deterministic", "nhwc"):
            switch = getattr(self, name)
            if not isinstance(switch, bool):
                raise RecipeError(f"{name} must be True or False, but is {said(switch)}.")
        if self.memory is not None:
            memory = whole_number_within("memory in MiB", self.memory, 1, _MOST_MEMORY)
            object.__setattr__(self, "memory", memory)
        if not among(self.search, _SEARCHES):
            raise RecipeError(
                f"search must be one of {', '.join(_SEARCHES)}, but is {said(self.search)}."
            )

    def options(self, device: int, precision: str, recorded: bool) -> dict[str, str]:
        """What ONNX Runtime is told.

        Parameters
        ----------
        device : int
            Which of several GPUs, from 0.
        precision : {"fp32", "tf32", "fp16"}
            Of weights and activations.
        recorded : bool
            Whether the session records what it runs.
        """
        told = {
            "device_id": str(device),
            # Several sessions share a GPU: each takes what it asks for, and no more.
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": self.search.upper(),
            "cudnn_conv_use_max_workspace": "1",
            "prefer_nhwc": _flag(self.nhwc),
            # Without it, ONNX Runtime keeps convolutions off the tensor cores, in float16 too.
            "use_tf32": _flag(precision != "fp32"),
            "enable_cuda_graph": _flag(recorded),
        }
        if self.memory is not None:
            told["gpu_mem_limit"] = str(self.memory << 20)
        return told


def load_libraries(ort: Any) -> None:
    """Load NVIDIA's libraries as they come from PyPI, where they are installed.

    Parameters
    ----------
    ort : module
        onnxruntime.
    """
    if hasattr(ort, "preload_dlls"):
        # It prints what it does not find, which may be found elsewhere.
        with redirect_stdout(StringIO()):
            ort.preload_dlls()


def missing_library(ort: Any) -> str | None:
    """Why ONNX Runtime could not load its CUDA provider, or None where it can be loaded.

    It is to be asked afterwards only: the provider works for whoever loads it first.

    Parameters
    ----------
    ort : module
        onnxruntime.
    """
    name = "{}onnxruntime_providers_cuda.{}".format(
        *(("", "dll") if sys.platform == "win32" else ("lib", "so"))
    )
    library = Path(ort.__file__).parent / "capi" / name
    if not library.exists():
        return None
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return str(error)
    return None


def failure(error: Exception) -> str:
    """What CUDA said, out of what ONNX Runtime makes of it."""
    found = re.search(r"(CUDA|CUDNN|CUBLAS) failure -?\w+: ([^;]+?) *;", str(error))
    return f"{found[1]} says: {found[2]}" if found else str(error)


def _flag(value: bool) -> str:
    return "1" if value else "0"
