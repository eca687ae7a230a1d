"""The 1x1 convolution and its gradient, against their definition in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

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
from onnxdream.lowering.accelerated.weights import padded
from running import session_of

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="the operators were not compiled")

GATES = st.sampled_from([(-INFINITE, INFINITE), (0.0, INFINITE), (-0.5, 1.0)])
SIZES = st.tuples(
    st.integers(1, 2),
    st.integers(1, 40),
    st.integers(1, 130),
    st.integers(0, 9),
    st.integers(1, 15),
)
"""Images, channels before and after, height, width."""


def run(
    op: str,
    operands: Mapping[str, np.ndarray | None],
    weights: np.ndarray,
    block: int,
    **attributes: float,
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
        {"w": blocked_weight(weights, block)},
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


def convolved(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.einsum("oc,nchw->nohw", weights[:, :, 0, 0], x, dtype=np.float64)


def check(made: list[np.ndarray], expected: np.ndarray, block: int) -> None:
    wanted = blocked(padded(expected, 1, block), block)
    for found in made:
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@given(
    sizes=SIZES,
    block=st.sampled_from(BLOCKS),
    bounds=GATES,
    biased=st.booleans(),
    added=st.booleans(),
    seed=SEEDS,
)
@settings(max_examples=60)
def test_pointwise(
    sizes: tuple[int, int, int, int, int],
    block: int,
    bounds: tuple[float, float],
    biased: bool,
    added: bool,
    seed: int,
) -> None:
    images, channels, outputs, *size = sizes
    x = numbers(seed, images, channels, *size)
    weights = numbers(seed + 1, outputs, channels, 1, 1)
    bias = numbers(seed + 2, outputs)
    total = numbers(seed + 3, images, outputs, *size)
    made = run(
        "Pointwise",
        {
            "x": padded(x, 1, block),
            "w": None,
            "b": padded(bias, 0, block) if biased else None,
            "total": padded(total, 1, block) if added else None,
        },
        weights,
        block,
        low=bounds[0],
        high=bounds[1],
    )
    expected = convolved(x, weights) + bias[:, None, None] * biased + total * added
    check(made, np.clip(expected, *bounds), block)


@given(
    sizes=SIZES,
    block=st.sampled_from(BLOCKS),
    gates=st.tuples(GATES, GATES),
    gating=st.tuples(st.booleans(), st.booleans()),
    added=st.booleans(),
    seed=SEEDS,
)
@settings(max_examples=60)
def test_pointwise_grad(
    sizes: tuple[int, int, int, int, int],
    block: int,
    gates: tuple[tuple[float, float], tuple[float, float]],
    gating: tuple[bool, bool],
    added: bool,
    seed: int,
) -> None:
    images, channels, outputs, *size = sizes
    g = numbers(seed, images, channels, *size)
    weights = numbers(seed + 1, outputs, channels, 1, 1)
    # Coarse numbers fall on the bounds of the gates, too.
    y = coarse(seed + 2, images, channels, *size)
    x = coarse(seed + 3, images, outputs, *size)
    total = numbers(seed + 4, images, outputs, *size)
    made = run(
        "PointwiseGrad",
        {
            "g": padded(g, 1, block),
            "y": padded(y, 1, block) if gating[0] else None,
            "w": None,
            "x": padded(x, 1, block) if gating[1] else None,
            "total": padded(total, 1, block) if added else None,
        },
        weights,
        block,
        gate_low=gates[0][0],
        gate_high=gates[0][1],
        low=gates[1][0],
        high=gates[1][1],
    )
    expected = convolved(gated(g, y, *gates[0]) if gating[0] else g, weights) + total * added
    check(made, gated(expected, x, *gates[1]) if gating[1] else expected, block)


def test_what_is_not_a_number_stays_so() -> None:
    x = numbers(0, 1, 16, 2, 7)
    x[0, 3, 1, 2] = np.nan
    weights = numbers(1, 16, 16, 1, 1)
    for bounds in ({}, {"low": 0.0}, {"low": 0.0, "high": 6.0}):
        for made in run("Pointwise", {"x": x, "w": None}, weights, 16, **bounds):
            assert np.isnan(made).sum() == 16


FITTING: dict[str, list[tuple[int, ...] | None]] = {
    "Pointwise": [(2, 8, 3, 4), (16, 8, 1, 1), (16,), (2, 16, 3, 4)],
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
