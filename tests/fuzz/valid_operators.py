"""Valid calls of every operator of ours: the shapes of its tensors, and its attributes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

__all__ = ["OPERATORS", "Call"]

BLOCKS = (1, 1, 4, 8, 16)


class Call(NamedTuple):
    """An operator and what it is given.

    Parameters
    ----------
    inputs : list of [str, list of int]
        The kind of each tensor, ``"f"`` for float32, and its shape; an absent one is None.
    attributes : dict
        By their names.
    outputs : str
        The kind of each.
    """

    inputs: list[Any]
    attributes: dict[str, Any]
    outputs: str = "f"


def _f(*shape: int) -> list[Any]:
    return ["f", list(shape)]


def _gates(random: Random, *prefixes: str) -> dict[str, Any]:
    found = {}
    for prefix in prefixes:
        low, high = random.choice(((None, None), (0.0, None), (0.0, 6.0), (-0.6, 1.1)))
        found |= {f"{prefix}low": low, f"{prefix}high": high}
    return {name: value for name, value in found.items() if value is not None}


class Windows(NamedTuple):
    kernel: list[int]
    strides: list[int]
    pads: list[int]
    dilations: list[int]
    size: list[int]
    counts: list[int]

    @property
    def attributes(self) -> dict[str, Any]:
        return {
            "kernel_shape": self.kernel,
            "strides": self.strides,
            "pads": self.pads,
            "dilations": self.dilations,
        }


def _windows(random: Random, kernels: tuple[int, ...] = (1, 2, 3, 3, 5)) -> Windows:
    kernel, strides, pads, dilations, size, counts = [], [], [0, 0, 0, 0], [], [], []
    for axis in (0, 1):
        k, s, d = random.choice(kernels), random.randint(1, 3), random.choice((1, 1, 2))
        before, after = random.randint(0, k - 1), random.randint(0, k - 1)
        n = (k - 1) * d + 1 + random.choice((0, 1, 2, 7, 20))
        kernel.append(k)
        strides.append(s)
        dilations.append(d)
        pads[axis], pads[axis + 2] = before, after
        size.append(n)
        counts.append((n + before + after - (k - 1) * d - 1) // s + 1)
    return Windows(kernel, strides, pads, dilations, size, counts)


def _blocks(random: Random) -> tuple[int, int, int]:
    """Images, channels and the block that they are in."""
    block = random.choice(BLOCKS)
    return random.choice((1, 1, 2)), block * random.randint(1, 3), block


def gated_sum(random: Random) -> Call:
    shape = [random.randint(1, 5), random.choice((1, 7, 70, 300))]
    terms = random.randint(1, 8)
    return Call([_f(*shape) for _ in range(terms + 1)], _gates(random, ""))


def max_pool_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    w = _windows(random)
    small = _f(n, c, *w.counts)
    more = {"block": block, "ceil_mode": 0} | _gates(random, "")
    return Call([_f(n, c, *w.size), small, small], w.attributes | more)


def average_pool_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    w = _windows(random)._replace(dilations=[1, 1])
    counts = [
        (size + w.pads[k] + w.pads[k + 2] - w.kernel[k]) // w.strides[k] + 1
        for k, size in enumerate(w.size)
    ]
    more = {"block": block, "count_include_pad": random.randint(0, 1)} | _gates(random, "")
    return Call([_f(n, c, *w.size), _f(n, c, *counts)], w.attributes | more)


def interleave(random: Random) -> Call:
    n, c, block = _blocks(random)
    sy, sx = random.randint(1, 3), random.randint(1, 3)
    height, width = random.randint(1, 30), random.randint(1, 30)
    phase = _f(n, c, -(-height // sy), -(-width // sx))
    attributes = {"strides": [sy, sx], "block": block} | _gates(random, "")
    return Call([_f(n, c, height, width), *[phase] * (sy * sx)], attributes)


def pixel_shuffle(random: Random) -> Call:
    n, _, block = _blocks(random)
    channels, sy, sx = random.randint(1, 5), random.randint(1, 3), random.randint(1, 3)
    height, width = random.randint(1, 30), random.randint(1, 30)
    padded = -(-channels * sy * sx // block) * block
    phases = _f(n, padded, -(-height // sy), -(-width // sx))
    attributes = {"strides": [sy, sx], "channels": channels, "block": block}
    return Call([_f(n, channels, height, width), phases], attributes)


def depthwise_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    w = _windows(random)._replace(dilations=[1, 1])
    counts = [
        (size + w.pads[k] + w.pads[k + 2] - w.kernel[k]) // w.strides[k] + 1
        for k, size in enumerate(w.size)
    ]
    small = _f(n, c, *counts)
    more = {"block": block} | _gates(random, "", "gate_")
    return Call([small, small, _f(c, 1, *w.kernel), _f(n, c, *w.size)], w.attributes | more)


def pointwise(random: Random) -> Call:
    n, c, block = _blocks(random)
    d = block * random.randint(1, 3)
    size = [random.randint(1, 9), random.randint(1, 15)]
    b, total = _f(c), _f(n, c, *size)
    inputs = [_f(n, d, *size), _f(c, d, 1, 1), random.choice((b, None)), total]
    return Call(inputs[: random.choice((2, 3, 4))], {"block": block} | _gates(random, ""))


def pointwise_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    d = block * random.randint(1, 3)
    size = [random.randint(1, 9), random.randint(1, 15)]
    g, x = _f(n, c, *size), _f(n, d, *size)
    inputs = [g, random.choice((g, None)), _f(d, c, 1, 1), random.choice((x, None)), x]
    return Call(inputs[: random.choice((3, 4, 5))], {"block": block} | _gates(random, "", "gate_"))


def _winograd_sizes(random: Random) -> tuple[list[int], list[int], list[int]]:
    size, pads = [random.randint(3, 20), random.randint(3, 30)], random.choices((0, 1, 1, 2), k=4)
    return size, pads, [size[k] + pads[k] + pads[k + 2] - 2 for k in (0, 1)]


def winograd(random: Random) -> Call:
    n, c, block = _blocks(random)
    d = block * random.randint(1, 3)
    size, pads, made = _winograd_sizes(random)
    inputs = [_f(n, d, *size), _f(c, d, 4, 4), random.choice((_f(c), None)), _f(n, c, *made)]
    attributes = {"block": block, "pads": pads} | _gates(random, "")
    return Call(inputs[: random.choice((2, 3, 4))], attributes)


def winograd_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    d = block * random.randint(1, 3)
    size, pads, made = _winograd_sizes(random)
    # Of the gradient, pads are what its own convolution needs.
    g, x = _f(n, c, *size), _f(n, d, *made)
    inputs = [g, random.choice((g, None)), _f(d, c, 4, 4), random.choice((x, None)), x]
    attributes = {"block": block, "pads": pads} | _gates(random, "", "gate_")
    return Call(inputs[: random.choice((3, 4, 5))], attributes)


def _marks(n: int, channels: int, block: int, size: list[int]) -> list[Any]:
    return ["u", [n, channels // block * -(-block // 8), *size]]


def expanded_depthwise(random: Random) -> Call:
    n, c, block = _blocks(random)
    e = block * random.randint(1, 4)
    w = _windows(random, (3, 5))._replace(dilations=[1, 1])
    inputs = [_f(n, c, *w.size), _f(e, c, 1, 1), _f(e), _f(e, 1, *w.kernel), _f(e)]
    more = {"block": block, "channels": random.randint(1, c)} | _gates(random, "", "expand_")
    return Call(inputs, w.attributes | more, "fuu")


def expanded_depthwise_grad(random: Random) -> Call:
    n, c, block = _blocks(random)
    e = block * random.randint(1, 4)
    w = _windows(random, (3, 5))._replace(dilations=[1, 1])
    counts = [
        (size + w.pads[k] + w.pads[k + 2] - w.kernel[k]) // w.strides[k] + 1
        for k, size in enumerate(w.size)
    ]
    inputs = [
        _f(n, e, *counts),
        _marks(n, e, block, counts),
        _f(e, 1, *w.kernel),
        _marks(n, e, block, w.size),
        _f(c, e, 1, 1),
        _f(n, c, *w.size),
    ]
    more = {"block": block, "channels": random.randint(1, c)}
    return Call(inputs[: random.choice((5, 6))], w.attributes | more)


def lrn_grad(random: Random) -> Call:
    shape = [random.randint(1, k) for k in (2, 9, 20, 20)]
    attributes = {"size": random.randint(1, 6), "alpha": 0.3, "beta": 0.75, "bias": 1.5}
    return Call([_f(*shape), _f(*shape)], attributes)


_FED = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}


def jitter(random: Random) -> Call:
    size = [random.randint(1, 50), random.randint(1, 50)]
    return Call([_f(*size, 3), ["i", [2]]], {"bgr": random.randint(0, 1)} | _FED)


def unjitter(random: Random) -> Call:
    size = [random.randint(1, 50), random.randint(1, 50)]
    attributes = {"bgr": random.randint(0, 1), "std": _FED["std"]}
    return Call([_f(1, 3, *size), ["i", [2]]], attributes)


def blur(random: Random) -> Call:
    size = [random.randint(1, 50), random.randint(1, 50)]
    return Call([_f(*size, 3), _f(2 * random.randint(0, 6) + 1)], {})


def ascend(random: Random) -> Call:
    size = [random.randint(1, 150), random.randint(1, 150)]
    return Call([_f(*size, 3), _f(*size, 3), _f()], {}, "ff")


OPERATORS: dict[str, Callable[[Random], Call]] = {
    "GatedSum": gated_sum,
    "MaxPoolGrad": max_pool_grad,
    "AveragePoolGrad": average_pool_grad,
    "Interleave": interleave,
    "PixelShuffle": pixel_shuffle,
    "DepthwiseGrad": depthwise_grad,
    "Pointwise": pointwise,
    "PointwiseGrad": pointwise_grad,
    "Winograd": winograd,
    "WinogradGrad": winograd_grad,
    "ExpandedDepthwise": expanded_depthwise,
    "ExpandedDepthwiseGrad": expanded_depthwise_grad,
    "LRNGrad": lrn_grad,
    "Jitter": jitter,
    "Unjitter": unjitter,
    "Blur": blur,
    "Ascend": ascend,
}
"""Every operator, by what makes a valid call of it."""
