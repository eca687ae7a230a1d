"""The Stepper: gradient ascent on a picture, one step a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BackendError, OutOfMemoryError
from ..graph import Graph, Tensor
from ..objectives import term_output
from ..preprocessing import Preprocessing
from ..step import step_graph
from .ascent import Ascent, shape_of
from .providers import Backend
from .spelling import Lowering

__all__ = ["Stepper", "extents_of"]


class Stepper:
    """A gradient graph with the step around it, loaded for a provider.

    Parameters
    ----------
    gradient : Graph
        A gradient graph.
    preprocessing : Preprocessing
        How its ``image`` is fed.
    lowering : Lowering
        How it is spelled.
    backend : Backend
        Where it runs.
    threads : int
        On how many threads, where that is the CPU.
    parts : sequence of str
        What the step is made of beside the gradient, keys of `PARTS`.
    terms : sequence of str
        The layers whose shares of the loss are told after a step.
    """

    def __init__(
        self,
        gradient: Graph,
        preprocessing: Preprocessing,
        lowering: Lowering,
        backend: Backend,
        threads: int,
        parts: Sequence[str] = (),
        terms: Sequence[str] = (),
    ) -> None:
        self.backend = backend
        recorded = backend.provider == "cuda" and backend.cuda.graphs
        self._terms = {layer: term_output(layer) for layer in terms}
        graph = step_graph(gradient, preprocessing, parts, list(self._terms.values()))
        self._inputs = graph.inputs
        self.lowering, self._sessions = lowering.loaded(graph, backend, threads, recorded)

    def ascent(self, picture: Any, values: Mapping[str, np.ndarray]) -> Ascent:
        """Begin the ascent from a picture.

        Parameters
        ----------
        picture : ndarray of float32, shape (H, W, 3), or OrtValue of the same
            RGB, 0 to 1, on the host, or on the device already.
        values : mapping of str to ndarray
            The inputs of the step's parts, as `values_of` gives them, and weights
            of layers that are to be others than the graph's own.
        """
        height, width = shape_of(picture)[:2]
        extents = extents_of(self._inputs, values)
        session = self._sessions.at(height, width, **extents)
        try:
            return Ascent(session, picture, values, self._terms)
        except (BackendError, OutOfMemoryError) as error:
            if not session.recorded:
                raise
            self._sessions.record_no_more(error)
        return Ascent(self._sessions.at(height, width, **extents), picture, values, self._terms)


def extents_of(inputs: Mapping[str, Tensor], values: Mapping[str, np.ndarray]) -> dict[str, int]:
    """How large the symbolic dimensions of some inputs are, given their values."""
    return {
        symbol: extent
        for name, value in values.items()
        for symbol, extent in zip(inputs[name].shape or (), value.shape, strict=True)
        if isinstance(symbol, str)
    }
