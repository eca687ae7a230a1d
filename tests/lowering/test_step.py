"""The step around a gradient graph, in every spelling, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxdream.gradient import gradient_graph
from onnxdream.graph import DOMAIN, IMAGE, LOSS, Graph, Node, Tensor
from onnxdream.lowering import portable
from onnxdream.objectives import weight_input
from onnxdream.preprocessing import Preprocessing
from onnxdream.step import BLUR, MEAN, NEXT, PICTURE, SHIFT, STEP_SIZE, step_graph
from rules import random
from running import run_graph
from small_networks import FLOAT32, convnet

SIZES = [(9, 12), (16, 16), (13, 7), (1, 5), (6, 1)]
SHIFTS = [(0, 0), (3, 5), (-3, -5), (32, -32), (1000, -777)]
MEANS, STDS = [0.1, 0.4, 0.7], [0.5, 0.25, 2.0]
PARTS = ["blur"]
PREPROCESSING = Preprocessing((0.1, 0.4, 0.7), (0.5, 0.25, 2.0), "BGR")


def picture_of(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(4).uniform(size=(height, width, 3)).astype(np.float32)


def run(op: str, inputs: dict[str, np.ndarray], outputs: int = 1, **attributes: Any):
    """What one operator makes in standard spelling."""
    kinds = {name: Tensor(v.dtype, None) for name, v in inputs.items()}
    made = [f"made_{number}" for number in range(outputs)]
    node = Node(op, list(inputs), made, attributes, DOMAIN)
    graph = Graph([node], {}, kinds, dict.fromkeys(made, Tensor(FLOAT32, None)))
    return run_graph(portable(graph), inputs)


def jittered(picture: np.ndarray, shift: np.ndarray, bgr: int) -> np.ndarray:
    rolled = np.roll(picture, tuple(shift), (0, 1))
    ordered = rolled[..., ::-1] if bgr else rolled
    return ((ordered - MEANS) / STDS).transpose(2, 0, 1)[None]


def unjittered(gradient: np.ndarray, shift: np.ndarray, bgr: int) -> np.ndarray:
    pixels = gradient[0].transpose(1, 2, 0) / STDS
    ordered = pixels[..., ::-1] if bgr else pixels
    return np.roll(ordered, tuple(-shift), (0, 1))


def blurred(picture: np.ndarray, taps: np.ndarray) -> np.ndarray:
    radius = len(taps) // 2
    padded = np.pad(picture.astype(np.float64), [(radius, radius)] * 2 + [(0, 0)], mode="edge")
    rows = sum(t * padded[k : k + len(picture)] for k, t in enumerate(taps))
    return sum(t * rows[:, k : k + picture.shape[1]] for k, t in enumerate(taps))


def ascended(picture: np.ndarray, gradient: np.ndarray, step: float) -> tuple[np.ndarray, float]:
    mean = np.abs(gradient.astype(np.float64)).mean()
    return np.clip(picture + step / 255 * gradient / mean, 0, 1), mean


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("bgr", [0, 1])
def test_jitter(size, shift, bgr):
    picture, by = picture_of(*size), np.array(shift)
    attributes = {"mean": MEANS, "std": STDS, "bgr": bgr}
    [made] = run("Jitter", {"picture": picture, "shift": by}, **attributes)
    np.testing.assert_allclose(made, jittered(picture, by, bgr), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("bgr", [0, 1])
def test_unjitter(size, shift, bgr):
    gradient, by = random(1, 3, *size), np.array(shift)
    [made] = run("Unjitter", {"gradient": gradient, "shift": by}, std=STDS, bgr=bgr)
    np.testing.assert_allclose(made, unjittered(gradient, by, bgr), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bgr", [0, 1])
def test_unjitter_is_the_gradient_of_jitter(bgr):
    """⟨v, unjitter(g)⟩ = ⟨jitter(v) − jitter(0), g⟩."""
    by = np.array([3, -4])
    v, g = random(5, 8, 3), random(1, 3, 5, 8)
    feeds = {"picture": v, "shift": by}
    attributes = {"mean": MEANS, "std": STDS, "bgr": bgr}
    [forth] = run("Jitter", feeds, **attributes)
    [rest] = run("Jitter", {**feeds, "picture": 0 * v}, **attributes)
    [back] = run("Unjitter", {"gradient": g, "shift": by}, std=STDS, bgr=bgr)
    assert np.vdot(v, back) == pytest.approx(np.vdot(forth - rest, g), rel=1e-4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "taps", [[1.0], [0.25, 0.5, 0.25], [0.1, 0.2, 0.4, 0.2, 0.1], [0.5, 0.2, 0.1], [0.2] * 15]
)
def test_blur(size, taps):
    """Filters longer than the picture, too: its edge goes on for ever."""
    picture = random(*size, 3)
    [made] = run("Blur", {"picture": picture, "taps": np.array(taps, np.float32)})
    np.testing.assert_allclose(made, blurred(picture, np.array(taps)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [0.0, 1.5, 100.0, -1.5])
@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
def test_ascend(size, step, scale):
    picture, gradient = picture_of(*size), (scale * random(*size, 3)).astype(np.float32)
    feeds = {"picture": picture, "gradient": gradient, "step": np.array(step, np.float32)}
    moved, mean = run("Ascend", feeds, outputs=2)
    expected, expected_mean = ascended(picture, gradient, step)
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    assert mean.shape == ()
    assert mean == pytest.approx(expected_mean, rel=1e-5)
    assert moved.min() >= 0 and moved.max() <= 1


def step_of(size: tuple[int, int], **feeds: Any) -> dict[str, np.ndarray]:
    """The inputs of a step; the defaults move and roll nothing."""
    return {
        PICTURE: picture_of(*size),
        SHIFT: np.array([0, 0]),
        STEP_SIZE: np.array(1.5, np.float32),
        BLUR: np.ones(1, np.float32),
        **feeds,
    }


@pytest.fixture(scope="module")
def network() -> Graph:
    return gradient_graph(convnet(), {"second": 1.0, "first": 0.5})


@pytest.fixture(scope="module")
def step(lowering, network):
    """One session of a step for all sizes."""
    return lowering.session(step_graph(network, PREPROCESSING, PARTS))


def expected_step(network: Graph, feeds: dict[str, np.ndarray]) -> tuple[float, np.ndarray, float]:
    """The loss, the next picture and mean|gradient|, the network's own part by ONNX Runtime."""
    picture, shift = feeds[PICTURE], feeds[SHIFT]
    image = jittered(picture, shift, PREPROCESSING.bgr).astype(np.float32)
    loss, gradient = run_graph(portable(network), {IMAGE: image}, [LOSS, "gradient"])
    smooth = blurred(unjittered(gradient, shift, PREPROCESSING.bgr), feeds[BLUR])
    return loss, *ascended(picture, smooth, feeds[STEP_SIZE])


@pytest.mark.parametrize("size", [(9, 12), (16, 16), (13, 31), (40, 37)])
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_step(step, network, size, shift):
    taps = np.array([0.1, 0.8, 0.1], np.float32)
    feeds = step_of(size, **{SHIFT: np.array(shift), BLUR: taps})
    loss, following, mean = step.run([LOSS, NEXT, MEAN], feeds)
    expected_loss, expected, expected_mean = expected_step(network, feeds)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert mean == pytest.approx(expected_mean, rel=1e-4)
    np.testing.assert_allclose(following, expected, atol=1e-4)
    assert following.shape == feeds[PICTURE].shape


@given(
    size=st.tuples(*[st.integers(8, 33)] * 2),
    shift=st.tuples(*[st.integers(-100, 100)] * 2),
    radius=st.integers(0, 3),
    step_size=st.floats(0, 20, width=32),
)
def test_any_step(step, network, size, shift, radius, step_size):
    taps = np.arange(1, 2 * radius + 2, dtype=np.float32)
    taps = np.minimum(taps, taps[::-1])
    taps /= taps.sum()
    feeds = step_of(
        size, **{SHIFT: np.array(shift), BLUR: taps, STEP_SIZE: np.array(step_size, np.float32)}
    )
    [following] = step.run([NEXT], feeds)
    np.testing.assert_allclose(following, expected_step(network, feeds)[1], atol=1e-3)


def test_a_step_goes_up(step):
    feeds = step_of((32, 32), **{STEP_SIZE: np.array(0.5, np.float32)})
    losses = []
    for _ in range(6):
        loss, feeds[PICTURE] = step.run([LOSS, NEXT], feeds)
        losses.append(float(loss))
    assert losses == sorted(losses) and losses[-1] > 1.05 * losses[0]


def test_a_step_of_nothing_changes_nothing(step):
    feeds = step_of((16, 17), **{STEP_SIZE: np.array(0, np.float32)})
    np.testing.assert_array_equal(step.run([NEXT], feeds)[0], feeds[PICTURE])


def test_a_layer_s_weight_is_an_input_of_the_step(step):
    """So that a keyframe changes a number and not a session."""
    feeds = step_of((16, 17))
    [loss] = step.run([LOSS], feeds)
    none = np.array(0, np.float32)
    [only_first] = step.run([LOSS], {**feeds, weight_input("second"): none})
    [only_second] = step.run([LOSS], {**feeds, weight_input("first"): none})
    assert loss == pytest.approx(only_first + only_second, rel=1e-5)
    assert min(only_first, only_second) > 0


def test_a_flat_network_has_a_mean_of_zero(lowering):
    """Which the caller has to look at: the next picture is worth nothing then."""
    graph = convnet()
    graph.nodes.append(Node("Mul", ["second", "zero"], ["nothing"]))
    graph.constants["zero"] = np.zeros((), np.float32)
    session = lowering.session(
        step_graph(gradient_graph(graph, {"nothing": 1.0}), PREPROCESSING, PARTS)
    )
    [mean] = session.run([MEAN], step_of((16, 16)))
    assert mean == 0


def test_what_goes_in_and_out(network):
    graph = step_graph(network, PREPROCESSING, PARTS)
    weights = {weight_input("second"), weight_input("first")}
    assert set(graph.inputs) == {PICTURE, SHIFT, STEP_SIZE, BLUR} | weights
    assert set(graph.outputs) == {LOSS, NEXT, MEAN}
    assert IMAGE not in graph.inputs
    assert {n.op for n in graph.nodes if n.domain} >= {"Jitter", "Unjitter", "Blur", "Ascend"}


def test_the_gradient_graph_is_left_as_it_is(network):
    before = network.copy()
    step_graph(network, PREPROCESSING, PARTS)
    assert network.nodes == before.nodes
    assert network.inputs == before.inputs
    assert network.outputs == before.outputs


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_preprocessing_on_another_scale(lowering, network, channels):
    """104 to 123 on 0 to 255 and the same thing on 0 to 1."""
    large = Preprocessing((104, 117, 123), (50, 60, 70), channels, (0, 255))
    small = Preprocessing(
        tuple(np.array(large.mean) / 255), tuple(np.array(large.std) / 255), channels, (0, 1)
    )
    feeds = step_of((16, 16))
    one, two = (
        lowering.run(step_graph(network, preprocessing, PARTS), feeds, [NEXT])[0]
        for preprocessing in (large, small)
    )
    np.testing.assert_allclose(one, two, atol=1e-4)
    assert not np.array_equal(one, feeds[PICTURE])
