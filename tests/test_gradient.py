"""Whole gradient graphs: small networks against definitions, real ones against autograd."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from onnxdream.errors import NetworkFormatError, UnsupportedOperatorError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import (
    GRADIENT,
    IMAGE,
    LOSS,
    PREFIX,
    Graph,
    Node,
    Tensor,
    cut,
    free_names,
    read,
)
from onnxdream.network import load
from onnxdream.objectives import weight_input
from reference import Reference
from rules import distinct, random
from running import Lowering, run_graph
from small_networks import FLOAT32, classifier, convnet

SIZES = [(16, 16), (9, 31), (40, 23)]


def everything() -> Graph:
    """A network with a bit of all that networks do: branches, shortcuts, pools, norms."""

    def conv(x: str, weight: str, y: str, **attributes: object) -> Node:
        return Node("Conv", [x, weight], [y], dict(attributes))

    pads = {"pads": [1, 1, 1, 1]}
    scalars = {"zero": 0.0, "six": 6.0}
    constants = {name: np.array(v, np.float32) for name, v in scalars.items()} | {
        "w1": random(8, 3, 3, 3, seed=1),
        "w2": 0.5 * random(8, 1, 3, 3, seed=2),
        "w3": 0.3 * random(4, 8, 1, 1, seed=3),
        "w4": 0.3 * random(4, 4, 3, 3, seed=4),
        "w5": 0.3 * random(8, 8, 1, 1, seed=5),
        "slope": random(8, 1, 1, seed=6),
        "scale": random(8, seed=7),
        "shift": random(8, seed=8),
        "mean": random(8, seed=9),
        "variance": 1 + random(8, seed=10) ** 2,
    }
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}
    statistics = ["scale", "shift", "mean", "variance"]
    nodes = [
        conv("image", "w1", "c1", strides=[2, 2], auto_pad="SAME_UPPER"),
        Node("BatchNormalization", ["c1", *statistics], ["n1"]),
        Node("Clip", ["n1", "zero", "six"], ["a1"]),
        conv("a1", "w2", "c2", group=8, **pads),
        Node("PRelu", ["c2", "slope"], ["a2"]),
        conv("a2", "w3", "left"),
        Node("Relu", ["left"], ["squeezed"]),
        conv("squeezed", "w4", "right", **pads),
        Node("Concat", ["squeezed", "right"], ["both"], {"axis": 1}),
        Node("Add", ["both", "a1"], ["shortcut"]),
        Node("LRN", ["shortcut"], ["norm"], {"size": 3, "alpha": 0.5}),
        Node("MaxPool", ["norm"], ["largest"], pool),
        Node("AveragePool", ["norm"], ["averaged"], {**pool, **pads, "count_include_pad": 1}),
        Node("GlobalAveragePool", ["norm"], ["global"]),
        conv("global", "w5", "excited"),
        Node("Sigmoid", ["excited"], ["gate"]),
        Node("Mul", ["largest", "gate"], ["gated"]),
    ]
    kind = Tensor(FLOAT32, (1, 8, "h", "w"))
    image = {"image": Tensor(FLOAT32, (1, 3, "H", "W"))}
    return Graph(nodes, constants, image, {"gated": kind, "averaged": kind})


def channels_last() -> Graph:
    """Sections with channels last, through which ONNX Runtime moves the transpositions."""
    last, first = {"perm": [0, 2, 3, 1]}, {"perm": [0, 3, 1, 2]}
    graph = convnet()
    graph.constants |= {name: np.array([n], np.int64) for name, n in (("1", 1), ("3", 3))}
    graph.constants["ends"] = np.array([0, 1, 2, 0, 0, 0, 1, 0], np.int64)
    graph.nodes += [
        Node("Transpose", ["first"], ["last"], last),
        Node("Slice", ["last", "1", "3", "1", "1"], ["rows"]),
        Node("Relu", ["rows"], ["bent"]),
        Node("Transpose", ["bent"], ["back"], first),
        Node("MaxPool", ["back"], ["largest"], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}),
        Node("Transpose", ["largest"], ["again"], last),
        Node("Pad", ["again", "ends"], ["wide"]),
        Node("Slice", ["wide", "1", "3", "3"], ["few"]),
        Node("Transpose", ["few"], ["once more"], first),
        Node("Tanh", ["once more"], ["tip"]),
    ]
    return graph


def check_numbers(
    network: Graph,
    layers: dict[str, float],
    image: np.ndarray,
    loss: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Hold a loss and a gradient against the loss and a slope of it in float64."""
    reference = Reference(gradient_graph(network, layers), [LOSS])
    feeds = {IMAGE: image.astype(np.float64)}
    feeds |= {weight_input(layer): np.array(w, np.float64) for layer, w in layers.items()}
    direction = np.random.default_rng(1).normal(size=image.shape)
    assert loss == pytest.approx(float(reference(**feeds)[0]), rel=1e-5)
    assert loss.shape == ()
    assert gradient.shape == image.shape
    gradient = gradient.astype(np.float64)
    length = np.linalg.norm(gradient)
    assert length > 0
    slope = reference.slope(feeds, {IMAGE: direction})
    assert np.vdot(direction, gradient) == pytest.approx(slope, abs=1e-3 * length)


def check(lowering: Lowering, network: Graph, layers: dict[str, float], image: np.ndarray) -> None:
    made = lowering.run(gradient_graph(network, layers), {IMAGE: image}, [LOSS, GRADIENT])
    check_numbers(network, layers, image, *made)


@pytest.mark.parametrize("layer", convnet().activations())
def test_every_layer_of_a_small_network(lowering, layer):
    check(lowering, convnet(), {layer: 1.0}, distinct(1, 3, 13, 18))


@pytest.mark.parametrize("layer", everything().activations())
def test_every_layer_of_a_network_with_everything(lowering, layer):
    check(lowering, everything(), {layer: 1.0}, distinct(1, 3, 17, 20))


@pytest.mark.parametrize("layer", channels_last().activations()[-10:])
def test_every_layer_of_a_network_with_channels_last(lowering, layer):
    check(lowering, channels_last(), {layer: 1.0}, distinct(1, 3, 17, 20))


@pytest.mark.parametrize(
    "layers",
    [
        {"first": 1.0, "second": 0.5},
        {"second": 2.0, "pool": -1.0, "first/conv": 0.25},
        {"image": 1.0, "second": 1.0},
    ],
    ids=str,
)
def test_several_layers_add_up(lowering, layers):
    check(lowering, convnet(), layers, distinct(1, 3, 13, 18))


def test_the_objective_by_its_definition(lowering):
    """Σ weight × mean(activation²)."""
    image = distinct(1, 3, 16, 16)
    network = convnet()
    network.outputs["first"] = network.outputs["second"]
    first, second = run_graph(network, {IMAGE: image}, ["first", "second"])
    graph = gradient_graph(convnet(), {"first": 3.0, "second": 0.5})
    [loss] = lowering.run(graph, {IMAGE: image}, [LOSS])
    assert loss == pytest.approx(3 * (first**2).mean() + 0.5 * (second**2).mean(), rel=1e-5)


def test_one_session_for_every_size(lowering):
    layers = {"gated": 1.0, "averaged": 1.0}
    session = lowering.session(gradient_graph(everything(), layers))
    for size in [*SIZES, SIZES[0]]:
        image = distinct(1, 3, *size)
        check_numbers(everything(), layers, image, *session.run([LOSS, GRADIENT], {IMAGE: image}))


def test_weights_are_inputs_with_a_default(lowering):
    """A keyframe changes a number, not a session."""
    session = lowering.session(gradient_graph(convnet(), {"first": 1.0, "second": 0.5}))
    image = distinct(1, 3, 16, 16)

    def run(**weights: float) -> tuple[float, np.ndarray]:
        said = {weight_input(layer): np.array(w, np.float32) for layer, w in weights.items()}
        loss, gradient = session.run([LOSS, GRADIENT], {IMAGE: image, **said})
        return float(loss), gradient

    loss, gradient = run()
    assert run(first=1.0, second=0.5)[0] == loss
    first, second = run(second=0.0), run(first=0.0)
    assert first[0] + second[0] == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(first[1] + second[1], gradient, rtol=1e-3, atol=1e-6)
    double = run(first=2.0, second=1.0)
    np.testing.assert_allclose(double[1], 2 * gradient, rtol=1e-3, atol=1e-6)
    assert not run(first=0.0, second=0.0)[1].any()


def test_the_gradient_changes_with_the_image(lowering):
    session = lowering.session(gradient_graph(convnet(), {"second": 1.0}))
    one, two = (
        session.run([GRADIENT], {IMAGE: distinct(1, 3, 16, 16, seed=seed)})[0] for seed in (1, 2)
    )
    assert np.abs(one - two).max() > 0.1 * np.abs(one).max()


def test_the_same_image_gives_the_same_bytes(lowering):
    session = lowering.session(gradient_graph(everything(), {"gated": 1.0}))
    feeds = {IMAGE: distinct(1, 3, 33, 35)}
    first = session.run([GRADIENT], feeds)[0].tobytes()
    assert all(session.run([GRADIENT], feeds)[0].tobytes() == first for _ in range(3))


class TestTheGraph:
    def test_what_goes_in_and_out(self):
        graph = gradient_graph(convnet(), {"second": 1.0})
        assert set(graph.outputs) == {LOSS, GRADIENT}
        assert set(graph.inputs) == {IMAGE, weight_input("second")}
        assert graph.inputs[IMAGE].shape == (1, 3, "H", "W")
        assert graph.outputs[GRADIENT] == graph.inputs[IMAGE]
        assert graph.outputs[LOSS].shape == ()

    def test_it_ends_at_the_deepest_layer(self):
        graph = gradient_graph(convnet(), {"first": 1.0, "pool": 1.0})
        assert "second/weight" not in graph.constants
        forward = [n.op for n in graph.nodes if not n.outputs[0].startswith(PREFIX)]
        assert forward[:3] == ["Conv", "Relu", "MaxPool"]
        assert set(forward[3:]) == {"Identity"}

    def test_nothing_is_in_it_that_nobody_needs(self):
        """No gradient of a weight, say."""
        graph = gradient_graph(everything(), {"gated": 1.0})
        needed = cut(graph, graph.outputs)
        assert graph.nodes == needed.nodes
        assert graph.constants.keys() == needed.constants.keys()

    def test_the_network_is_left_as_it_is(self):
        network = convnet()
        gradient_graph(network, {"second": 1.0})
        assert network.nodes == convnet().nodes
        assert network.inputs == convnet().inputs
        assert network.outputs == convnet().outputs
        assert network.constants.keys() == convnet().constants.keys()

    def test_no_weight_is_stored_twice(self):
        graph = gradient_graph(convnet(), {"second": 1.0})
        large = [value for value in graph.constants.values() if value.size > 100]
        assert len(large) == 2

    def test_whatever_is_added_is_named_as_ours(self):
        network = convnet()
        graph = gradient_graph(network, {"second": 1.0})
        added = set(graph.names()) - set(network.names()) - {LOSS, GRADIENT}
        assert added
        assert all(name.startswith(PREFIX) for name in added)


class TestRefusals:
    def test_a_layer_that_does_not_see_the_image(self):
        network = convnet()
        network.nodes.append(Node("Neg", ["first/bias"], ["aside"]))
        with pytest.raises(NetworkFormatError, match="'aside' does not depend on the image"):
            gradient_graph(network, {"aside": 1.0})

    def test_a_layer_that_sees_the_size_of_the_image_only(self):
        network = convnet()
        network.nodes.append(Node("Shape", ["image"], ["shape"]))
        network.nodes.append(Node("Cast", ["shape"], ["numbers"], {"to": 1}))
        with pytest.raises(NetworkFormatError, match="'numbers' does not depend on the image"):
            gradient_graph(network, {"numbers": 1.0})

    def test_unknown_operators_are_listed_with_their_names(self):
        network = convnet()
        network.nodes.append(Node("Erf", ["second"], ["e"], name="bend"))
        network.nodes.append(Node("Sin", ["e"], ["s"], name="wave"))
        with pytest.raises(UnsupportedOperatorError, match="Erf 'bend', Sin 'wave'"):
            gradient_graph(network, {"s": 1.0})
        gradient_graph(network, {"second": 1.0})

    def test_a_classifier_of_one_size(self):
        with pytest.raises(NetworkFormatError, match="images of 32×32 only; choose an earlier"):
            gradient_graph(classifier(32), {"classes": 1.0})

    @pytest.mark.parametrize(("to", "name"), [(10, "float16"), (11, "float64")])
    def test_a_layer_of_another_type(self, to, name):
        graph = convnet()
        graph.nodes.append(Node("Cast", ["second"], ["odd"], {"to": to}))
        graph.nodes.append(Node("Relu", ["odd"], ["last"]))
        message = f"'last' is of {name}, and only float32 can be amplified"
        with pytest.raises(NetworkFormatError, match=message):
            gradient_graph(graph, {"second": 1.0, "last": 1.0})
        gradient_graph(graph, {"second": 1.0})

    def test_control_flow(self):
        network = convnet()
        network.nodes.append(Node("Loop", ["second"], ["looped"], name="around"))
        with pytest.raises(NetworkFormatError, match="Loop 'around'"):
            gradient_graph(network, {"looped": 1.0})


@pytest.mark.parametrize("size", SIZES)
def test_a_classifier_of_one_size_has_layers_of_any(lowering, size):
    """Only its last layers insist on the size."""
    network = classifier(32)
    image = distinct(1, 3, *size)
    fixed = gradient_graph(network, {"second": 1.0})
    free = gradient_graph(convnet(), {"second": 1.0})
    np.testing.assert_array_equal(
        lowering.run(fixed, {IMAGE: image}, [GRADIENT])[0],
        lowering.run(free, {IMAGE: image}, [GRADIENT])[0],
    )


FOLDER = os.environ.get("ONNXDREAM_TEST_NETWORKS")

FOREIGN = [
    ("inception_v3", "mixed", 1),
    ("inception_v3", "mixed_4", 1),
    ("inception_v3", "mixed_7", 1),
    ("alexnet_lrn", "pool2", 1),
    ("alexnet_lrn", "pool5", 1),
    ("mobilenet_v2", "028_add", 1),
    ("mobilenet_v2", "043_add", 1),
    ("squeezenet1_0", "fire5/concat", 60),
    ("squeezenet1_0", "fire8/concat", 60),
]
"""A file, a layer, and the standard deviation of the images that it is used to."""

EMBEDDED = [
    ("squeezenet", "fire5", 60),
    ("squeezenet", "fire8", 60),
    ("efficientnet-lite0", "block5", 1),
    ("efficientnet-lite0", "block9", 1),
    ("efficientnet-lite0", "block11", 1),
]

REAL_SIZES = [(224, 224), (255, 317), (131, 97)]


def like_a_photograph(height: int, width: int, deviation: float) -> np.ndarray:
    """Noise whose amplitude falls with its frequency, as in photographs."""
    noise = np.random.default_rng(0).normal(size=(1, 3, height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    spectrum = np.fft.rfft2(noise) / np.maximum(frequency, 1 / max(height, width))
    image = np.fft.irfft2(spectrum, (height, width))
    return (deviation * image / image.std()).astype(np.float32)


def check_against_autograd(lowering: Lowering, graph: Graph, layer: str, deviation: float) -> None:
    pytest.importorskip("torch")
    from torch_reference import loss_and_gradient

    session = lowering.session(gradient_graph(graph, {layer: 1.0}))
    for size in REAL_SIZES:
        image = like_a_photograph(*size, deviation)
        loss, gradient = session.run([LOSS, GRADIENT], {IMAGE: image})
        expected_loss, expected = loss_and_gradient(graph, {layer: 1.0}, image)
        gradient, expected = gradient.astype(np.float64), expected.astype(np.float64)
        lengths = np.linalg.norm(gradient), np.linalg.norm(expected)
        assert loss == pytest.approx(expected_loss, rel=1e-3)
        assert np.vdot(gradient, expected) / np.prod(lengths) >= 0.9999
        assert np.linalg.norm(gradient - expected) / lengths[1] <= 1e-2


@pytest.mark.torch
def test_rounding_is_no_coarser_than_that_of_pytorch(lowering):
    """Both in float32, against float64: of several images, since one may be near a kink."""
    pytest.importorskip("torch")
    from torch_reference import loss_and_gradient

    network = load("squeezenet")
    graph, layers = network.graph, {network.resolve("fire8"): 1.0}
    precise = graph.copy()
    precise.constants = {
        name: value.astype(np.float64) if value.dtype == np.float32 else value
        for name, value in graph.constants.items()
    }
    session = lowering.session(gradient_graph(graph, layers))
    ratios = []
    for size in REAL_SIZES:
        image = like_a_photograph(*size, 60)
        [gradient] = session.run([GRADIENT], {IMAGE: image})
        _, rival = loss_and_gradient(graph, layers, image)
        _, exact = loss_and_gradient(precise, layers, image.astype(np.float64))
        assert exact.dtype == np.float64
        ratios.append(np.linalg.norm(gradient - exact) / np.linalg.norm(rival - exact))
    assert np.median(ratios) <= 2


@pytest.mark.torch
@pytest.mark.skipif(FOLDER is None, reason="ONNXDREAM_TEST_NETWORKS names no folder")
@pytest.mark.parametrize(("name", "layer", "deviation"), FOREIGN)
def test_foreign_networks_agree_with_autograd(lowering, name, layer, deviation):
    graph = read(Path(str(FOLDER)) / f"{name}.onnx")
    free_names(graph, next(iter(graph.inputs)))
    check_against_autograd(lowering, graph, layer, deviation)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "layer", "deviation"), EMBEDDED)
def test_embedded_networks_agree_with_autograd(lowering, name, layer, deviation):
    network = load(name)
    check_against_autograd(lowering, network.graph, network.resolve(layer), deviation)
