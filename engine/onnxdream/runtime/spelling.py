"""Which lowering a provider runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from .. import operators
from ..errors import BackendError, NetworkFormatError, OnnxdreamError, ProviderError
from ..graph import DOMAIN, Graph, Node, Tensor
from ..lowering import BLOCKED_DOMAIN, accelerated, on_device, portable
from .providers import Backend, onnxruntime
from .session import Session
from .sessions import Sessions

__all__ = ["PORTABLE", "Lowering", "accelerated_lowering", "lowering_for"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lowering:
    """How a gradient graph is spelled.

    Parameters
    ----------
    name : {"portable", "accelerated"}
        Its name.
    spell : callable
        What spells a graph.
    library : str, optional
        The path of the library that holds the compiled operators.
    otherwise : Lowering, optional
        What takes its place where ONNX Runtime does not accept what it spells.
    """

    name: str
    spell: Callable[[Graph], Graph]
    library: str | None = None
    otherwise: Lowering | None = None

    def load(
        self, graph: Graph, backend: Backend, threads: int, recorded: bool = False
    ) -> Sessions:
        """Spell a graph and load it; see `Sessions`."""
        return self.loaded(graph, backend, threads, recorded)[1]

    def loaded(
        self, graph: Graph, backend: Backend, threads: int, recorded: bool = False
    ) -> tuple[Lowering, Sessions]:
        """The same, and with it the lowering that it is spelled in."""
        try:
            return self, Sessions(self.spell(graph), backend, threads, self.library, recorded)
        except NetworkFormatError as error:
            if self.otherwise is None:
                raise
            other = self.otherwise
            loaded = other.loaded(graph, backend, threads, recorded)
            log.warning(
                "ONNX Runtime does not accept the network in the %s lowering; the %s one takes "
                "its place and is slower. (%s)",
                self.name,
                other.name,
                error,
            )
            return loaded


PORTABLE = Lowering("portable", portable)
"""Standard operators, as files contain them."""


def lowering_for(backend: Backend, name: str = "auto") -> Lowering:
    """Choose the lowering for a provider.

    Parameters
    ----------
    backend : Backend
        Where the graph will run.
    name : {"auto", "accelerated", "portable"}
        ``"auto"`` takes the accelerated one on the CPU, for float32, where it works, and
        the portable one in its place for a network that does not load with it.

    Raises
    ------
    ProviderError
        If the accelerated lowering was asked for and does not work here.
    """
    suits = backend.provider == "cpu" and backend.precision == "fp32"
    if name == "accelerated" and not suits:
        raise ProviderError(
            "The accelerated lowering computes in float32 on the CPU, "
            f"not in {backend.precision} on {backend.provider!r}."
        )
    if backend.provider != "cpu":
        # A pool's indices count what is where its layout has it, which NHWC changes.
        in_order = backend.cuda.deterministic or backend.cuda.nhwc
        return Lowering("portable", partial(on_device, in_order=in_order))
    if name == "portable" or not suits:
        return PORTABLE
    found = accelerated_lowering()
    if found is None and name == "accelerated":
        raise ProviderError("The compiled operators do not work here; `onnxdream doctor` says why.")
    if found is None or name == "accelerated":
        return found or PORTABLE
    return replace(found, otherwise=PORTABLE)


@cache
def accelerated_lowering() -> Lowering | None:
    """The accelerated lowering, or None, and one warning, where it does not work."""
    library = operators.library()
    if library is None:
        return None
    try:
        _try_operators(library)
    except OnnxdreamError as error:
        log.warning(
            "The compiled operators do not work with ONNX Runtime %s; the portable lowering "
            "takes their place and is slower. (%s)",
            onnxruntime().__version__,
            error,
        )
        return None
    block = _block_size()
    return Lowering("accelerated", lambda graph: accelerated(graph, block), library)


def _try_operators(library: str) -> None:
    """Run one compiled operator."""
    vector = Tensor(np.dtype(np.float32), (4,))
    node = Node("GatedSum", ["y", "g"], ["sum"], {"low": 0.0, "high": 1.0}, DOMAIN)
    graph = Graph([node], {}, {"y": vector, "g": vector}, {"sum": vector})
    y = np.array([-1, 0.5, 2, 0.25], np.float32)
    [found] = Session(graph, Backend("cpu"), 1, library).run({"y": y, "g": 2 * y}, ["sum"])
    if not np.array_equal(found, np.array([0, 1, 0, 0.5], np.float32)):
        raise BackendError(f"an operator returned {found}")


def _block_size() -> int:
    """How many channels ONNX Runtime puts in a block on this machine; 1 if it knows no blocks.

    It is read off from where ReorderInput puts the elements of a tensor.
    """
    channels = 64
    kind = Tensor(np.dtype(np.float32), (1, channels, 2, 2))
    node = Node("ReorderInput", ["x"], ["y"], {}, BLOCKED_DOMAIN)
    graph = Graph([node], {}, {"x": kind}, {"y": kind})
    x = np.arange(4 * channels, dtype=np.float32).reshape(1, channels, 2, 2)
    try:
        [y] = Session(graph, Backend("cpu"), 1).run({"x": x}, ["y"])
    except OnnxdreamError as error:
        log.info("ONNX Runtime has no blocked convolutions here. (%s)", error)
        return 1
    # The first elements of all channels of a block come first: 0, 4, 8, …
    return int(np.argmin(y.ravel() == 4 * np.arange(y.size)))
