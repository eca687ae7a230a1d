"""Sums, products, powers, reductions: what broadcasts and what sums up."""

from __future__ import annotations

import numpy as np

from ..graph import Node
from .table import gradient_of
from .tape import Tape


@gradient_of("Add", "Sum")
def add(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t.sum_back(g, node.outputs[0], x) for x in node.inputs]


@gradient_of("Sub")
def sub(t: Tape, node: Node, g: str) -> list[str | None]:
    (a, b), y = node.inputs, node.outputs[0]
    return [t.sum_back(g, y, a), t.sum_back(t("Neg", g), y, b)]


@gradient_of("Mul")
def mul(t: Tape, node: Node, g: str) -> list[str | None]:
    (a, b), y = node.inputs, node.outputs[0]
    return [t.sum_back(t("Mul", g, b), y, a), t.sum_back(t("Mul", g, a), y, b)]


@gradient_of("Div")
def div(t: Tape, node: Node, g: str) -> list[str | None]:
    (a, b), y = node.inputs, node.outputs[0]
    ga = t("Div", g, b)
    return [t.sum_back(ga, y, a), t.sum_back(t("Neg", t("Mul", ga, y)), y, b)]


@gradient_of("Neg")
def neg(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Neg", g)]


@gradient_of("Abs")
def absolute(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Mul", g, t("Sign", node.inputs[0]))]


@gradient_of("Sqrt")
def sqrt(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    return [t("Div", t.scaled(g, 0.5, y), y)]


@gradient_of("Exp")
def exp(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Mul", g, node.outputs[0])]


@gradient_of("Log")
def log(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("Div", g, node.inputs[0])]


@gradient_of("Pow")
def power(t: Tape, node: Node, g: str) -> list[str | None]:
    (x, p), y = node.inputs, node.outputs[0]
    exponent = t.graph.constant(p)
    if exponent is not None and exponent.size == 1 and exponent.item() == 2:
        gx = t("Mul", t.scaled(g, 2, x), x)
        return [t.sum_back(gx, y, x), None]
    p_float = t("CastLike", p, x)
    lowered = t("Pow", x, t("Sub", p_float, t.number(1, x)))
    gx = t("Mul", g, t("Mul", p_float, lowered))
    gp = t("Mul", g, t("Mul", y, t("Log", x)))
    return [t.sum_back(gx, y, x), t.sum_back(gp, y, p)]


@gradient_of("ReduceSum")
def reduce_sum(t: Tape, node: Node, g: str) -> list[str | None]:
    return [_stretch(t, node, g)]


@gradient_of("ReduceMean")
def reduce_mean(t: Tape, node: Node, g: str) -> list[str | None]:
    averaged = t("Div", t("Size", node.inputs[0]), t("Size", node.outputs[0]))
    return [_stretch(t, node, t("Div", g, t("CastLike", averaged, g)))]


@gradient_of("ReduceSumSquare")
def reduce_sum_square(t: Tape, node: Node, g: str) -> list[str | None]:
    x = node.inputs[0]
    return [t("Mul", t.scaled(_with_ones(t, node, g), 2, x), x)]


def _stretch(t: Tape, node: Node, g: str) -> str:
    """Spread the gradient of a sum evenly over what was summed."""
    return t("Expand", _with_ones(t, node, g), t.shape(node.inputs[0]))


def _with_ones(t: Tape, node: Node, g: str) -> str:
    """The gradient of a reduction with the reduced axes back, as ones."""
    if node.integer("keepdims", 1):
        return g
    rank = t.shapes.rank(node.inputs[0])
    axes = t.graph.constant(node.input(1))
    if node.input(1) and axes is None:
        return t("Unsqueeze", g, node.inputs[1])
    if axes is not None and axes.size:
        return t("Unsqueeze", g, t.ints(*(int(a) % rank for a in np.ravel(axes))))
    if node.integer("noop_with_empty_axes", 0):
        return g
    return t("Unsqueeze", g, t.ints(*range(rank)))
