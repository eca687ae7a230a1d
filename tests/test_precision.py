"""Half precision: the gradient points the same way, whatever its size, and dreams go on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from onnxdream import Dreamer, Machine, kernels, load
from onnxdream.errors import GradientError, ProviderError, RecipeError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import GRADIENT, IMAGE, LOSS, Graph, Node
from onnxdream.lowering import on_device, portable
from onnxdream.network import Network
from rounding import run_rounded
from running import run_graph
from small_networks import CARD, convnet, dead, network_of, not_a_number
from test_public import PROJECT

NETWORKS = ["squeezenet", "efficientnet-lite0"]
SAMPLES = PROJECT.parent / "docs" / "samples"


@cache
def photograph(name: str, side: int) -> np.ndarray:
    picture = Image.open(SAMPLES / f"{name}.jpg").convert("RGB").resize((side, side))
    return np.asarray(picture, np.float32) / 255


def fed(network: Network, pixels: np.ndarray) -> np.ndarray:
    said = network.preprocessing
    return kernels.jitter_normalize(pixels, 0, 0, said.unit_mean, said.unit_std, said.bgr)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("spell", [portable, on_device])
@pytest.mark.parametrize(("photo", "side"), [("cat", 224), ("rocket", 224), ("cat", 512)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_points_the_same_way(name, photo, side, spell):
    network = load(name)
    layers = network.weights(None)
    feeds = {IMAGE: fed(network, photograph(photo, side))}
    outputs = [LOSS, GRADIENT]
    loss, gradient = run_graph(portable(gradient_graph(network.graph, layers)), feeds, outputs)
    half = spell(gradient_graph(network.graph, layers, half=True))
    for run in (run_rounded, run_graph):
        found_loss, found = run(half, feeds, outputs)
        assert found_loss == pytest.approx(loss, rel=1e-3)
        assert cosine(found, gradient) > 0.99
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(gradient), rel=0.02)


class TestSeed:
    """Small and large gradients survive."""

    def gradients(self, graph: Graph, weight: float) -> tuple[np.ndarray, np.ndarray]:
        layers = dict.fromkeys(graph.outputs, weight)
        feeds = {IMAGE: np.random.default_rng(0).normal(size=(1, 3, 96, 64)).astype(np.float32)}
        whole, half = (gradient_graph(graph, layers, half=half) for half in (False, True))
        [expected] = run_graph(portable(whole), feeds, [GRADIENT])
        [found] = run_rounded(portable(half), feeds, [GRADIENT])
        return expected, found

    @pytest.mark.parametrize("weight", [1e-9, 1e-3, 1, 1e6, -1e4])
    def test_whatever_the_weight(self, weight):
        expected, found = self.gradients(convnet(), weight)
        assert cosine(found, expected) > 0.999
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=1e-2)

    @pytest.mark.parametrize("scale", [1e-4, 1e-2, 1e2, 1e3])
    def test_whatever_the_activations(self, scale):
        graph = convnet()
        graph.constants["scale"] = np.array(scale, np.float32)
        graph.nodes.append(Node("Mul", ["second/conv", "scale"], ["scaled"]))
        graph.outputs = {"scaled": graph.outputs["second"]}
        expected, found = self.gradients(graph, 1.0)
        assert cosine(found, expected) > 0.999
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=1e-2)

    def test_weights_that_cancel_out(self):
        graph = convnet()
        graph.outputs = dict.fromkeys(("pool", "second"), graph.outputs["second"])
        layers = {"pool": 1.0, "second": -1.0}
        feeds = {IMAGE: np.random.default_rng(0).normal(size=(1, 3, 96, 64)).astype(np.float32)}
        whole, half = (gradient_graph(graph, layers, half=half) for half in (False, True))
        [expected] = run_graph(portable(whole), feeds, [GRADIENT])
        [found] = run_rounded(portable(half), feeds, [GRADIENT])
        assert cosine(found, expected) > 0.999

    def test_without_a_way_up_it_is_zero(self):
        expected, found = self.gradients(dead(), 1.0)
        assert not expected.any()
        assert not found.any()

    def test_no_number_stays_none(self):
        _, found = self.gradients(not_a_number(), 1.0)
        assert np.isnan(found).any()


class TestDreamer:
    def test_a_dream_is_about_as_good(self):
        pixels = photograph("cat", 160)
        ends, losses = {}, {}
        for precision in ("fp32", "fp16"):
            told = losses.setdefault(precision, [])
            with Dreamer(
                "squeezenet", machine=Machine(precision=precision, lowering="portable")
            ) as dreamer:
                assert dreamer.precision == precision
                ends[precision] = dreamer.dream_array(
                    pixels, octaves=2, progress=lambda p, told=told: told.append(p.loss)
                )
        assert losses["fp16"][-1] > 3 * losses["fp16"][0]
        assert losses["fp16"][-1] == pytest.approx(losses["fp32"][-1], rel=0.1)
        moved = {name: np.abs(end - pixels).mean() for name, end in ends.items()}
        assert moved["fp16"] == pytest.approx(moved["fp32"], rel=0.02)
        assert not np.array_equal(ends["fp16"], ends["fp32"])

    def test_its_gradient_is_that_of_half_precision(self):
        network = network_of(convnet(), replace(CARD, default_layers={"second": 1.0}))
        pixels = photograph("rocket", 64)
        gradients = []
        for precision in ("fp32", "fp16"):
            with Dreamer(network, machine=Machine(precision=precision)) as dreamer:
                gradients.append(dreamer.gradient(pixels)[1])
        assert 0.999 < cosine(*gradients) < 1

    def test_without_a_way_up_it_names_a_reason(self):
        for graph, reason in ((not_a_number(), "infinite in float16"), (dead(), "zero.*layer")):
            [layer] = graph.outputs
            with (
                Dreamer(network_of(graph), layer, machine=Machine(precision="fp16")) as dreamer,
                pytest.raises(GradientError, match=reason),
            ):
                dreamer.dream_array(photograph("rocket", 64), octaves=1)

    def test_it_takes_the_portable_lowering(self):
        with Dreamer("squeezenet", machine=Machine(precision="fp16")) as dreamer:
            assert dreamer.lowering == "portable"
        with pytest.raises(ProviderError, match="float32 on the CPU, not in fp16"):
            Dreamer("squeezenet", machine=Machine(precision="fp16", lowering="accelerated"))

    def test_tf32_is_not_for_the_cpu(self):
        for provider in ("cpu", "auto"):
            with pytest.raises(ProviderError, match='use the precision "fp32"'):
                Dreamer("squeezenet", machine=Machine(provider=provider, precision="tf32"))

    @pytest.mark.parametrize("precision", ["fp8", "FP16", "", None])
    def test_an_unknown_one_names_the_known(self, precision):
        with pytest.raises(RecipeError, match="choose one of fp32, tf32, fp16"):
            Dreamer("squeezenet", machine=Machine(precision=precision))
