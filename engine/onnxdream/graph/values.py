"""Numbers that shapes are computed from.

A network may compute a shape from other shapes: target sizes of a Reshape, bounds of a
Slice, repeats of a Tile. Once the image's size is fixed, so are they.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from onnx import helper

from .ir import Node

__all__ = ["value_of"]

_MOST = 256
"""Shapes have few numbers: what has more is no longer followed."""

Values = Sequence[np.ndarray | None]

_RAISED = (ArithmeticError, IndexError, KeyError, TypeError, ValueError)
"""What NumPy raises on operands that do not fit; onnx says then what is wrong with them."""


def value_of(node: Node, inputs: Values, shape: tuple[int, ...] | None) -> np.ndarray | None:
    """What a node makes of small arrays, or of a shape; None where that is not known.

    Parameters
    ----------
    node : Node
        A node with one output.
    inputs : sequence of ndarray or None
        What it reads, None for what is absent; at least one array, or none of them where
        the node asks for the shape only.
    shape : tuple of int, optional
        The shape of its first input, where that is known.
    """
    try:
        if node.op in _OF_SHAPES:
            return None if shape is None else _OF_SHAPES[node.op](node, shape)
        if node.op not in _OF_VALUES:
            return None
        with np.errstate(all="ignore"):
            made = np.asarray(_OF_VALUES[node.op](node, inputs))
    except _RAISED:
        return None
    return made if made.size <= _MOST and made.dtype.kind in "biuf" else None


def _shape(node: Node, shape: tuple[int, ...]) -> np.ndarray:
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    return np.array(shape[start:end], np.int64)


def _size(node: Node, shape: tuple[int, ...]) -> np.ndarray:
    return np.array(np.prod(shape, dtype=object), np.int64)


_OF_SHAPES: dict[str, Callable[[Node, tuple[int, ...]], np.ndarray]] = {
    "Shape": _shape,
    "Size": _size,
}

_Evaluate = Callable[[Node, Values], np.ndarray]


def _elementwise(function: Callable[..., np.ndarray]) -> _Evaluate:
    return lambda node, inputs: function(*map(_known, inputs))


def _folded(function: Callable[..., np.ndarray]) -> _Evaluate:
    """Of two or more operands, one after the other."""

    def evaluate(node: Node, inputs: Values) -> np.ndarray:
        first, *rest = map(_known, inputs)
        for value in rest:
            first = function(first, value)
        return first

    return evaluate


def _known(value: np.ndarray | None) -> np.ndarray:
    if value is None:
        raise ValueError("an operand is absent")
    return value


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whole numbers are rounded towards zero."""
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    if not np.all(b):
        raise ZeroDivisionError
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)), a.dtype)


def _cast(node: Node, inputs: Values) -> np.ndarray:
    value = _known(inputs[0])
    return value.astype(helper.tensor_dtype_to_np_dtype(node.integer("to", 0)))


def _concat(node: Node, inputs: Values) -> np.ndarray:
    return np.concatenate([_known(value) for value in inputs], node.integer("axis", 0))


def _gather(node: Node, inputs: Values) -> np.ndarray:
    data, places = map(_known, inputs)
    return np.asarray(np.take(data, places, node.integer("axis", 0)))


def _slice(node: Node, inputs: Values) -> np.ndarray:
    data, starts, ends = map(_known, inputs[:3])
    axes, steps = (*inputs[3:], None, None)[:2]
    count = len(starts)
    axes = np.arange(count) if axes is None else axes
    steps = np.ones(count, np.int64) if steps is None else steps
    where = [slice(None)] * data.ndim
    vectors = (vector.tolist() for vector in (axes, starts, ends, steps))
    for axis, start, end, step in zip(*vectors, strict=True):
        # What ends before the first element, going backwards, has no end here.
        stop = None if step < 0 and end < -data.shape[axis] else end
        where[axis] = slice(start, stop, step)
    return data[tuple(where)]


def _axes(inputs: Values) -> tuple[int, ...] | None:
    axes = (*inputs, None)[1]
    return None if axes is None else tuple(axes.ravel().tolist())


def _squeeze(node: Node, inputs: Values) -> np.ndarray:
    return np.squeeze(_known(inputs[0]), _axes(inputs))


def _unsqueeze(node: Node, inputs: Values) -> np.ndarray:
    return np.expand_dims(_known(inputs[0]), _axes(inputs) or ())


def _reshape(node: Node, inputs: Values) -> np.ndarray:
    data, target = map(_known, inputs)
    if node.integer("allowzero", 0):
        return data.reshape(target.tolist())
    return data.reshape([d or data.shape[axis] for axis, d in enumerate(target.tolist())])


def _constant_of_shape(node: Node, inputs: Values) -> np.ndarray:
    shape = _known(inputs[0]).tolist()
    if np.prod(shape, dtype=object) > _MOST:
        raise ValueError("more than a shape")
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32)))
    return np.full(shape, value.item(), value.dtype)


_OF_VALUES: dict[str, _Evaluate] = {
    "Abs": _elementwise(np.abs),
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Ceil": _elementwise(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divide),
    "Equal": _elementwise(np.equal),
    "Floor": _elementwise(np.floor),
    "Gather": _gather,
    "Identity": _elementwise(np.asarray),
    "Max": _folded(np.maximum),
    "Min": _folded(np.minimum),
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Unsqueeze": _unsqueeze,
    "Where": _elementwise(np.where),
}
