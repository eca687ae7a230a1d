"""Activations, one number in and one number out.

At a kink the gradient passes only strictly inside, as in PyTorch's relu and
hardtanh.
"""

from __future__ import annotations

from ..graph import DOMAIN, Node
from .table import gradient_of
from .tape import Tape


@gradient_of("Relu")
def relu(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("ReluGrad", node.outputs[0], g, domain=DOMAIN)]


@gradient_of("Clip")
def clip(t: Tape, node: Node, g: str) -> list[str | None]:
    bounds = [node.input(1), node.input(2)]
    return [t("ClipGrad", node.outputs[0], g, *bounds, domain=DOMAIN)]


@gradient_of("LeakyRelu")
def leaky_relu(t: Tape, node: Node, g: str) -> list[str | None]:
    alpha = node.number("alpha", 0.01)
    inside = t.positive(node.inputs[0])
    slope = t("Add", t.scaled(inside, 1 - alpha), t.constant(alpha))
    return [t("Mul", g, slope)]


@gradient_of("PRelu")
def p_relu(t: Tape, node: Node, g: str) -> list[str | None]:
    (x, alpha), y = node.inputs, node.outputs[0]
    inside = t.positive(x)
    outside = t("Sub", t.constant(1), inside)
    gx = t("Mul", g, t("Add", inside, t("Mul", outside, alpha)))
    galpha = t("Mul", g, t("Mul", outside, x))
    return [gx, t.sum_back(galpha, y, alpha)]


@gradient_of("Elu")
def elu(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    inside = t.positive(y)
    outside = t("Sub", t.constant(1), inside)
    tail = t("Add", y, t.constant(node.number("alpha", 1.0)))
    return [t("Mul", g, t("Add", inside, t("Mul", outside, tail)))]


@gradient_of("Sigmoid")
def sigmoid(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t("Mul", g, t("Mul", y, t("Sub", t.constant(1), y)))]


@gradient_of("Tanh")
def tanh(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t("Mul", g, t("Sub", t.constant(1), t("Mul", y, y)))]


@gradient_of("Softplus")
def softplus(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Mul", g, t("Sigmoid", node.inputs[0]))]


@gradient_of("HardSigmoid")
def hard_sigmoid(t: Tape, node: Node, g: str) -> list[str | None]:
    bounds = t.constant(0), t.constant(1)
    inside = t("ClipGrad", node.outputs[0], g, *bounds, domain=DOMAIN)
    return [t.scaled(inside, node.number("alpha", 0.2))]


@gradient_of("HardSwish")
def hard_swish(t: Tape, node: Node, g: str) -> list[str | None]:
    """d/dx of x·h(x), where h is the hard sigmoid of slope 1/6."""
    x = node.inputs[0]
    h = t("HardSigmoid", x, alpha=1 / 6, beta=0.5)
    slope = t.scaled(t("Mul", g, x), 1 / 6)
    inside = t("ClipGrad", h, slope, t.constant(0), t.constant(1), domain=DOMAIN)
    return [t("Add", t("Mul", g, h), inside)]
