"""Steps that blur their gradient."""

from __future__ import annotations

import numpy as np

from onnxdream.kernels import gaussian
from onnxdream.step import BLUR

__all__ = ["PARTS", "blurred"]

PARTS = ("blur",)


def blurred(sigma: float) -> dict[str, np.ndarray]:
    """What a step with such a blur is given; 0 changes nothing."""
    return {BLUR: gaussian(sigma)}
