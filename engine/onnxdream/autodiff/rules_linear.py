"""Matrix products, softmax and the normalizations."""

from __future__ import annotations

from ..graph import DOMAIN, Node
from .table import gradient_of
from .tape import Tape


@gradient_of("MatMul")
def mat_mul(t: Tape, node: Node, g: str) -> list[str | None]:
    (a, b), y = node.inputs, node.outputs[0]
    rank_a, rank_b = t.shapes.rank(a), t.shapes.rank(b)
    if rank_a < 2 or rank_b < 2:
        return [None, None]
    ga = t("MatMul", g, _swapped(t, b, rank_b))
    gb = t("MatMul", _swapped(t, a, rank_a), g)
    return [_sum_batches(t, ga, y, a), _sum_batches(t, gb, y, b)]


@gradient_of("Gemm")
def gemm(t: Tape, node: Node, g: str) -> list[str | None]:
    a, b = node.inputs[:2]
    ta, tb = node.integer("transA", 0), node.integer("transB", 0)
    alpha = node.number("alpha", 1.0)
    if ta:
        ga = t("Gemm", b, g, alpha=alpha, transA=tb, transB=1)
    else:
        ga = t("Gemm", g, b, alpha=alpha, transB=1 - tb)
    if tb:
        gb = t("Gemm", g, a, alpha=alpha, transA=1, transB=ta)
    else:
        gb = t("Gemm", a, g, alpha=alpha, transA=1 - ta)
    if node.input(2) is None:
        return [ga, gb]
    gc = t.sum_back(g, node.outputs[0], node.inputs[2])
    return [ga, gb, t.scaled(gc, node.number("beta", 1.0), a)]


@gradient_of("Softmax")
def softmax(t: Tape, node: Node, g: str) -> list[str | None]:
    y = node.outputs[0]
    axis = t.ints(node.integer("axis", -1))
    mean = t("ReduceSum", t("Mul", g, y), axis, keepdims=1)
    return [t("Mul", y, t("Sub", g, mean))]


@gradient_of("BatchNormalization")
def batch_normalization(t: Tape, node: Node, g: str, *statistics: str | None) -> list[str | None]:
    """Inference only: the statistics are weights, and the operator is a scale and a shift."""
    if node.integer("training_mode", 0):
        return [None]
    scale, variance = node.inputs[1], node.inputs[4]
    epsilon = t.constant(node.number("epsilon", 1e-5))
    factor = t("Div", scale, t("Sqrt", t("Add", variance, epsilon)))
    column = t.ints(-1, *[1] * (t.shapes.rank(node.inputs[0]) - 2))
    return [t("Mul", g, t("Reshape", factor, column))]


@gradient_of("LRN")
def lrn(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t("LRNGrad", node.inputs[0], g, domain=DOMAIN, **node.attributes)]


def _swapped(t: Tape, name: str, rank: int) -> str:
    """A tensor with its last two axes exchanged."""
    return t("Transpose", name, perm=[*range(rank - 2), rank - 1, rank - 2])


def _sum_batches(t: Tape, gradient: str, y: str, source: str) -> str:
    """Undo the broadcast of the leading axes of a matrix product."""
    batch_y, batch_source = t.shapes.dims(y)[:-2], t.shapes.dims(source)[:-2]
    extra = len(batch_y) - len(batch_source)
    stretched = [
        axis + extra
        for axis, extent in enumerate(batch_source)
        if extent == 1 and batch_y[axis + extra] != 1
    ]
    if extra or stretched:
        axes = t.ints(*range(extra), *stretched)
        gradient = t("ReduceSum", gradient, axes)
    return t("Squeeze", gradient, t.ints(*range(extra))) if extra else gradient
