"""A graph, loaded and ready to run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..errors import BackendError, NetworkFormatError, OutOfMemoryError, ProviderError
from ..graph import Graph, Node, Tensor, to_bytes
from ..memory import out_of_memory, tells_of_memory
from .cuda import failure, missing_library
from .machine import PROVIDERS
from .providers import FATAL_ONLY, Backend, onnxruntime

__all__ = ["Session", "run_error", "settled"]

_SMALLER = "dream a smaller picture, or on fewer threads"
_FEWER = "take fewer threads, or a smaller network"

log = logging.getLogger(__name__)


class Session:
    """A graph in ONNX Runtime.

    Parameters
    ----------
    graph : Graph
        A lowered graph.
    backend : Backend
        Where it runs.
    threads : int
        On how many threads, where that is the CPU.
    library : str, optional
        The path of a library of operators that the graph uses.
    size : mapping of str to int, optional
        The values of symbolic dimensions, where they shall not vary.
    recorded : bool
        Whether what it runs with bindings is recorded as a CUDA graph, and
        replayed. Only one run is under way at a time then.
    profile : Path, optional
        Where it keeps a record of what ran how long; see `placement`.

    Raises
    ------
    NetworkFormatError
        If ONNX Runtime does not accept the graph.
    ProviderError
        If it does not run on the provider.
    OutOfMemoryError
        If there is not enough memory.
    """

    def __init__(
        self,
        graph: Graph,
        backend: Backend,
        threads: int,
        library: str | None = None,
        size: Mapping[str, int] | None = None,
        *,
        recorded: bool = False,
        profile: Path | None = None,
    ) -> None:
        ort = onnxruntime()
        options = ort.SessionOptions()
        options.log_severity_level = FATAL_ONLY
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        if backend.provider == "cpu":
            # A pattern is one block for all tensors of a run, planned in the first run
            # and taken beside that run's memory: half as much again, for no more speed.
            options.enable_mem_pattern = False
        for symbol, extent in (size or {}).items():
            options.add_free_dimension_override_by_name(symbol, extent)
        if profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile)
        wanted: list[Any] = [(PROVIDERS["cpu"], {})]
        if backend.provider == "cuda":
            told = backend.cuda.options(backend.device, backend.precision, recorded)
            wanted.insert(0, (PROVIDERS["cuda"], told))
            options.use_deterministic_compute = backend.cuda.deterministic
        content = to_bytes(graph)
        try:
            if library is not None:
                options.register_custom_ops_library(library)
            # By itself it would print, and fall back.
            self.inner = ort.InferenceSession(content, options, providers=wanted, enable_fallback=0)
        except Exception as error:  # its errors have no common root of their own
            raise _session_error(error, backend) from error
        if PROVIDERS[backend.provider] not in self.inner.get_providers():
            reason = missing_library(ort) or "it does not say why"
            raise ProviderError(
                f"ONNX Runtime could not use the provider {backend.provider!r} and fell back to "
                f"the CPU: {reason}. What onnxdream[gpu] installs brings NVIDIA's libraries, but "
                "for libcuda, which is part of its driver."
            )
        self.backend = backend
        self.recorded = recorded
        self.spare: list[Any] = []
        """Where it records: buffers, with what was recorded of them, that nobody uses now."""
        self._alone: AbstractContextManager[Any] = Lock() if recorded else nullcontext()

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Run the graph on arrays and return the named outputs."""
        try:
            found: list[np.ndarray] = self.inner.run(list(outputs), dict(feeds))
        except Exception as error:
            raise run_error(error) from error
        return found

    def run_bound(self, binding: Any, options: Any = None) -> None:
        """Run the graph on what is bound.

        Parameters
        ----------
        binding : IOBinding
            What `inner` made.
        options : RunOptions, optional
            Of this run.
        """
        try:
            with self._alone:
                self.inner.run_with_iobinding(binding, options)
        except Exception as error:
            raise run_error(error) from error


def settled(backend: Backend) -> Backend:
    """The backend that a session really runs on.

    Raises
    ------
    ProviderError
        If that is not the one that was required.
    """
    if backend.provider == "cpu":
        return backend
    number = Tensor(np.dtype(np.float32), (1,))
    graph = Graph([Node("Neg", ["x"], ["y"])], {}, {"x": number}, {"y": number})
    try:
        Session(graph, backend, 1)
    except ProviderError as error:
        if backend.required:
            raise
        log.warning("%s The CPU takes its place.", error)
        return replace(backend, provider="cpu", device=0)
    return backend


def run_error(error: Exception) -> BackendError | OutOfMemoryError:
    """What to raise when a run failed."""
    if tells_of_memory(error):
        return out_of_memory("ONNX Runtime could not run the network", _SMALLER, error)
    return BackendError(f"ONNX Runtime could not run the network: {error}")


def _session_error(
    error: Exception, backend: Backend
) -> BackendError | NetworkFormatError | OutOfMemoryError:
    if backend.provider != "cpu":
        reason = failure(error).removesuffix(".")
        return ProviderError(f"ONNX Runtime cannot start on {backend.provider!r}: {reason}.")
    if tells_of_memory(error):
        return out_of_memory("ONNX Runtime could not load the network", _FEWER, error)
    return NetworkFormatError(f"ONNX Runtime does not accept the network: {error}")
