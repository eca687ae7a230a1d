"""A graph, loaded and ready to run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BackendError, NetworkFormatError, ProviderError
from ..graph import Graph, Node, Tensor, to_model
from .providers import PROVIDERS, Backend, onnxruntime

__all__ = ["Session", "run_error", "settled"]

_FATAL_ONLY = 4

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

    Raises
    ------
    NetworkFormatError
        If ONNX Runtime does not accept the graph.
    ProviderError
        If it does not run on the provider.
    """

    def __init__(
        self,
        graph: Graph,
        backend: Backend,
        threads: int,
        library: str | None = None,
        size: Mapping[str, int] | None = None,
    ) -> None:
        ort = onnxruntime()
        options = ort.SessionOptions()
        # What goes wrong is raised; on the terminal it would be said twice.
        options.log_severity_level = _FATAL_ONLY
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        for symbol, extent in (size or {}).items():
            options.add_free_dimension_override_by_name(symbol, extent)
        wanted: list[Any] = [(PROVIDERS[backend.provider], _provider_options(backend))]
        if backend.provider != "cpu":
            wanted.append((PROVIDERS["cpu"], {}))
        content = to_model(graph).SerializeToString()
        try:
            if library is not None:
                options.register_custom_ops_library(library)
            # By itself it would print, and fall back.
            self.inner = ort.InferenceSession(content, options, providers=wanted, enable_fallback=0)
        except Exception as error:  # its errors have no common root of their own
            raise _session_error(error, backend) from error
        if PROVIDERS[backend.provider] not in self.inner.get_providers():
            raise ProviderError(
                f"ONNX Runtime could not use the provider {backend.provider!r} and fell back to "
                "the CPU. A missing or mismatched CUDA library is the usual reason; install "
                "onnxdream[gpu]."
            )
        self.backend = backend

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Run the graph on arrays and return the named outputs."""
        try:
            found: list[np.ndarray] = self.inner.run(list(outputs), dict(feeds))
        except Exception as error:
            raise run_error(error) from error
        return found


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
        return Backend("cpu", required=False)
    return backend


def run_error(error: Exception) -> BackendError:
    """What to raise when a run failed."""
    return BackendError(f"ONNX Runtime could not run the network: {error}")


def _provider_options(backend: Backend) -> dict[str, Any]:
    options = dict(backend.options)
    if backend.provider == "cuda":
        options["device_id"] = backend.device
    return options


def _session_error(error: Exception, backend: Backend) -> BackendError | NetworkFormatError:
    if backend.provider != "cpu":
        return ProviderError(f"ONNX Runtime cannot start on {backend.provider!r}: {error}")
    return NetworkFormatError(f"ONNX Runtime does not accept the network: {error}")
