"""Check one operator's gradient against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from onnxdream.autodiff import differentiate
from onnxdream.graph import GRADIENT, IMAGE, LOSS, Builder, Graph, Tensor
from reference import Reference
from running import Lowering

__all__ = ["Build", "check_gradient", "distinct", "forward_graph", "gradient_of_image", "random"]

Build = Callable[[Builder], str]
"""Appends operators behind ``image`` and returns the name of what they make."""

Size = tuple[int | str, int | str]
"""The height and width of an image: numbers where the network takes one size only."""

_FLOAT = np.dtype(np.float32)
_MADE = "made"


def distinct(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between -2 and 2, no two alike and none near 0, in random order.

    Nothing that compares its inputs changes its mind when they move a little.
    """
    count = int(np.prod(shape))
    ladder = np.linspace(-2, 2, count + count % 2)[:count]
    return np.random.default_rng(seed).permutation(ladder).reshape(shape).astype(np.float32)


def random(*shape: int, seed: int = 1) -> np.ndarray:
    """Normally distributed numbers, for weights."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def forward_graph(build: Build, size: Size = ("H", "W")) -> Graph:
    """A graph that makes ``loss`` of what `build` makes of ``image``.

    The loss is the sum of (made + 0.7)², so that its gradient is zero nowhere
    that matters, in particular not where an activation is.
    """
    graph = Graph([], {}, {IMAGE: Tensor(_FLOAT, (1, 3, *size))}, {})
    b = Builder(graph, "network")
    b.call_output(build(b), _MADE, Tensor(_FLOAT, None))
    squares = b("ReduceSumSquare", b("Add", _MADE, b.constant(0.7)), keepdims=0)
    b.call_output(squares, LOSS, Tensor(_FLOAT, ()))
    return graph


def with_gradient(graph: Graph) -> Graph:
    """The same graph with the output ``gradient``."""
    whole = graph.copy()
    gradient = differentiate(whole, LOSS, IMAGE)
    Builder(whole, "test").call_output(gradient, GRADIENT, whole.inputs[IMAGE])
    return whole


def gradient_of_image(
    lowering: Lowering, build: Build, image: np.ndarray, size: Size = ("H", "W")
) -> np.ndarray:
    """The gradient alone, for what finite differences cannot tell."""
    whole = with_gradient(forward_graph(build, size))
    return lowering.run(whole, {IMAGE: image}, [GRADIENT])[0]


def check_gradient(
    lowering: Lowering,
    build: Build,
    image: np.ndarray | None = None,
    size: Size = ("H", "W"),
) -> None:
    """Hold a gradient in float32 against central differences in float64.

    The float64 forward is held against ONNX Runtime's first, so that both
    sides are known to speak of the same operator.
    """
    image = distinct(1, 3, 7, 6) if image is None else image
    graph = forward_graph(build, size)
    made, gradient = lowering.run(with_gradient(graph), {IMAGE: image}, [_MADE, GRADIENT])

    reference = Reference(graph, [_MADE, LOSS])
    expected = reference(image=image)[0]
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())

    direction = np.random.default_rng(2).normal(size=image.shape)
    slope = reference.slope({IMAGE: image.astype(np.float64)}, {IMAGE: direction})
    assert gradient.shape == image.shape
    length = np.linalg.norm(gradient.astype(np.float64))
    assert length > 0
    assert np.vdot(direction, gradient.astype(np.float64)) == pytest.approx(
        slope, abs=1e-4 * length
    )
