"""What lies on the device while a picture ascends."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from ..errors import BackendError
from ..graph import LOSS
from ..step import MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE
from .providers import onnxruntime
from .session import Session, run_error

__all__ = ["Buffers"]

_ALIKE = 1e-2
"""How far a replayed step may be from the step itself, whose sums need not have an order."""

_UNRECORDED = -1
_recordings = count(1)
"""Numbers for recordings: each is of buffers at their addresses, and good for no others."""


class Buffers:
    """What the steps on pictures of one size read and write, on the device.

    The picture has two buffers, which take turns: in turn 0 a step reads the
    first and writes the second, in turn 1 the other way round.

    Parameters
    ----------
    session : Session
        What runs a step.
    height, width : int
        The size of the pictures in pixels.
    values : mapping of str to ndarray
        The other inputs, which stay the same from step to step; others of the
        same shapes may follow.
    terms : mapping of str to str
        The graph's output for each layer whose share of the loss is told.

    Raises
    ------
    BackendError
        If the session records, and the step cannot be recorded.
    """

    def __init__(
        self,
        session: Session,
        height: int,
        width: int,
        values: Mapping[str, np.ndarray],
        terms: Mapping[str, str],
    ) -> None:
        self._values = onnxruntime().OrtValue
        self._place = session.backend.provider, session.backend.device
        self.pictures = [self._room((height, width, 3)) for _ in range(2)]
        self.values = {name: self._room(v.shape, v.dtype) for name, v in values.items()}
        self.shift = self._room((2,), np.int64)
        self.step_size, self.loss, self.mean = (self._room(()) for _ in range(3))
        self.terms = {layer: self._room(()) for layer in terms}
        self._told = {terms[layer]: value for layer, value in self.terms.items()}
        self._bindings = [self.bound(session, self.pictures[turn], turn) for turn in range(2)]
        self._options = [None, None]
        if session.recorded:
            self._options = [_options(next(_recordings)) for _ in range(2)]
            self._rehearse(session, values)

    def bound(self, session: Session, source: Any, turn: int) -> Any:
        """A binding for a step from a value on the device, whichever buffer has its turn."""
        binding = session.inner.io_binding()
        inputs = {PICTURE: source, SHIFT: self.shift, STEP_SIZE: self.step_size}
        for name, value in (inputs | self.values).items():
            binding.bind_ortvalue_input(name, value)
        outputs = {NEXT: self.pictures[1 - turn], LOSS: self.loss, MEAN: self.mean}
        for name, value in (outputs | self._told).items():
            binding.bind_ortvalue_output(name, value)
        return binding

    def run(self, session: Session, turn: int, binding: Any = None) -> tuple[float, float]:
        """Take a step, and return its loss and the mean of its gradient.

        Parameters
        ----------
        session : Session
            The session that all this was made for.
        turn : {0, 1}
            Which buffer is read.
        binding : IOBinding, optional
            What `bound` made, if it is not that buffer; such a step is not recorded.
        """
        if binding is None:
            session.run_bound(self._bindings[turn], self._options[turn])
        else:
            session.run_bound(binding, _options(_UNRECORDED) if session.recorded else None)
        return float(self.loss.numpy()), float(self.mean.numpy())

    def set(self, values: Mapping[str, np.ndarray]) -> None:
        """Put values into the inputs that stay the same from step to step."""
        for name, value in values.items():
            self.values[name].update_inplace(value)

    def _room(self, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        try:
            return self._values.ortvalue_from_shape_and_type(shape, dtype, *self._place)
        except Exception as error:  # as of a run
            raise run_error(error) from error

    def _rehearse(self, session: Session, values: Mapping[str, np.ndarray]) -> None:
        """Record both turns, once what they need has been allocated, and compare."""
        noise = np.random.default_rng(0).random(self.pictures[0].shape(), np.float32)
        self.set(values)
        self.shift.update_inplace(np.zeros(2, np.int64))
        self.step_size.update_inplace(np.array(1, np.float32))
        for turn, binding in enumerate(self._bindings):
            self.pictures[turn].update_inplace(noise)
            plain, replayed = self.run(session, turn, binding), self.run(session, turn)
            if not np.allclose(plain, replayed, rtol=_ALIKE, atol=0, equal_nan=True):
                raise BackendError("A replayed step differs from the step that was recorded.")


def _options(recording: int) -> Any:
    """Of a run that is recorded, and replayed, under a number."""
    options = onnxruntime().RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(recording))
    return options
