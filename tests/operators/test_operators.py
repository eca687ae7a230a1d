"""The operators inside ONNX Runtime, each variant, against their definitions in NumPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onnxdream import operators
from onnxdream.graph import DOMAIN, Graph, Node, Tensor, to_model
from running import quiet_options, session_of

LIBRARIES = operators.libraries()
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="the operators were not compiled")

BLOCKS = [1, 4, 8, 16]
INFINITE = float("inf")
FLOAT = np.dtype(np.float32)


def options(library: str, threads: int = 1) -> onnxruntime.SessionOptions:
    """Without an arena, so that a sanitizer sees where each tensor ends."""
    made = quiet_options()
    made.intra_op_num_threads = threads
    made.enable_cpu_mem_arena = False
    made.register_custom_ops_library(library)
    return made


def session(
    op: str,
    inputs: Sequence[np.ndarray],
    attributes: dict[str, object],
    outputs: int = 1,
    library: str = next(iter(LIBRARIES.values()), ""),
    threads: int = 1,
) -> onnxruntime.InferenceSession:
    """An operator between negations, so that it may work in place."""
    names = [f"x{k}" for k in range(len(inputs))]
    made = [f"y{k}" for k in range(outputs)]
    nodes = [Node("Neg", [name], [f"-{name}"]) for name in names]
    nodes.append(
        Node(op, [f"-{name}" for name in names], [f"-{y}" for y in made], attributes, DOMAIN)
    )
    nodes += [Node("Neg", [f"-{name}"], [name]) for name in made]
    # One name for every dimension of one size: only of shapes that are known to be the
    # same can one take the other's place.
    feeds = {
        name: Tensor(x.dtype, tuple(f"of {size}" for size in x.shape))
        for name, x in zip(names, inputs, strict=True)
    }
    graph = Graph(nodes, {}, feeds, {y: Tensor(FLOAT, None) for y in made})
    return session_of(to_model(graph), partial(options, library, threads))


def run(
    op: str, inputs: Sequence[np.ndarray], outputs: int = 1, **attributes: object
) -> list[list[np.ndarray]]:
    """The outputs of an operator, for each variant; on any number of threads the same."""
    feeds = {f"x{k}": np.asarray(-x) for k, x in enumerate(inputs)}
    found = []
    for library in LIBRARIES.values():
        runs = [
            session(op, inputs, attributes, outputs, library, threads).run(None, feeds)
            for threads in (1, 3)
        ]
        for one, other in zip(*runs, strict=True):
            assert one.tobytes() == other.tobytes()
        found.append([np.asarray(-y) for y in runs[0]])
    return found


def check(
    op: str, inputs: Sequence[np.ndarray], *expected: np.ndarray, **attributes: object
) -> None:
    for made in run(op, inputs, len(expected), **attributes):
        for y, other in zip(made, expected, strict=True):
            assert y.shape == other.shape
            np.testing.assert_allclose(y, other, rtol=1e-5, atol=1e-5)


def blocked(x: np.ndarray, block: int) -> np.ndarray:
    """[N, C, H, W] as it lies in memory in blocks, under the same shape."""
    n, c, h, w = x.shape
    split = x.reshape(n, c // block, block, h, w)
    return np.ascontiguousarray(np.moveaxis(split, 2, -1)).reshape(x.shape)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def coarse(seed: int, *shape: int) -> np.ndarray:
    """Numbers with many ties."""
    return np.round(numbers(seed, *shape) * 2) / 2


def gated(g: np.ndarray, x: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.where((low < x) & (x < high), g, 0)


@dataclass
class Axis:
    """Windows over one axis, by ONNX's definition."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    ceil: bool

    @property
    def places(self) -> np.ndarray:
        """What each window reads, [windows, kernel]; some of it may lie outside."""
        room = self.size + self.before + self.after - (self.kernel - 1) * self.dilation - 1
        count = room // self.stride + 1
        if self.ceil:
            count = min(-(-room // self.stride) + 1, -(-(self.size + self.before) // self.stride))
        starts = np.arange(count) * self.stride - self.before
        return starts[:, None] + np.arange(self.kernel) * self.dilation


@dataclass
class Windows:
    """Windows over height and width, with the attributes that say so."""

    rows: Axis
    columns: Axis
    attributes: dict[str, object]

    def taps(self) -> list[tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...], int, int]]:
        """For each tap the windows that find an element there, the elements, and which tap."""
        found = []
        for i, j in product(range(self.rows.kernel), range(self.columns.kernel)):
            r, c = self.rows.places[:, i], self.columns.places[:, j]
            rows = np.flatnonzero((r >= 0) & (r < self.rows.size))
            columns = np.flatnonzero((c >= 0) & (c < self.columns.size))
            windows = (..., rows[:, None], columns)
            found.append((windows, (..., r[rows][:, None], c[columns]), i, j))
        return found

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.rows.places), len(self.columns.places)


def windows_of(
    sizes: tuple[int, int],
    kernel: list[int],
    strides: list[int],
    pads: list[int] | None = None,
    dilations: list[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    attributes: dict[str, object] = {
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations or [1, 1],
        "ceil_mode": ceil_mode,
    }
    if auto_pad == "NOTSET":
        attributes["pads"] = pads or [0, 0, 0, 0]
    else:
        attributes["auto_pad"] = auto_pad
    axes = []
    for axis, (size, k, s) in enumerate(zip(sizes, kernel, strides, strict=True)):
        d = (dilations or [1, 1])[axis]
        before, after = (pads or [0, 0, 0, 0])[axis::2]
        if auto_pad.startswith("SAME"):
            total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
            small, large = total // 2, total - total // 2
            before, after = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
        elif auto_pad == "VALID":
            before, after = 0, 0
        axes.append(Axis(size, k, s, d, before, after, bool(ceil_mode)))
    return Windows(*axes, attributes)


@st.composite
def any_windows(draw: st.DrawFn, dilated: bool = False, ceil: bool = True) -> Windows:
    kernel, strides, dilations, pads, sizes = [], [], [], [0, 0, 0, 0], []
    for axis in (0, 1):
        kernel.append(draw(st.sampled_from([1, 2, 3, 3, 3, 4, 5])))
        strides.append(draw(st.integers(1, 3)))
        dilations.append(draw(st.integers(1, 2 if dilated else 1)))
        pads[axis::2] = [draw(st.integers(0, kernel[-1] - 1)) for _ in range(2)]
        extent = (kernel[-1] - 1) * dilations[-1] + 1
        sizes.append(draw(st.integers(extent, extent + 20)))
    auto_pad = draw(st.sampled_from(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    # With auto_pad, ONNX Runtime takes no notice of ceil_mode.
    mode = draw(st.integers(0, 1)) if ceil and auto_pad == "NOTSET" else 0
    return windows_of((sizes[0], sizes[1]), kernel, strides, pads, dilations, auto_pad, mode)


GATES = st.sampled_from([(-INFINITE, INFINITE), (0.0, INFINITE), (-0.6, 1.1)])
SEEDS = st.integers(0, 99)


@given(terms=st.integers(1, 8), count=st.integers(0, 70), gate=GATES, seed=SEEDS)
@settings(max_examples=20)
def test_gated_sum(terms: int, count: int, gate: tuple[float, float], seed: int) -> None:
    y, *gradients = (coarse(seed + k, 3, count) for k in range(terms + 1))
    check("GatedSum", [y, *gradients], gated(sum(gradients), y, *gate), low=gate[0], high=gate[1])


def test_gated_sum_of_many_chunks() -> None:
    y, one, other = (numbers(k, 5, 10007) for k in range(3))
    check("GatedSum", [y, one, other], gated(one + other, y, 0, INFINITE), low=0.0)


def max_pool_grad(
    x: np.ndarray, windows: Windows, g: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """The maxima, and the gradient."""
    y = np.full(g.shape, -np.inf, np.float32)
    for window, element, *_ in windows.taps():
        y[window] = np.maximum(y[window], x[element])
    left, out = gated(g, y, low, high), np.zeros(x.shape)
    for window, element, *_ in windows.taps():
        hit = x[element] == y[window]
        out[element] += np.where(hit, left[window], 0)
        left[window] = np.where(hit, 0, left[window])
    return y, out


@given(windows=any_windows(dilated=True), block=st.sampled_from(BLOCKS), gate=GATES, seed=SEEDS)
@settings(max_examples=25)
def test_max_pool_grad(windows: Windows, block: int, gate: tuple[float, float], seed: int) -> None:
    x = coarse(seed, 2, 2 * block, windows.rows.size, windows.columns.size)
    g = numbers(seed + 1, 2, 2 * block, *windows.counts)
    y, expected = max_pool_grad(x, windows, g, *gate)
    inputs = [blocked(array, block) for array in (x, y, g)]
    attributes = windows.attributes | {"block": block, "low": gate[0], "high": gate[1]}
    check("MaxPoolGrad", inputs, blocked(expected, block), **attributes)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("block", [1, 16])
def test_max_pool_grad_over_many_bands(stride: int, block: int) -> None:
    windows = windows_of((150, 140), [3, 3], [stride, stride], [1, 0, 0, 1])
    x, g = coarse(0, 1, 16, 150, 140), numbers(1, 1, 16, *windows.counts)
    y, expected = max_pool_grad(x, windows, g, 0, INFINITE)
    inputs = [blocked(array, block) for array in (x, y, g)]
    attributes = windows.attributes | {"block": block, "low": 0.0, "storage_order": 0}
    check("MaxPoolGrad", inputs, blocked(expected, block), **attributes)


def test_a_maximum_that_is_not_a_number_takes_nothing() -> None:
    x = np.full((1, 1, 2, 2), np.nan, np.float32)
    y, g = np.full((1, 1, 1, 1), np.nan, np.float32), np.ones((1, 1, 1, 1), np.float32)
    check("MaxPoolGrad", [x, y, g], np.zeros((1, 1, 2, 2)), kernel_shape=[2, 2])


@given(
    windows=any_windows(),
    block=st.sampled_from(BLOCKS),
    pads_count=st.booleans(),
    gate=GATES,
    seed=SEEDS,
)
@settings(max_examples=25)
def test_average_pool_grad(
    windows: Windows, block: int, pads_count: bool, gate: tuple[float, float], seed: int
) -> None:
    x = coarse(seed, 2, 2 * block, windows.rows.size, windows.columns.size)
    g = numbers(seed + 1, 2, 2 * block, *windows.counts)
    counts = []
    for axis in (windows.rows, windows.columns):
        low, high = 0, axis.size
        if pads_count:
            low, high = -axis.before, axis.size + axis.after
        counts.append(((axis.places >= low) & (axis.places < high)).sum(axis=1))
    shares = g / (counts[0][:, None] * counts[1])
    expected = np.zeros(x.shape)
    for window, element, *_ in windows.taps():
        expected[element] += shares[window]
    attributes = windows.attributes | {
        "block": block,
        "count_include_pad": int(pads_count),
        "low": gate[0],
        "high": gate[1],
    }
    inputs = [blocked(x, block), blocked(g, block)]
    check("AveragePoolGrad", inputs, blocked(gated(expected, x, *gate), block), **attributes)


def depthwise_grad(
    g: np.ndarray, w: np.ndarray, windows: Windows, shape: tuple[int, ...]
) -> np.ndarray:
    out = np.zeros(shape)
    for window, element, i, j in windows.taps():
        out[element] += g[window] * w[:, 0, i, j][:, None, None]
    return out


def check_depthwise(
    windows: Windows, images: int, channels: int, block: int, gates: list[float], seed: int
) -> None:
    x = coarse(seed, images, channels, windows.rows.size, windows.columns.size)
    g, y = (coarse(seed + k, images, channels, *windows.counts) for k in (1, 2))
    w = numbers(seed + 3, channels, 1, windows.rows.kernel, windows.columns.kernel)
    low, high, gate_low, gate_high = gates
    expected = depthwise_grad(gated(g, y, gate_low, gate_high), w, windows, x.shape)
    weights = np.moveaxis(w.reshape(channels // block, block, *w.shape[2:]), 1, -1)
    check(
        "DepthwiseGrad",
        [blocked(g, block), blocked(y, block), weights.reshape(w.shape), blocked(x, block)],
        blocked(gated(expected, x, low, high), block),
        **windows.attributes,
        block=block,
        low=low,
        high=high,
        gate_low=gate_low,
        gate_high=gate_high,
    )


@given(
    windows=any_windows(ceil=False),
    block=st.sampled_from(BLOCKS),
    gate=GATES,
    inner_gate=GATES,
    seed=SEEDS,
)
@settings(max_examples=25)
def test_depthwise_grad(
    windows: Windows,
    block: int,
    gate: tuple[float, float],
    inner_gate: tuple[float, float],
    seed: int,
) -> None:
    check_depthwise(windows, 2, 2 * block, block, [*gate, *inner_gate], seed)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("block", [8, 16])
def test_depthwise_grad_over_many_bands(kernel: int, stride: int, block: int) -> None:
    windows = windows_of((150, 141), [kernel, kernel], [stride, stride], auto_pad="SAME_UPPER")
    check_depthwise(windows, 1, 16, block, [0.0, 6.0, 0.0, 6.0], 0)


@given(
    strides=st.lists(st.integers(1, 3), min_size=2, max_size=2),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    block=st.sampled_from(BLOCKS),
    absent=st.lists(st.booleans(), min_size=9, max_size=9),
    gate=GATES,
    seed=SEEDS,
)
@settings(max_examples=20)
def test_interleave(
    strides: list[int],
    size: tuple[int, int],
    block: int,
    absent: list[bool],
    gate: tuple[float, float],
    seed: int,
) -> None:
    (sy, sx), (height, width) = strides, size
    x = coarse(seed, 2, 2 * block, height, width)
    expected, phases = np.zeros_like(x), []
    for k, (py, px) in enumerate(product(range(sy), range(sx))):
        part = expected[:, :, py::sy, px::sx]
        if absent[k]:
            phases.append(np.zeros((2, 2 * block, 0, 5), np.float32))
            continue
        # One row and k columns more than are needed.
        phase = numbers(seed + k, *x.shape[:2], part.shape[2] + 1, part.shape[3] + k)
        part[...] = phase[:, :, : part.shape[2], : part.shape[3]]
        phases.append(blocked(phase, block))
    expected = blocked(gated(expected, x, *gate), block)
    attributes = {"strides": strides, "block": block, "low": gate[0], "high": gate[1]}
    check("Interleave", [blocked(x, block), *phases], expected, **attributes)


@given(
    strides=st.lists(st.integers(1, 3), min_size=2, max_size=2),
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    block=st.sampled_from(BLOCKS),
    channels=st.integers(1, 5),
    seed=SEEDS,
)
@settings(max_examples=20)
def test_pixel_shuffle(
    strides: list[int], size: tuple[int, int], block: int, channels: int, seed: int
) -> None:
    (sy, sx), (height, width) = strides, size
    padded = -(-channels * sy * sx // block) * block
    phases = numbers(seed, 2, padded, -(-height // sy) + 1, -(-width // sx) + 2)
    expected = np.zeros((2, channels, height, width), np.float32)
    for py, px, c in product(range(sy), range(sx), range(channels)):
        part = expected[:, c, py::sy, px::sx]
        channel = (py * sx + px) * channels + c
        part[...] = phases[:, channel, : part.shape[1], : part.shape[2]]
    inputs = [np.empty_like(expected), blocked(phases, block)]
    check("PixelShuffle", inputs, expected, strides=strides, channels=channels, block=block)


@given(
    shape=st.tuples(*[st.integers(1, n) for n in (2, 9, 20, 20)]),
    size=st.integers(1, 6),
    beta=st.sampled_from([0.75, 0.5, 1.3]),
    seed=SEEDS,
)
@settings(max_examples=20)
def test_lrn_grad(shape: tuple[int, ...], size: int, beta: float, seed: int) -> None:
    x, g = numbers(seed, *shape), numbers(seed + 1, *shape)
    alpha, bias, channels = 0.3, 1.5, shape[1]
    # window[c, k]: whether the window of channel c has channel k in it.
    c, k = np.indices((channels, channels))
    window = ((k >= c - (size - 1) // 2) & (k <= c + size // 2)).astype(float)
    d = bias + alpha / size * np.einsum("ck,nkhw->nchw", window, x**2)
    crossed = np.einsum("kc,nkhw->nchw", window, g * x * d ** (-beta - 1))
    expected = g * d**-beta - 2 * alpha * beta / size * x * crossed
    check("LRNGrad", [x, g], expected, alpha=alpha, beta=beta, bias=bias, size=size)


MEAN, STD = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.25])
PREPROCESSING: dict[str, object] = {"mean": MEAN.tolist(), "std": STD.tolist()}
PICTURES = st.tuples(st.integers(1, 50), st.integers(1, 50))
SHIFTS = st.tuples(st.integers(-90, 90), st.integers(-90, 90))


@given(size=PICTURES, shift=SHIFTS, bgr=st.booleans(), seed=SEEDS)
@settings(max_examples=20)
def test_jitter(size: tuple[int, int], shift: tuple[int, int], bgr: bool, seed: int) -> None:
    picture = numbers(seed, *size, 3)
    rolled = np.roll(picture, shift, axis=(0, 1))[..., :: -1 if bgr else 1]
    expected = np.moveaxis((rolled - MEAN) / STD, -1, 0)[None]
    check("Jitter", [picture, np.array(shift)], expected, bgr=int(bgr), **PREPROCESSING)


@given(size=PICTURES, shift=SHIFTS, bgr=st.booleans(), seed=SEEDS)
@settings(max_examples=20)
def test_unjitter(size: tuple[int, int], shift: tuple[int, int], bgr: bool, seed: int) -> None:
    gradient = numbers(seed, 1, 3, *size)
    pixels = (np.moveaxis(gradient[0], 0, -1) / STD)[..., :: -1 if bgr else 1]
    expected = np.roll(pixels, (-shift[0], -shift[1]), axis=(0, 1))
    check("Unjitter", [gradient, np.array(shift)], expected, bgr=int(bgr), std=STD.tolist())


@given(size=PICTURES, radius=st.integers(0, 6), seed=SEEDS)
@settings(max_examples=20)
def test_blur(size: tuple[int, int], radius: int, seed: int) -> None:
    picture, taps = numbers(seed, *size, 3), numbers(seed + 1, 2 * radius + 1)
    expected: np.ndarray = picture.astype(np.float64)
    for axis in (0, 1):
        places = np.arange(expected.shape[axis])[:, None] + np.arange(-radius, radius + 1)
        found = np.take(expected, np.clip(places, 0, expected.shape[axis] - 1), axis)
        expected = np.tensordot(found, taps, (axis + 1, 0))
    check("Blur", [picture, taps], expected)


@given(
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    step_size=st.floats(-30, 30, width=32),
    seed=SEEDS,
)
@settings(max_examples=20)
def test_ascend(size: tuple[int, int], step_size: float, seed: int) -> None:
    picture = np.random.default_rng(seed).random((*size, 3), np.float32)
    gradient = numbers(seed, *size, 3) * np.float32(1e-8)
    mean = np.abs(gradient).mean(dtype=np.float64)
    expected = np.clip(picture + step_size / 255 * gradient / mean, 0, 1)
    inputs = [picture, gradient, np.array(step_size, np.float32)]
    for above, found in run("Ascend", inputs, 2):
        np.testing.assert_allclose(above, expected, atol=1e-5)
        np.testing.assert_allclose(found, mean, rtol=1e-6)


def test_a_step_without_a_gradient_stays() -> None:
    picture = np.full((4, 5, 3), 0.5, np.float32)
    inputs = [picture, np.zeros_like(picture), np.array(1.5, np.float32)]
    check("Ascend", inputs, picture, np.array(0.0))


def test_inputs_that_are_still_needed_are_left_alone() -> None:
    x = numbers(0, 1, 16, 20, 20)
    nodes = [
        Node("Neg", ["x"], ["a"]),
        Node("AveragePoolGrad", ["a", "x"], ["b"], {"kernel_shape": [1, 1]}, DOMAIN),
        Node("Interleave", ["a", "x"], ["c"], {"strides": [1, 1]}, DOMAIN),
        Node("GatedSum", ["a", "b", "c"], ["d"], {}, DOMAIN),
        Node("Add", ["a", "d"], ["y"]),
    ]
    graph = Graph(nodes, {}, {"x": Tensor(FLOAT, x.shape)}, {"y": Tensor(FLOAT, x.shape)})
    for library in LIBRARIES.values():
        found = session_of(to_model(graph), partial(options, library)).run(None, {"x": x})
        np.testing.assert_array_equal(found[0], x)


def shapes(*wanted: tuple[int, ...]) -> list[np.ndarray]:
    return [np.zeros(shape, np.float32) for shape in wanted]


SQUARE = (1, 8, 6, 6)
SHIFT = np.array([1, 2])


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("GatedSum", shapes((3, 4), (4, 3)), {}, "one shape"),
        ("GatedSum", shapes(*[(2,)] * 10), {}, "1 to 8"),
        ("GatedSum", shapes(*[(1,) * 9] * 2), {}, "too many dimensions"),
        ("MaxPoolGrad", shapes(SQUARE, (1, 8, 3, 3), (1, 8, 3, 2)), {}, "one shape"),
        ("MaxPoolGrad", shapes(SQUARE, (1, 8, 4, 3), (1, 8, 4, 3)), {}, "window's result"),
        ("MaxPoolGrad", shapes(SQUARE, (1, 4, 3, 3), (1, 4, 3, 3)), {}, "one N and one C"),
        ("MaxPoolGrad", shapes((6, 6), (3, 3), (3, 3)), {}, r"\[N, C, H, W\]"),
        ("MaxPoolGrad", shapes(SQUARE, *[(1, 8, 3, 3)] * 2), {"block": 3}, "multiple of the block"),
        ("AveragePoolGrad", shapes(SQUARE, (1, 8, 2, 2)), {}, "window's result"),
        ("AveragePoolGrad", shapes(SQUARE, (8, 3, 3)), {}, "one N and one C"),
        ("AveragePoolGrad", shapes(SQUARE, (1, 8, 3, 3)), {"dilations": [2, 1]}, "dilations"),
        ("Interleave", shapes(SQUARE, *[(1, 8, 3, 3)] * 3), {}, "as many phases"),
        ("Interleave", shapes(SQUARE, *[(1, 8, 3, 2)] * 4), {}, "too small"),
        ("Interleave", shapes(SQUARE, *[(1, 9, 3, 3)] * 4), {}, "too small"),
        ("Interleave", shapes(SQUARE, (8, 3, 3), *[(1, 8, 3, 3)] * 3), {}, r"\[N, C, H, W\]"),
        ("Interleave", shapes(SQUARE, SQUARE), {"strides": [9, 9]}, "more than 64"),
        ("PixelShuffle", shapes((1, 3, 6, 6), (1, 8, 3, 3)), {}, "too small"),
        ("PixelShuffle", shapes((1, 3, 6, 6), (1, 12, 3, 2)), {}, "too small"),
        ("PixelShuffle", shapes((1, 4, 6, 6), (1, 12, 3, 3)), {}, "channels, H, W"),
        ("DepthwiseGrad", shapes(*[(1, 8, 3, 3)] * 2, (8, 1, 3, 2), SQUARE), {}, "kernel_shape"),
        ("DepthwiseGrad", shapes(*[(1, 8, 3, 3)] * 2, (4, 1, 2, 2), SQUARE), {}, "kernel_shape"),
        ("DepthwiseGrad", shapes(*[(1, 8, 2, 3)] * 2, (8, 1, 2, 2), SQUARE), {}, "window's result"),
        ("DepthwiseGrad", shapes((1, 8, 3, 3), (1, 8, 3), (8, 1, 2, 2), SQUARE), {}, "one shape"),
        ("LRNGrad", shapes(SQUARE, (1, 8, 6, 5)), {}, "one shape"),
        ("LRNGrad", shapes((8, 6, 6), (8, 6, 6)), {}, r"\[N, C, H, W\]"),
        ("Jitter", [*shapes((6, 6, 4)), SHIFT], {}, r"\[H, W, 3\]"),
        ("Jitter", [*shapes((0, 6, 3)), SHIFT], {}, "one pixel"),
        ("Jitter", [*shapes((6, 6, 3)), SHIFT[:1]], {}, "two integers"),
        ("Unjitter", [*shapes((1, 4, 6, 6)), SHIFT], {}, r"\[1, 3, H, W\]"),
        ("Unjitter", [*shapes((1, 3, 6, 6)), SHIFT[None]], {}, "two integers"),
        ("Blur", shapes((6, 6, 3), (4,)), {}, "odd"),
        ("Blur", shapes((6, 6), (3,)), {}, r"\[H, W, 3\]"),
        ("Ascend", shapes((6, 6, 3), (6, 5, 3), ()), {}, "one shape"),
        ("Ascend", shapes((6, 6, 3), (6, 6, 3), (2,)), {}, "one number"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    op: str, inputs: list[np.ndarray], attributes: dict[str, object], message: str
) -> None:
    usual: dict[str, object] = {"kernel_shape": [2, 2], "strides": [2, 2], "channels": 3, "size": 3}
    outputs = 2 if op == "Ascend" else 1
    made = session(op, inputs, usual | PREPROCESSING | attributes, outputs)
    with pytest.raises(Exception, match=message):
        made.run(None, {f"x{k}": x for k, x in enumerate(inputs)})


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [
        ("MaxPoolGrad", {}, "kernel_shape is missing"),
        ("MaxPoolGrad", {"kernel_shape": [2]}, "kernel_shape must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 0]}, "kernel_shape must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 1 << 40]}, "kernel_shape must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "strides": [0, 1]}, "strides must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "dilations": [1, -1]}, "dilations must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "pads": [0, 0, -1, 0]}, "pads must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "pads": [0, 0]}, "pads must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "auto_pad": "SAME"}, "auto_pad must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "auto_pad": "S" * 50}, "auto_pad must be"),
        ("MaxPoolGrad", {"kernel_shape": [2, 2], "block": 0}, "block must be"),
        ("PixelShuffle", {"strides": [2, 2]}, "channels is missing"),
        ("PixelShuffle", {"channels": 3}, "strides is missing"),
        ("LRNGrad", {}, "size is missing"),
        ("Jitter", {"std": [1.0, 1.0, 1.0]}, "mean is missing"),
        ("Jitter", {"mean": [1.0, 1.0, 1.0]}, "std is missing"),
        ("Jitter", {"mean": [1.0, 1.0], "std": [1.0, 1.0, 1.0]}, "mean must be"),
    ],
)
def test_attributes_that_make_no_sense_are_refused(
    op: str, attributes: dict[str, object], message: str
) -> None:
    inputs = shapes(SQUARE, SQUARE, SQUARE)[: 3 if op == "MaxPoolGrad" else 2]
    if op == "Jitter":
        inputs[1] = SHIFT
    with pytest.raises(Exception, match=message):
        session(op, inputs, attributes)


def test_empty_pictures_make_empty_gradients() -> None:
    x, y = np.zeros((1, 8, 0, 6), np.float32), np.zeros((1, 8, 0, 3), np.float32)
    for phases in ([np.zeros((1, 8, 0, 3), np.float32)] * 2, [y] * 2):
        check("Interleave", [x, *phases], x, strides=[1, 2])
    check("GatedSum", [x, x], x)
    none = np.zeros((0, 8, 6, 6), np.float32)
    check("LRNGrad", [none, none], none, size=5)


def test_the_best_variant_is_the_library() -> None:
    assert operators.library() == LIBRARIES[operators.VARIANT or ""]
    assert next(iter(LIBRARIES)) == operators.VARIANT


def test_there_is_no_library_where_numpy_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNXDREAM_KERNELS", "numpy")
    code = "from onnxdream.operators import VARIANT, library; print(VARIANT, library())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["None", "None"]
