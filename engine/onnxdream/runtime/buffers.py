"""What lies on the device while a picture climbs."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

from ..errors import BackendError
from ..graph import LOSS
from ..lowering import BLUR, MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE
from .providers import onnxruntime
from .session import Session

__all__ = ["Buffers"]

_NOT_RECORDED = -1

_recordings = count(1)
"""Numbers of recordings: each is of two buffers at their addresses, and of nothing else."""


class Buffers:
    """What the steps on pictures of one size read and write, on the device.

    The picture has two buffers, which take turns: the step of turn 0 reads
    the first and writes the second.

    Parameters
    ----------
    session : Session
        What runs a step.
    height, width : int
        The size of the pictures in pixels.
    taps : int
        The length of the filter that blurs the gradient.

    Raises
    ------
    BackendError
        If the session records and a step cannot be recorded.
    """

    def __init__(self, session: Session, height: int, width: int, taps: int) -> None:
        backend = session.backend
        self._place = backend.provider, backend.device
        self._session = session.inner
        self.pictures = self._room(height, width, 3), self._room(height, width, 3)
        self.shift = self._room(2, dtype=np.int64)
        self.taps = self._room(taps)
        self.step_size, self.loss, self.mean = self._room(), self._room(), self._room()
        self._turns = [self.bound(self.pictures[0], 1), self.bound(self.pictures[1], 0)]
        self._options = [None, None]
        if session.recorded:
            self._rehearse(session)
            self._options = [_options(next(_recordings)) for _ in self._turns]
