"""The Stepper: gradient ascent on a picture, one step a run."""

from __future__ import annotations

import numpy as np

from .. import kernels
from ..errors import GradientError
from ..feeding import Feeding
from ..graph import LOSS, Graph
from ..lowering import BLUR, MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE, step_graph
from .providers import Backend, onnxruntime
from .session import Session, run_error
from .spelling import Lowering

__all__ = ["Climb", "Stepper"]


class Stepper:
    """A gradient graph with the step around it, loaded for a provider.

    Parameters
    ----------
    gradient : Graph
        A gradient graph.
    feeding : Feeding
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
        feeding: Feeding,
        lowering: Lowering,
        backend: Backend,
        threads: int,
    ) -> None:
        self.backend = backend
        self.lowering = lowering
        self._sessions = lowering.load(step_graph(gradient, feeding), backend, threads)

    def climb(self, picture: np.ndarray, blur: float) -> Climb:
        """Begin to climb from a picture.

        Parameters
        ----------
        picture : ndarray of float32, shape (H, W, 3)
            RGB, 0 to 1.
        blur : float
            σ of the Gaussian blur of the gradient, in pixels; 0 for none.
        """
        session = self._sessions.at(*picture.shape[:2])
        return Climb(session, picture, kernels.gaussian(blur))


class Climb:
    """The steps on one picture of one size.

    It owns two buffers on the device: a step reads one and writes the other.
    Several may climb with one Stepper at once.
    """

    def __init__(self, session: Session, picture: np.ndarray, taps: np.ndarray) -> None:
        self._session = session
        self._values = onnxruntime().OrtValue
        backend = session.backend
        self._place = (backend.provider, backend.device)
        # On the CPU, ONNX Runtime takes the array itself for a buffer, and writes into it.
        start = np.array(picture, np.float32, order="C")
        self._here = self._values.ortvalue_from_numpy(start, *self._place)
        self._there = self._values.ortvalue_from_shape_and_type(
            start.shape, np.float32, *self._place
        )
        self._loss, self._mean, self._step_size = (
            self._values.ortvalue_from_numpy(np.zeros((), np.float32)) for _ in range(3)
        )
        self._shift = self._values.ortvalue_from_numpy(np.zeros(2, np.int64))
        # A binding does not keep alive what is bound to it.
        self._taps = self._values.ortvalue_from_numpy(taps)
        self._binding = session.inner.io_binding()
        self._binding.bind_ortvalue_input(SHIFT, self._shift)
        self._binding.bind_ortvalue_input(STEP_SIZE, self._step_size)
        self._binding.bind_ortvalue_input(BLUR, self._taps)
        self._binding.bind_ortvalue_output(LOSS, self._loss)
        self._binding.bind_ortvalue_output(MEAN, self._mean)

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
        """
        self._shift.update_inplace(np.array(shift, np.int64))
        self._step_size.update_inplace(np.array(step_size, np.float32))
        self._binding.bind_ortvalue_input(PICTURE, self._here)
        self._binding.bind_ortvalue_output(NEXT, self._there)
        try:
            self._session.inner.run_with_iobinding(self._binding)
        except Exception as error:
            raise run_error(error) from error
        mean = float(self._mean.numpy())
        if not (np.isfinite(mean) and mean > 0):
            what = "zero" if mean == 0 else "not a finite number"
            raise GradientError(
                f"The gradient is {what}, so that there is no way up from this picture. "
                "Choose another layer, or check how the network is fed (mean, std, channels)."
            )
        self._here, self._there = self._there, self._here
        return float(self._loss.numpy())

    def picture(self) -> np.ndarray:
        """The picture as it is now, float32 (H, W, 3), RGB, 0 to 1."""
        # What ONNX Runtime returns is a view of the buffer, and outlives it.
        found: np.ndarray = self._here.numpy().copy()
        return found
