"""A step inside ONNX Runtime is the step through the kernels."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from onnxdream import Machine, Network, kernels, load
from onnxdream.dreamer import Dreamer
from onnxdream.errors import BackendError, GradientError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import GRADIENT, IMAGE, LOSS, Graph
from onnxdream.runtime import (
    PORTABLE,
    Backend,
    Lowering,
    Stepper,
    accelerated_lowering,
    lowering_for,
)
from small_networks import CARD, convnet, dead, infinite_slope, network_of, not_a_number
from steps import PARTS, blurred

CPU = Backend("cpu")
THREADS = 2

MakeStepper = Callable[[Graph, Network], Stepper]


@pytest.fixture(scope="module", params=["portable", "accelerated"])
def make_stepper(request: pytest.FixtureRequest) -> MakeStepper:
    """What makes a Stepper of each lowering, on the provider that every machine has."""
    if request.param == "accelerated" and accelerated_lowering() is None:
        pytest.skip("the compiled operators do not work here")
    lowering = lowering_for(CPU, request.param)
    return lambda gradient, network: Stepper(
        gradient, network.preprocessing, lowering, CPU, THREADS, PARTS
    )


@pytest.fixture(scope="module", params=["squeezenet", "efficientnet-lite0"])
def network(request: pytest.FixtureRequest) -> Network:
    return load(request.param)


@pytest.fixture(scope="module")
def gradient(network: Network) -> Graph:
    # Of these pictures and layers no activation lies so near its gate that rounding decides.
    layers = {"squeezenet": ["fire5", "fire7"], "efficientnet-lite0": ["block9"]}
    return gradient_graph(network.graph, network.weights(layers[network.name]))


@pytest.fixture(scope="module")
def stepper(make_stepper: MakeStepper, gradient: Graph, network: Network) -> Stepper:
    return make_stepper(gradient, network)


def small_stepper(make_stepper: MakeStepper, graph: Graph | None = None) -> Stepper:
    network = network_of(graph or convnet(), CARD)
    (layer,) = network.graph.outputs
    return make_stepper(gradient_graph(network.graph, {layer: 1.0}), network)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


class KernelPath:
    """The same step, one kernel after the other around a session of the gradient graph."""

    def __init__(self, gradient: Graph, network: Network, lowering: Lowering) -> None:
        self._sessions = lowering.load(gradient, CPU, THREADS)
        self._feeding = network.preprocessing

    def step(
        self, pixels: np.ndarray, shift: tuple[int, int], step_size: float, blur: float
    ) -> tuple[float, np.ndarray]:
        mean, std, bgr = self._feeding.unit_mean, self._feeding.unit_std, self._feeding.bgr
        image = kernels.jitter_normalize(pixels, *shift, mean, std, bgr)
        session = self._sessions.at(*pixels.shape[:2])
        loss, inner = session.run({IMAGE: image}, [LOSS, GRADIENT])
        outer = kernels.unjitter_blur(inner, *shift, std, bgr, blur)
        return float(loss), kernels.ascend(pixels, outer, step_size)[0]


@pytest.fixture(scope="module")
def path(gradient: Graph, network: Network, stepper: Stepper) -> KernelPath:
    """In the stepper's own lowering: what another rounds otherwise may pass another gate."""
    return KernelPath(gradient, network, stepper.lowering)


def test_the_lowerings_step_alike(gradient, network, stepper):
    """The rounding of a single gate moves a step by a part in a thousand or so."""
    here = picture(67, 93)
    ascent = stepper.ascent(here, blurred(0.7))
    ascent.step((5, -3), 1.5)
    other = KernelPath(gradient, network, PORTABLE).step(here, (5, -3), 1.5, 0.7)[1]
    assert moved_apart(ascent.picture(), other, here) < 1e-2


@pytest.mark.parametrize("blur", [0.0, 0.7])
@pytest.mark.parametrize("size", [(64, 64), (67, 93), (131, 49)], ids=str)
def test_a_step_is_the_step_through_the_kernels(stepper, path, size, blur):
    here = picture(*size)
    ascent = stepper.ascent(here, blurred(blur))
    height, width = size
    for shift in [(0, 0), (5, -3), (-32, 32), (height + 1, -2 * width - 1)]:
        loss = ascent.step(shift, 1.5)
        expected_loss, expected = path.step(here, shift, 1.5, blur)
        there = ascent.picture()
        assert loss == pytest.approx(expected_loss, rel=1e-5)
        assert moved_apart(there, expected, here) < 1e-5
        here = there


def moved_apart(found: np.ndarray, expected: np.ndarray, start: np.ndarray) -> float:
    """How far two steps end from each other, as a part of the way."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - start))


class TestAscent:
    def test_the_mean_pixel_moves_by_the_step_size(self, make_stepper):
        start = np.full((40, 52, 3), 0.5, np.float32) + 0.1 * picture(40, 52)
        for step_size in (0.1, 1.5):
            ascent = small_stepper(make_stepper).ascent(start, blurred(0.7))
            ascent.step((0, 0), step_size)
            assert np.abs(ascent.picture() - start).mean() * 255 == pytest.approx(step_size, 1e-3)

    def test_it_stays_between_black_and_white(self, make_stepper):
        ascent = small_stepper(make_stepper).ascent(picture(40, 52), blurred(0.0))
        for _ in range(3):
            ascent.step((0, 0), 200.0)
        assert ascent.picture().min() == 0
        assert ascent.picture().max() == 1

    def test_without_a_step_it_is_where_it_began(self, make_stepper):
        start = picture(40, 52)
        assert np.array_equal(
            small_stepper(make_stepper).ascent(start, blurred(0.7)).picture(), start
        )

    @pytest.mark.parametrize("steps", [1, 2, 3])
    def test_what_it_was_given_stays_as_it_was(self, make_stepper, steps):
        start = picture(40, 52)
        ascent = small_stepper(make_stepper).ascent(start, blurred(0.7))
        for _ in range(steps):
            ascent.step((0, 0), 1.5)
        assert np.array_equal(start, picture(40, 52))

    @pytest.mark.parametrize("steps", [0, 1, 2])
    def test_what_it_gave_stays_as_it_was(self, make_stepper, steps):
        ascent = small_stepper(make_stepper).ascent(picture(40, 52), blurred(0.7))
        for _ in range(steps):
            ascent.step((0, 0), 1.5)
        given = ascent.picture()
        kept = given.copy()
        for _ in range(2):
            ascent.step((0, 0), 1.5)
        assert np.array_equal(given, kept)

    @pytest.mark.parametrize("steps", [0, 1, 2])
    def test_what_it_gave_outlives_it(self, make_stepper, steps):
        ascent = small_stepper(make_stepper).ascent(picture(40, 52), blurred(0.7))
        for _ in range(steps):
            ascent.step((0, 0), 1.5)
        given = ascent.picture()
        kept = given.copy()
        del ascent
        others = [np.full_like(given, 7) for _ in range(9)]
        assert np.array_equal(given, kept)
        assert all((other == 7).all() for other in others)

    def test_several_ascents_at_once(self, make_stepper):
        stepper = small_stepper(make_stepper)

        def ascended(seed: int) -> bytes:
            ascent = stepper.ascent(picture(45 + seed, 60, seed), blurred(0.7))
            for step in range(4):
                ascent.step((step, -step), 1.5)
            return ascent.picture().tobytes()

        alone = [ascended(seed) for seed in range(8)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(ascended, range(8))) == alone

    def test_ascents_of_different_blur_do_not_meet(self, make_stepper):
        stepper = small_stepper(make_stepper)
        ascents = [stepper.ascent(picture(40, 52), blurred(blur)) for blur in (0.0, 0.7, 3.0)]
        for ascent in ascents:
            ascent.step((0, 0), 1.5)
        found = {ascent.picture().tobytes() for ascent in ascents}
        assert len(found) == 3

    @pytest.mark.parametrize(
        ("graph", "what"),
        [
            pytest.param(dead(), "zero", id="zero"),
            pytest.param(not_a_number(), "not a finite number", id="NaN loss"),
            pytest.param(infinite_slope(), "not a finite number", id="NaN gradient"),
        ],
    )
    def test_without_a_way_up_it_stays(self, make_stepper, graph, what):
        ascent = small_stepper(make_stepper, graph).ascent(picture(40, 52), blurred(0.7))
        with pytest.raises(GradientError, match=what):
            ascent.step((0, 0), 1.5)
        assert np.array_equal(ascent.picture(), picture(40, 52))

    def test_what_the_network_cannot_take_is_a_backend_error(self, make_stepper, capfd):
        graph = convnet()
        graph.nodes[0].attributes["pads"] = [0, 0, 0, 0]
        ascent = small_stepper(make_stepper, graph).ascent(picture(1, 1), blurred(0.7))
        with pytest.raises(BackendError, match="could not run"):
            ascent.step((0, 0), 1.5)
        assert capfd.readouterr() == ("", "")


def test_the_dreamer_ascends_with_it(network):
    """The gradient that users see is the one that a step goes along."""
    with Dreamer(network, machine=Machine(lowering="portable")) as dreamer:
        start = 0.25 + 0.5 * picture(64, 80)
        _, slope = dreamer.gradient(start)
        settings = {"octaves": 1, "steps": 1, "jitter": 0, "blur": 0.0}
        way = dreamer.dream_array(start, step_size=0.5, **settings) - start
    expected = slope * (0.5 / 255 / np.abs(slope).mean())
    inside = (start + expected > 0) & (start + expected < 1)
    assert np.linalg.norm((way - expected)[inside]) < 1e-4 * np.linalg.norm(expected)
