"""Operators behind a convolution that has left the image behind: one network each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from onnxdream.graph import IMAGE, Builder, Graph, Tensor
from rules import random
from small_networks import FLOAT32

__all__ = ["CASES", "LAYER", "case_graph"]

LAYER = "layer"

Behind = Callable[[Builder, str], str]
"""Appends operators behind a tensor of 8 channels, and returns what they make."""


def simple(op: str, **attributes: object) -> Behind:
    return lambda b, x: b(op, x, **attributes)


def with_weights(op: str, *shape: int, **attributes: object) -> Behind:
    return lambda b, x: b(op, x, b.constant(0.5 * random(*shape)), **attributes)


def pool(op: str, **attributes: object) -> Behind:
    return simple(op, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], **attributes)


def flat(b: Builder, x: str) -> str:
    return b("Reshape", b("Flatten", x), b.ints(-1, 8))


def matrix(op: str, **attributes: object) -> Behind:
    return lambda b, x: b(op, flat(b, x), b.constant(0.5 * random(8, 5)), **attributes)


def halves(b: Builder, x: str) -> str:
    first, second = b.many("Split", [x, b.ints(3, 5)], 2, axis=1)
    return b("Concat", b("Neg", second), b("Identity", first), axis=1)


def dropped(b: Builder, x: str) -> str:
    first, _ = b.many("Split", [x, b.ints(3, 5)], 2, axis=1)
    return first


def shuffled(b: Builder, x: str) -> str:
    turned = b("Transpose", x, perm=[0, 2, 3, 1])
    return b("Squeeze", b("Unsqueeze", turned, b.ints(1)), b.ints(1))


def summed(b: Builder, x: str) -> str:
    column = b.constant(random(8, 1, 1))
    return b("Sum", b("Sub", b("Add", x, column), b("Mul", x, column)), x)


CASES: dict[str, Behind] = {
    "Abs": simple("Abs"),
    "Add Mul Sub Sum": summed,
    "AveragePool": pool("AveragePool"),
    "AveragePool, padding counts": pool("AveragePool", count_include_pad=1, ceil_mode=1),
    "AveragePool, stride 1": simple("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "Clip": lambda b, x: b("Clip", x, b.constant(-0.5), b.constant(0.75)),
    "Clip, above": lambda b, x: b("Clip", x, None, b.constant(0.75)),
    "Clip, nowhere": simple("Clip"),
    "Concat Identity Neg Split": halves,
    "Conv": with_weights("Conv", 6, 8, 3, 3, pads=[1, 1, 1, 1]),
    "Conv, stride 2": with_weights("Conv", 6, 8, 3, 3, strides=[2, 2]),
    "Conv, depthwise": with_weights("Conv", 8, 1, 3, 3, group=8, auto_pad="SAME_UPPER"),
    "Div": lambda b, x: b("Div", x, b.constant(np.linspace(1, 2, 8).reshape(8, 1, 1))),
    "Dropout": simple("Dropout"),
    "Elu": simple("Elu", alpha=0.7),
    "Flatten Gemm Reshape": matrix("Gemm", alpha=0.5),
    "Gather": lambda b, x: b("Gather", x, b.ints(5, 1, 1, 7), axis=1),
    "Gemm": lambda b, x: b(
        "Gemm", flat(b, x), b.constant(random(8, 5)), b.constant(random(5)), beta=0.3
    ),
    "GlobalMaxPool": simple("GlobalMaxPool"),
    "HardSigmoid": simple("HardSigmoid", alpha=0.3, beta=0.4),
    "HardSwish": simple("HardSwish"),
    "LeakyRelu": simple("LeakyRelu", alpha=0.1),
    "MatMul": matrix("MatMul"),
    "MaxPool": pool("MaxPool"),
    "PRelu": with_weights("PRelu", 8, 1, 1),
    "Pad": lambda b, x: b("Pad", x, b.ints(1, 2, 0, 3), b.constant(0.5), b.ints(2, 3)),
    "Pad, reflected": lambda b, x: b(
        "Pad", x, b.ints(1, 2, 0, 3), None, b.ints(2, 3), mode="reflect"
    ),
    "Relu": simple("Relu"),
    "Sigmoid": simple("Sigmoid"),
    "Slice": lambda b, x: b("Slice", x, b.ints(1), b.ints(4), b.ints(2)),
    "Slice, every second": lambda b, x: b("Slice", x, b.ints(0), b.ints(8), b.ints(1), b.ints(2)),
    "Split, one part": dropped,
    "Squeeze Transpose Unsqueeze": shuffled,
    "Tanh": simple("Tanh"),
    # These stay in float32, between two casts.
    "LRN": simple("LRN", size=3, alpha=0.5),
    "Softplus": simple("Softplus"),
    "GlobalAveragePool": simple("GlobalAveragePool"),
}
"""By the operators that they are of."""


def case_graph(case: str) -> Graph:
    """A network of a case, whose layer is `LAYER`."""
    graph = Graph([], {}, {IMAGE: Tensor(FLOAT32, (1, 3, "H", "W"))}, {})
    b = Builder(graph, "network")
    weights = b.constant(0.15 * random(8, 3, 4, 4))
    behind = b("Conv", IMAGE, weights, strides=[4, 4])
    b.call_output(CASES[case](b, behind), LAYER, Tensor(FLOAT32, None))
    return graph
