"""Dense convolutions of stride 1, which compiled operators make, add up and gate at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...graph import DOMAIN
from .gates import Gate, PendingGate
from .layout import Layout, Part
from .weights import blocked, mixed

__all__ = ["Target", "dense", "dense_grad"]


class _Operator(NamedTuple):
    """How a kernel of some size is convolved with."""

    name: str
    lay_out: Callable[[np.ndarray, int], np.ndarray]


_OPERATORS = {(1, 1): _Operator("Pointwise", blocked), (3, 3): _Operator("Winograd", mixed)}


def dense(
    at: Layout,
    x: str,
    kernel: np.ndarray,
    pads: list[int],
    bias: str | None,
    total: str | None,
    bounds: Gate,
) -> str:
    """A convolution of a blocked tensor, added to the total and clipped to the bounds."""
    operator = _OPERATORS[kernel.shape[2:]]
    return at.write(
        operator.name,
        x,
        at.write.constant(operator.lay_out(kernel, at.block)),
        bias,
        total,
        domain=DOMAIN,
        block=at.block,
        pads=pads,
        **bounds._asdict(),
    )


class Target(NamedTuple):
    """A part of x, with respect to which a gradient is made."""

    x: Part
    gate: Gate = Gate()
    """Where the gradient passes, by x."""
    total: str | None = None
    """What it is added to."""


def dense_grad(
    at: Layout, incoming: PendingGate, turned: np.ndarray, pads: list[int], target: Target
) -> str:
    """The gradient of a convolution; what comes in and what is made are gated.

    All parts of what comes in are convolved with their columns of the turned kernel, and
    added up.
    """
    operator = _OPERATORS[turned.shape[2:]]
    gradients, gating = at.aligned([incoming.g, incoming.y]) or ([], [])
    total, start = target.total, 0
    for part, y in zip(gradients, gating, strict=True):
        here = slice(start, start := start + part.channels)
        # What is gated is the sum.
        gate = target.gate if start == turned.shape[1] else Gate()
        total = at.write(
            f"{operator.name}Grad",
            part.name,
            y.name if incoming.gate != Gate() else None,
            at.write.constant(operator.lay_out(turned[:, here], at.block)),
            target.x.name if gate != Gate() else None,
            total,
            domain=DOMAIN,
            block=at.block,
            pads=pads,
            gate_low=incoming.gate.low,
            gate_high=incoming.gate.high,
            **gate._asdict(),
        )
    assert total is not None
    return total
