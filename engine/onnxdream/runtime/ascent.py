"""The steps on one picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import GradientError
from .buffers import Buffers
from .session import Session

__all__ = ["Ascent"]


class Ascent:
    """The steps on one picture of one size.

    It has buffers of its own on the device; several may ascend with one session
    at once. Those of a session that records are handed on at the end of a
    ``with`` block, with what was recorded.

    Parameters
    ----------
    session : Session
        What runs a step.
    picture : ndarray of float32, shape (H, W, 3), or OrtValue of the same
        Where it begins: on the host, or on the session's device already.
    values : mapping of str to ndarray
        The inputs of the step that stay the same: those of its parts, and the
        weights of the layers where they are not the graph's own.
    terms : mapping of str to str, optional
        The graph's output for each layer whose share of the loss is told.

    Raises
    ------
    BackendError
        If the session records, and the step cannot be recorded.
    """

    def __init__(
        self,
        session: Session,
        picture: Any,
        values: Mapping[str, np.ndarray],
        terms: Mapping[str, str] | None = None,
    ) -> None:
        self._session = session
        height, width = shape_of(picture)[:2]
        try:
            self._buffers: Buffers = session.spare.pop()
        except IndexError:
            self._buffers = Buffers(session, height, width, values, terms or {})
        self._buffers.set(values)
        self.mean = 0.0
        """mean |gradient| of the last step, before it was normalized."""
        self._turn = 0
        self._here: Any = self._buffers.pictures[0]
        self._first: Any = None
        if isinstance(picture, np.ndarray):
            self._here.update_inplace(np.ascontiguousarray(picture, np.float32))
        else:
            self._here = picture
            self._first = self._buffers.bound(session, picture, 0)

    def __enter__(self) -> Ascent:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session.recorded:
            self._session.spare.append(self._buffers)

    def step(self, shift: tuple[int, int], step_size: float) -> float:
        """Take one step.

        Parameters
        ----------
        shift : tuple of two ints
            By how many pixels the picture is rolled down and to the right
            while the network looks at it.
        step_size : float
            How far the mean pixel moves, in 8-bit grey levels.

        Returns
        -------
        float
            The loss before the step.

        Raises
        ------
        GradientError
            If the gradient is zero or not finite.
        BackendError
            If ONNX Runtime fails.
        """
        buffers = self._buffers
        buffers.shift.update_inplace(np.array(shift, np.int64))
        buffers.step_size.update_inplace(np.array(step_size, np.float32))
        loss, mean = buffers.run(self._session, self._turn, self._first)
        if not (np.isfinite(mean) and mean > 0):
            raise GradientError(self._no_way_up(mean))
        self.mean = mean
        self._turn, self._first = 1 - self._turn, None
        self._here = buffers.pictures[self._turn]
        return loss

    def _no_way_up(self, mean: float) -> str:
        what = "zero" if mean == 0 else "not a finite number"
        advice = "Choose another layer, or check how the network is fed (mean, std, channels)."
        if self._session.backend.precision == "fp16" and mean != 0:
            advice = 'Activations above 65504 are infinite in float16: try the precision "fp32".'
        return f"The gradient is {what}, so that there is no way up from this picture. {advice}"

    def losses(self) -> dict[str, float]:
        """Each layer's share of the loss before the last step, where they are told."""
        return {layer: float(value.numpy()) for layer, value in self._buffers.terms.items()}

    def picture(self) -> np.ndarray:
        """The picture as it is now, float32 (H, W, 3), RGB, 0 to 1."""
        # What ONNX Runtime returns is a view of the buffer, and outlives it.
        found: np.ndarray = self._here.numpy().copy()
        return found


def shape_of(picture: Any) -> tuple[int, ...]:
    """The shape of an array or an OrtValue."""
    return picture.shape if isinstance(picture, np.ndarray) else tuple(picture.shape())
