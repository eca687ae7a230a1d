"""The 1x1 and 3x3 convolutions and their gradients, against their definition in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_operators import (
    BLOCKS,
    FLOAT,
    INFINITE,
    LIBRARIES,
    SEEDS,
    blocked,
    coarse,
    gated,
    numbers,
    options,
)

from onnxdream.graph import DOMAIN, Graph, Node, Tensor, to_model
from onnxdream.lowering.accelerated.weights import blocked as blocked_weight
from onnxdream.lowering.accelerated.weights import mixed, padded
from running import session_of

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="the operators were not compiled")


class Kind(NamedTuple):
    """A kind of convolution."""

    op: str
    kernel: int
    lay_out: Callable[[np.ndarray, int], np.ndarray]
    pads: st.SearchStrategy[list[int]]


POINTWISE = Kind("Pointwise", 1, blocked_weight, st.just([0, 0, 0, 0]))
WINOGRAD = Kind("Winograd", 3, mixed, st.lists(st.integers(0, 3), min_size=4, max_size=4))
GATES = st.sampled_from([(-INFINITE, INFINITE), (0.0, INFINITE), (-0.5, 1.0)])
SIZES = st.tuples(
    st.integers(0, 2),
    st.integers(1, 40),
    st.integers(1, 130),
    st.integers(0, 9),
    st.integers(1, 15),
)
"""Images, channels before and after, height, width."""


class Problem(NamedTuple):
    """A convolution to be made, and what comes of it if nothing is gated or added."""

    kind: Kind
    pads: list[int]
    block: int
    seed: int
    x: np.ndarray
    weights: np.ndarray

    def result(self, x: np.ndarray | None = None) -> np.ndarray:
        """The convolution of x, or of another in its place."""
        return convolved(self.x if x is None else x, self.weights, self.pads)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    kind = draw(st.sampled_from([POINTWISE, WINOGRAD]))
    images, channels, outputs, *size = draw(SIZES)
    seed = draw(SEEDS)
    x = numbers(seed, images, channels, *size)
    weights = numbers(seed + 1, outputs, channels, kind.kernel, kind.kernel)
    return Problem(kind, draw(kind.pads), draw(st.sampled_from(BLOCKS)), seed, x, weights)


def run(
    op: str,
    lay_out: Callable[[np.ndarray, int], np.ndarray],
    operands: Mapping[str, np.ndarray | None],
    weights: np.ndarray,
    block: int,
    **attributes: object,
) -> list[np.ndarray]:
    """What an operator makes of blocked tensors, for each variant."""
    names = [name if name == "w" or operands[name] is not None else "" for name in operands]
    while not names[-1]:
        names.pop()
    feeds = {
        name: value if value.ndim == 1 else blocked(value, block)
        for name, value in operands.items()
        if value is not None and name != "w"
    }
    graph = Graph(
        [Node(op, names, ["out"], {"block": block, **attributes}, DOMAIN)],
        {"w": lay_out(weights, block)},
        {name: Tensor(FLOAT, value.shape) for name, value in feeds.items()},
        {"out": Tensor(FLOAT, None)},
    )
    made = []
    for library in LIBRARIES.values():
        runs = [
            session_of(to_model(graph), partial(options, library, threads)).run(None, feeds)[0]
            for threads in (1, 3)
        ]
        assert runs[0].tobytes() == runs[1].tobytes()
        made.append(runs[0])
    return made


def convolved(x: np.ndarray, weights: np.ndarray, pads: list[int]) -> np.ndarray:
    """The sum over taps of the picture, moved, times their weights."""
    top, left, bottom, right = pads
    extent = weights.shape[2]
    x = np.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)])
    height, width = (max(0, size + 1 - extent) for size in x.shape[2:])
    total = np.zeros((len(x), len(weights), height, width))
    for tap_y in range(extent):
        for tap_x in range(extent):
            moved = x[:, :, tap_y : tap_y + height, tap_x : tap_x + width]
            tap = weights[:, :, tap_y, tap_x]
            total += np.einsum("oc,nchw->nohw", tap, moved, dtype=np.float64)
    return total


def check(made: list[np.ndarray], expected: np.ndarray, block: int) -> None:
    wanted = blocked(padded(expected, 1, block), block)
    for found in made:
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@given(problem=problems(), bounds=GATES, biased=st.booleans(), added=st.booleans())
@settings(max_examples=120)
def test_convolution(
    problem: Problem, bounds: tuple[float, float], biased: bool, added: bool
) -> None:
    kind, pads, block, seed, x, weights = problem
    expected = problem.result()
    bias = numbers(seed + 2, len(weights))
    total = numbers(seed + 3, *expected.shape)
    made = run(
        kind.op,
        kind.lay_out,
        {
            "x": padded(x, 1, block),
            "w": None,
            "b": padded(bias, 0, block) if biased else None,
            "total": padded(total, 1, block) if added else None,
        },
        weights,
        block,
        pads=pads,
        low=bounds[0],
        high=bounds[1],
    )
    expected = expected + bias[:, None, None] * biased + total * added
    check(made, np.clip(expected, *bounds), block)


@given(
    problem=problems(),
    gates=st.tuples(GATES, GATES),
    gating=st.tuples(st.booleans(), st.booleans()),
    added=st.booleans(),
)
@settings(max_examples=120)
def test_gradient(
    problem: Problem,
    gates: tuple[tuple[float, float], tuple[float, float]],
    gating: tuple[bool, bool],
    added: bool,
) -> None:
    kind, pads, block, seed, g, weights = problem
    # Coarse numbers fall on the bounds of the gates, too.
    y = coarse(seed + 2, *g.shape)
    expected = problem.result(gated(g, y, *gates[0]) if gating[0] else g)
    x = coarse(seed + 3, *expected.shape)
    total = numbers(seed + 4, *expected.shape)
    made = run(
        f"{kind.op}Grad",
        kind.lay_out,
        {
            "g": padded(g, 1, block),
            "y": padded(y, 1, block) if gating[0] else None,
            "w": None,
            "x": padded(x, 1, block) if gating[1] else None,
            "total": padded(total, 1, block) if added else None,
        },
        weights,
        block,
        pads=pads,
        gate_low=gates[0][0],
        gate_high=gates[0][1],
        low=gates[1][0],
        high=gates[1][1],
    )
    expected = expected + total * added
    check(made, gated(expected, x, *gates[1]) if gating[1] else expected, block)


@pytest.mark.parametrize("kind", [POINTWISE, WINOGRAD], ids=["Pointwise", "Winograd"])
def test_what_is_not_a_number_stays_so(kind: Kind) -> None:
    """And spreads no further than the windows reach, wherever in a tile it lies."""
    weights = numbers(1, 16, 16, kind.kernel, kind.kernel)
    pads = [kind.kernel // 2] * 4
    for place in product((2, 3), (4, 5)):
        x = numbers(0, 1, 16, 6, 8)
        x[0, 3, *place] = np.nan
        for bounds in ({}, {"low": 0.0}, {"low": 0.0, "high": 6.0}):
            operands = {"x": x, "w": None}
            for made in run(kind.op, kind.lay_out, operands, weights, 16, pads=pads, **bounds):
                assert np.isnan(made).sum() == 16 * kind.kernel**2


FITTING: dict[str, list[tuple[int, ...] | None]] = {
    "Pointwise": [(2, 8, 3, 4), (16, 8, 1, 1), (16,), (2, 16, 3, 4)],
    "Winograd": [(2, 8, 5, 6), (16, 8, 4, 4), (16,), (2, 16, 3, 4)],
    "WinogradGrad": [(2, 8, 5, 6), (2, 8, 5, 6), (16, 8, 4, 4), (2, 16, 3, 4), (2, 16, 3, 4)],
    "PointwiseGrad": [(2, 8, 3, 4), (2, 8, 3, 4), (16, 8, 1, 1), (2, 16, 3, 4), (2, 16, 3, 4)],
}


@pytest.mark.parametrize(
    ("op", "index", "shape", "message"),
    [
        ("Pointwise", 0, (8, 3, 4), r"\[N, C, H, W\]"),
        ("Pointwise", 0, (2, 9, 3, 4), "multiple of the block"),
        ("Pointwise", 1, (17, 8, 1, 1), r"\[O, C, 1, 1\]"),
        ("Pointwise", 1, (16, 16, 1, 1), r"\[O, C, 1, 1\]"),
        ("Pointwise", 1, (16, 8, 1, 2), r"\[O, C, 1, 1\]"),
        ("Pointwise", 1, (16, 8), r"\[O, C, 1, 1\]"),
        ("Pointwise", 2, (8,), "bias"),
        ("Pointwise", 3, (2, 16, 3, 5), "its dimensions"),
        ("Pointwise", 3, (16,), r"\[N, C, H, W\]"),
        ("Winograd", 1, (16, 8, 3, 3), r"\[O, C, 4, 4\]"),
        ("Winograd", 3, (2, 16, 5, 6), "its dimensions"),
        ("WinogradGrad", 1, (2, 8, 3, 4), "one shape"),
        ("WinogradGrad", 2, (8, 16, 4, 4), r"\[O, C, 4, 4\]"),
        ("WinogradGrad", 3, (2, 16, 5, 6), "its dimensions"),
        ("PointwiseGrad", 1, (2, 8, 4, 3), "one shape"),
        ("PointwiseGrad", 3, (2, 8, 3, 4), "its dimensions"),
        ("PointwiseGrad", 4, (1, 16, 3, 4), "its dimensions"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    op: str, index: int, shape: tuple[int, ...], message: str
) -> None:
    shapes = list(FITTING[op])
    shapes[index] = shape
    feeds = {f"x{k}": np.zeros(dims, FLOAT) for k, dims in enumerate(shapes) if dims}
    graph = Graph(
        [Node(op, list(feeds), ["out"], {"block": 8}, DOMAIN)],
        {},
        {name: Tensor(FLOAT, value.shape) for name, value in feeds.items()},
        {"out": Tensor(FLOAT, None)},
    )
    session = session_of(to_model(graph), partial(options, next(iter(LIBRARIES.values()))))
    with pytest.raises(Exception, match=message):
        session.run(None, feeds)


def test_a_1x1_convolution_takes_no_pads() -> None:
    x, weights = numbers(0, 1, 8, 3, 4), numbers(1, 8, 8, 1, 1)
    with pytest.raises(Exception, match="no pads"):
        run("Pointwise", blocked_weight, {"x": x, "w": None}, weights, 8, pads=[0, 1, 0, 0])


@pytest.mark.parametrize(
    "geometry", [{"strides": [2, 1]}, {"dilations": [1, 2]}, {"auto_pad": "SAME_UPPER"}]
)
def test_other_windows_are_refused(geometry: dict[str, object]) -> None:
    x, weights = numbers(0, 1, 8, 3, 4), numbers(1, 8, 8, 3, 3)
    with pytest.raises(Exception, match="must be 1"):
        run("Winograd", mixed, {"x": x, "w": None}, weights, 8, **geometry)


def test_infinite_weights_are_mixed_without_a_word():
    """Warnings are errors here."""
    weights = np.full((8, 8, 3, 3), np.float32("inf"))
    assert not np.isfinite(mixed(weights, 8)).all()
