"""1x1 convolutions of stride 1, which compiled operators make, add up and gate at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...graph import DOMAIN
from .gates import Gate, PendingGate
from .layout import Layout, Part
from .weights import blocked

__all__ = ["Target", "pointwise", "pointwise_grad"]


def pointwise(
    at: Layout, x: str, weight: str, bias: str | None, total: str | None, bounds: Gate
) -> str:
    """A 1x1 convolution of blocked tensors, added to the total and clipped to the bounds."""
    operands = x, weight, bias, total
    return at.write("Pointwise", *operands, domain=DOMAIN, block=at.block, **bounds._asdict())


class Target(NamedTuple):
    """A part of x, with respect to which a gradient is made."""

    x: Part
    gate: Gate = Gate()
    """Where the gradient passes, by x."""
    total: str | None = None
    """What it is added to."""


def pointwise_grad(at: Layout, incoming: PendingGate, turned: np.ndarray, target: Target) -> str:
    """The gradient of a 1x1 convolution; what comes in and what is made are gated.

    All parts of what comes in are convolved with their columns of the turned weights, and
    added up.
    """
    gradients, gating = at.aligned([incoming.g, incoming.y]) or ([], [])
    total, start = target.total, 0
    for part, y in zip(gradients, gating, strict=True):
        here = slice(start, start := start + part.channels)
        gate = target.gate if part is gradients[-1] else Gate()
        total = at.write(
            "PointwiseGrad",
            part.name,
            y.name if incoming.gate != Gate() else None,
            at.write.constant(blocked(turned[:, here], at.block)),
            target.x.name if gate != Gate() else None,
            total,
            domain=DOMAIN,
            block=at.block,
            gate_low=incoming.gate.low,
            gate_high=incoming.gate.high,
            **gate._asdict(),
        )
    assert total is not None
    return total
