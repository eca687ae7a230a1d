"""The two operators that never store an expanded tensor, against their definition in NumPy."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_operators import (
    BLOCKS,
    FLOAT,
    LIBRARIES,
    SEEDS,
    Windows,
    any_windows,
    blocked,
    coarse,
    depthwise_grad,
    gated,
    numbers,
    options,
    windows_of,
)

from onnxdream.graph import DOMAIN, Graph, Node, Tensor, to_model
from onnxdream.lowering.accelerated.weights import blocked as blocked_weight
from onnxdream.lowering.accelerated.weights import blocked_outputs, padded, turned
from running import session_of

pytestmark = pytest.mark.skipif(not LIBRARIES, reason="the operators were not compiled")

BYTES = np.dtype(np.uint8)
INFINITE = float("inf")
# Zero passes through each of them: what fills up the blocks stays zero.
GATES = st.sampled_from([(-INFINITE, INFINITE), (0.0, INFINITE), (-0.5, 1.0)])


class Block:
    """An expanding and a depthwise convolution, with their activations."""

    def __init__(
        self,
        windows: Windows,
        sizes: tuple[int, int, int],
        block: int,
        gates: tuple[tuple[float, float], tuple[float, float]],
        seed: int,
    ) -> None:
        images, channels, expanded = sizes
        size = windows.rows.size, windows.columns.size
        kernel = windows.rows.kernel, windows.columns.kernel
        self.windows, self.block, self.gates, self.channels = windows, block, gates, channels
        # Coarse numbers fall on the bounds of the activations, too.
        self.x = coarse(seed, images, channels, *size)
        self.expand = coarse(seed + 1, expanded, channels, 1, 1)
        self.weight = coarse(seed + 2, expanded, 1, *kernel)
        self.biases = coarse(seed + 3, 2, expanded)
        self.g = numbers(seed + 4, images, expanded, *windows.counts)
        self.total = numbers(seed + 5, images, channels, *size)

    def padded(self, x: np.ndarray) -> np.ndarray:
        """A tensor in blocks, the last one filled up."""
        return blocked(padded(x, 1, self.block), self.block)

    def run(
        self, library: str, threads: int, added: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The result, the gradient, and both marks."""
        block, attributes = self.block, self.windows.attributes | {"block": self.block}
        (expand_low, expand_high), (low, high) = self.gates
        bounds = {
            "expand_low": expand_low,
            "expand_high": expand_high,
            "low": low,
            "high": high,
            "channels": self.channels,
        }
        constants = {
            "expand": blocked_weight(self.expand, block),
            "turned": blocked_weight(turned(self.expand), block),
            "weight": blocked_outputs(self.weight, block),
            "expand_bias": padded(self.biases[0], 0, block),
            "bias": padded(self.biases[1], 0, block),
        }
        feeds = {"x": self.padded(self.x), "g": self.padded(self.g)}
        if added:
            feeds["total"] = self.padded(self.total)
        made = ["y", "expanded marks", "marks"]
        nodes = [
            Node(
                "ExpandedDepthwise",
                ["x", "expand", "expand_bias", "weight", "bias"],
                made,
                attributes | bounds,
                DOMAIN,
            ),
            Node(
                "ExpandedDepthwiseGrad",
                ["g", "marks", "weight", "expanded marks", "turned", *(["total"] * added)],
                ["gradient"],
                attributes,
                DOMAIN,
            ),
        ]
        graph = Graph(
            nodes,
            constants,
            {name: Tensor(FLOAT, value.shape) for name, value in feeds.items()},
            {name: Tensor(BYTES if "marks" in name else FLOAT, None) for name in made}
            | {"gradient": Tensor(FLOAT, None)},
        )
        session = session_of(to_model(graph), partial(options, library, threads))
        y, expanded_marks, marks, gradient = session.run(None, feeds)
        return y, gradient, expanded_marks, marks

    def expected(self, added: bool) -> tuple[np.ndarray, np.ndarray]:
        """The result and the gradient, in float64."""
        expand = self.expand[:, :, 0, 0].astype(np.float64)
        before = np.einsum("ec,nchw->nehw", expand, self.x)
        before += self.biases[0][:, None, None]
        between = np.clip(before, *self.gates[0])
        behind = np.zeros((*before.shape[:2], *self.windows.counts))
        behind += self.biases[1][:, None, None]
        for window, element, i, j in self.windows.taps():
            behind[window] += between[element] * self.weight[:, 0, i, j][:, None, None]
        g = gated(self.g.astype(np.float64), behind, *self.gates[1])
        back = depthwise_grad(g, self.weight, self.windows, before.shape)
        gradient = np.einsum("ec,nehw->nchw", expand, gated(back, before, *self.gates[0]))
        return np.clip(behind, *self.gates[1]), gradient + self.total * added


def check(made: Block, added: bool) -> None:
    wanted = [made.padded(value) for value in made.expected(added)]
    for library in LIBRARIES.values():
        runs = [made.run(library, threads, added) for threads in (1, 3)]
        for one, other in zip(*runs, strict=True):
            assert one.tobytes() == other.tobytes()
        for found, value in zip(runs[0], wanted, strict=False):
            np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-4)


@given(
    windows=any_windows(ceil=False),
    sizes=st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 40)),
    block=st.sampled_from(BLOCKS),
    gates=st.tuples(GATES, GATES),
    added=st.booleans(),
    seed=SEEDS,
)
@settings(max_examples=40)
def test_any_shape(
    windows: Windows,
    sizes: tuple[int, int, int],
    block: int,
    gates: tuple[tuple[float, float], tuple[float, float]],
    added: bool,
    seed: int,
) -> None:
    check(Block(windows, sizes, block, gates, seed), added)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("block", [8, 16])
def test_many_bands(kernel: int, stride: int, block: int) -> None:
    windows = windows_of((90, 61), [kernel, kernel], [stride, stride], auto_pad="SAME_UPPER")
    check(Block(windows, (1, 24, 32), block, ((0.0, 6.0), (0.0, 6.0)), 0), True)


@given(windows=any_windows(ceil=False), block=st.sampled_from(BLOCKS), seed=SEEDS)
@settings(max_examples=20)
def test_every_mark_is_a_bit(windows: Windows, block: int, seed: int) -> None:
    made = Block(windows, (1, 5, 2 * block), block, ((0.0, 6.0), (-0.5, 1.0)), seed)
    for library in LIBRARIES.values():
        y, _, _, marks = made.run(library, 1, False)
        planes = 2, *made.windows.counts
        bits = np.unpackbits(marks.reshape(*planes, -1), axis=-1, bitorder="little")
        values = y.reshape(*planes, block)
        np.testing.assert_array_equal(bits[..., :block], (values > -0.5) & (values < 1))
        assert not bits[..., block:].any()


FITTING = {
    "ExpandedDepthwise": [(1, 8, 6, 6), (16, 8, 1, 1), (16,), (16, 1, 3, 3), (16,)],
    "ExpandedDepthwiseGrad": [
        (1, 16, 4, 4),
        (1, 2, 4, 4),
        (16, 1, 3, 3),
        (1, 2, 6, 6),
        (8, 16, 1, 1),
        (1, 8, 6, 6),
    ],
}


@pytest.mark.parametrize(
    ("op", "index", "shape", "message"),
    [
        ("ExpandedDepthwise", 0, (8, 6, 6), r"\[N, C, H, W\]"),
        ("ExpandedDepthwise", 0, (1, 9, 6, 6), "multiple of the block"),
        ("ExpandedDepthwise", 0, (1, 8, 6, 2), "window's result"),
        ("ExpandedDepthwise", 1, (16, 16, 1, 1), r"\[E, C, 1, 1\]"),
        ("ExpandedDepthwise", 1, (16, 8, 1, 3), r"\[E, C, 1, 1\]"),
        ("ExpandedDepthwise", 2, (8,), "E elements"),
        ("ExpandedDepthwise", 3, (16, 1, 3, 2), "kernel_shape"),
        ("ExpandedDepthwise", 3, (17, 1, 3, 3), "kernel_shape"),
        ("ExpandedDepthwise", 4, (17,), "E elements"),
        ("ExpandedDepthwiseGrad", 0, (1, 16, 5, 4), "each element of g"),
        ("ExpandedDepthwiseGrad", 1, (1, 1, 4, 4), "one N and one C"),
        ("ExpandedDepthwiseGrad", 2, (8, 1, 3, 3), "kernel_shape"),
        ("ExpandedDepthwiseGrad", 3, (1, 2, 6, 7), "window's result"),
        ("ExpandedDepthwiseGrad", 3, (2, 2, 6, 6), "one N and one C"),
        ("ExpandedDepthwiseGrad", 4, (9, 16, 1, 1), r"\[C, E, 1, 1\]"),
        ("ExpandedDepthwiseGrad", 5, (1, 8, 6, 5), "total"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    op: str, index: int, shape: tuple[int, ...], message: str
) -> None:
    wanted = list(FITTING[op])
    wanted[index] = shape
    made = ["a", "b", "c"] if op == "ExpandedDepthwise" else ["a"]
    bytes_in = (1, 3) if op == "ExpandedDepthwiseGrad" else ()
    feeds = {
        f"x{k}": np.zeros(dims, BYTES if k in bytes_in else FLOAT) for k, dims in enumerate(wanted)
    }
    node = Node(op, list(feeds), made, {"kernel_shape": [3, 3], "block": 8, "channels": 8}, DOMAIN)
    graph = Graph(
        [node],
        {},
        {name: Tensor(value.dtype, value.shape) for name, value in feeds.items()},
        {name: Tensor(BYTES if name != "a" else FLOAT, None) for name in made},
    )
    session = session_of(to_model(graph), partial(options, next(iter(LIBRARIES.values()))))
    with pytest.raises(Exception, match=message):
        session.run(None, feeds)
