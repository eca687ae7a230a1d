"""Activations, one number in and one number out.

At a kink the gradient passes only strictly inside, as in PyTorch's relu and
hardtanh.
"""

from __future__ import annotations

from ..graph import Node
from .table import gradient_of
from .tape import Tape


@gradient_of("Relu")
def relu(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t.left("ReluGrad", y, g, like=y)]


@gradient_of("Clip")
def clip(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t.left("ClipGrad", y, g, node.input(1), node.input(2), like=y)]


@gradient_of("LeakyRelu")
def leaky_relu(t: Tape, node: Node, g: str) -> list[str | None]:
    x, alpha = node.inputs[0], node.number("alpha", 0.01)
    slope = t("Add", t.scaled(t.positive(x), 1 - alpha, x), t.number(alpha, x))
    return [t("Mul", g, slope)]


@gradient_of("PRelu")
def p_relu(t: Tape, node: Node, g: str) -> list[str | None]:
    (x, alpha), y = node.inputs, node.outputs[0]
    inside = t.positive(x)
    outside = t("Sub", t.number(1, x), inside)
    gx = t("Mul", g, t("Add", inside, t("Mul", outside, alpha)))
    galpha = t("Mul", g, t("Mul", outside, x))
    return [gx, t.sum_back(galpha, y, alpha)]


@gradient_of("Elu")
def elu(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    inside = t.positive(y)
    outside = t("Sub", t.number(1, y), inside)
    tail = t("Add", y, t.number(node.number("alpha", 1.0), y))
    return [t("Mul", g, t("Add", inside, t("Mul", outside, tail)))]


@gradient_of("Sigmoid")
def sigmoid(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t("Mul", g, t("Mul", y, t("Sub", t.number(1, y), y)))]


@gradient_of("Tanh")
def tanh(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t("Mul", g, t("Sub", t.number(1, y), t("Mul", y, y)))]


@gradient_of("Softplus")
def softplus(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Mul", g, t("Sigmoid", node.inputs[0]))]


@gradient_of("HardSigmoid")
def hard_sigmoid(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    inside = t.left("ClipGrad", y, g, t.number(0, y), t.number(1, y), like=y)
    return [t.scaled(inside, node.number("alpha", 0.2), y)]


@gradient_of("HardSwish")
def hard_swish(t: Tape, node: Node, g: str) -> list[str | None]:
    """d/dx of x·h(x), where h is the hard sigmoid of slope 1/6."""
    x = node.inputs[0]
    h = t("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    slope = t.scaled(t("Mul", g, x), 1 / 6, x)
    inside = t.left("ClipGrad", h, slope, t.number(0, x), t.number(1, x), like=x)
    return [t("Add", t("Mul", g, h), inside)]
