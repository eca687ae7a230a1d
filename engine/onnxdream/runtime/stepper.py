"""The Stepper: gradient ascent on a picture, one step a run."""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..errors import BackendError
from ..graph import Graph
from ..lowering import step_graph
from ..preprocessing import Preprocessing
from .ascent import Ascent, shape_of
from .providers import Backend
from .spelling import Lowering

__all__ = ["Stepper"]


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
    """

    def __init__(
        self,
        gradient: Graph,
        preprocessing: Preprocessing,
        lowering: Lowering,
        backend: Backend,
        threads: int,
    ) -> None:
        self.backend = backend
        recorded = backend.provider == "cuda" and backend.cuda.graphs
        self.lowering, self._sessions = lowering.loaded(
            step_graph(gradient, preprocessing), backend, threads, recorded
        )

    def ascent(self, picture: Any, blur: float) -> Ascent:
        """Begin the ascent from a picture.

        Parameters
        ----------
        picture : ndarray of float32, shape (H, W, 3), or OrtValue of the same
            RGB, 0 to 1, on the host, or on the device already.
        blur : float
            σ of the Gaussian blur of the gradient, in pixels; 0 for none.
        """
        taps = kernels.gaussian(blur)
        height, width = shape_of(picture)[:2]
        session = self._sessions.at(height, width, taps.size)
        try:
            return Ascent(session, picture, taps)
        except BackendError as error:
            if not session.recorded:
                raise
            self._sessions.record_no_more(error)
        return Ascent(self._sessions.at(height, width, taps.size), picture, taps)
