"""The activation behind a convolution, which the convolution can take along."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...graph import Attribute, Node
from .gates import Gate
from .layout import Layout

__all__ = ["Activation", "activation_behind"]


class Activation(NamedTuple):
    """A Relu or a Clip."""

    node: Node
    attributes: dict[str, Attribute]
    """How ONNX Runtime's convolutions are told of it."""
    bounds: Gate
    """Where its gradient passes, and what it clips to."""


def activation_behind(at: Layout, output: str) -> Activation | None:
    """The activation that alone reads a convolution's output.

    Only such as leave zero at zero: a block may be filled up with zeros.
    """
    reader = at.only_reader(output)
    if reader is None or reader.domain:
        return None
    if reader.op == "Relu":
        return Activation(reader, {"activation": "Relu"}, Gate(low=0.0))
    if reader.op != "Clip":
        return None
    limit = float(np.finfo(np.float32).max)
    low = at.number(reader.input(1), -limit)
    high = at.number(reader.input(2), limit)
    if low is None or high is None or not low <= 0 <= high:
        return None
    attributes: dict[str, Attribute] = {"activation": "Clip", "activation_params": [low, high]}
    return Activation(reader, attributes, Gate(low, high))
