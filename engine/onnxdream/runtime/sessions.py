"""A graph loaded for every image size."""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock

from ..errors import BackendError, OutOfMemoryError
from ..graph import Graph
from .providers import Backend
from .session import Session

__all__ = ["Sessions"]

_KEPT = 8
_Size = tuple[tuple[str, int], ...]
_ANY: _Size = ()

log = logging.getLogger(__name__)


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
    recorded : bool
        Whether they record what they run, if they can; see `Session`.
    """

    def __init__(
        self,
        graph: Graph,
        backend: Backend,
        threads: int,
        library: str | None = None,
        recorded: bool = False,
    ) -> None:
        self.backend = backend
        self._how = graph, backend, threads, library
        self._recorded = recorded
        self._lock = Lock()
        self._kept: OrderedDict[_Size, Session] = OrderedDict()
        if backend.provider == "cpu":
            self._kept[_ANY] = Session(*self._how)

    def at(self, height: int, width: int, **extents: int) -> Session:
        """The session for images of a size in pixels, and other inputs of these extents."""
        size = _ANY
        if self.backend.provider != "cpu":
            size = (("H", height), ("W", width), *sorted(extents.items()))
        with self._lock:
            if size not in self._kept:
                self._kept[size] = self._load(size)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(size)
            return self._kept[size]

    def record_no_more(self, reason: BackendError | OutOfMemoryError) -> None:
        """From now on, load sessions that run as they are."""
        with self._lock:
            self._stop_recording(reason)

    def _load(self, size: _Size) -> Session:
        fixed = dict(size)
        if self._recorded:
            try:
                return Session(*self._how, size=fixed, recorded=True)
            except BackendError as error:
                self._stop_recording(error)
        return Session(*self._how, size=fixed)

    def _stop_recording(self, reason: BackendError | OutOfMemoryError) -> None:
        if self._recorded:
            log.info("Steps run without CUDA graphs, as they cannot be recorded. (%s)", reason)
        self._recorded = False
        for size in [size for size, session in self._kept.items() if session.recorded]:
            del self._kept[size]
