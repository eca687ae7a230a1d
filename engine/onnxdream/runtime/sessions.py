"""A graph loaded for every image size."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from ..graph import Graph
from .providers import Backend
from .session import Session

__all__ = ["Sessions"]

_KEPT = 8


class Sessions:
    """One graph, loaded once on the CPU, and once for each image size elsewhere.

    On the CPU a symbolic height and width cost nothing. On other providers
    shape arithmetic would run on the CPU and come between the kernels, so that
    each size gets a session of its own, in which it is folded away. A dream
    has one size an octave; the sessions of the latest sizes are kept.

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
    """

    def __init__(
        self, graph: Graph, backend: Backend, threads: int, library: str | None = None
    ) -> None:
        self.backend = backend
        self._how = graph, backend, threads, library
        self._lock = Lock()
        self._kept: OrderedDict[tuple[int, int] | None, Session] = OrderedDict()
        if backend.provider == "cpu":
            self._kept[None] = Session(*self._how)

    def at(self, height: int, width: int) -> Session:
        """The session for images of a size in pixels."""
        size = None if self.backend.provider == "cpu" else (height, width)
        with self._lock:
            if size not in self._kept:
                self._kept[size] = Session(*self._how, size={"H": height, "W": width})
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(size)
            return self._kept[size]
