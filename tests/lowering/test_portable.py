"""Each operator of ours, spelled in standard ones, against a plain NumPy definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onnxdream.gradient import gradient_graph
from onnxdream.graph import DOMAIN, PREFIX, Graph, Node, Tensor
from onnxdream.lowering import portable
from rules import distinct, random
from running import run_graph
from small_networks import FLOAT32, convnet


def run(op: str, inputs: dict[str, np.ndarray], **attributes: Any) -> np.ndarray:
    """What one operator of ours makes; an input of None is absent."""
    kinds = {name: Tensor(v.dtype, None) for name, v in inputs.items() if v is not None}
    names = [name if value is not None else "" for name, value in inputs.items()]
    node = Node(op, names, ["made"], attributes, DOMAIN)
    lowered = portable(Graph([node], {}, kinds, {"made": Tensor(FLOAT32, None)}))
    assert all(node.domain != DOMAIN for node in lowered.nodes)
    return run_graph(lowered, {name: inputs[name] for name in kinds})[0]


Y = np.array([[-2, -0.0, 0, 1e-30], [0.5, 1, 5.9, 6], [6.1, 1e30, -1e30, 3]], np.float32)


def test_relu_grad():
    g = random(3, 4)
    np.testing.assert_array_equal(run("ReluGrad", {"y": Y, "g": g}), np.where(Y > 0, g, 0))


@pytest.mark.parametrize("low", [None, -1, 0, 0.5])
@pytest.mark.parametrize("high", [None, 1, 6, 1e38])
def test_clip_grad(low, high):
    g = random(3, 4)
    bounds = {
        "low": None if low is None else np.array(low, np.float32),
        "high": None if high is None else np.array(high, np.float32),
    }
    made = run("ClipGrad", {"y": Y, "g": g, **bounds})
    inside = ((-np.inf if low is None else low) < Y) & ((np.inf if high is None else high) > Y)
    np.testing.assert_array_equal(made, np.where(inside, g, 0))


def window_places(y: np.ndarray, kernel: list[int], attributes: dict[str, Any]):
    """For each element of y and each tap of its window, where it reads."""
    strides = attributes.get("strides", [1, 1])
    dilations = attributes.get("dilations", [1, 1])
    pads = attributes.get("pads", [0, 0, 0, 0])
    for i, j in np.ndindex(*y.shape[2:]):
        for down, right in np.ndindex(*kernel):
            row = i * strides[0] - pads[0] + down * dilations[0]
            column = j * strides[1] - pads[1] + right * dilations[1]
            yield i, j, down, right, row, column


def inside(x: np.ndarray, row: int, column: int) -> bool:
    return 0 <= row < x.shape[2] and 0 <= column < x.shape[3]


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 0, 1, 2]},
        {"pads": [4, 0, 0, 5]},
        {"strides": [2, 3]},
        {"strides": [2, 1], "pads": [1, 2, 0, 1]},
        {"dilations": [2, 1]},
        {"dilations": [1, 2], "strides": [3, 2], "pads": [0, 1, 1, 0]},
    ],
    ids=str,
)
def test_conv_grad(attributes, group):
    x, weight = random(1, 4, 9, 8), random(8, 4 // group, 3, 2)
    attributes = {**attributes, "group": group}
    kind = Tensor(FLOAT32, None)
    forward = Graph([Node("Conv", ["x", "w"], ["y"], attributes)], {}, {"x": kind, "w": kind}, {})
    forward.outputs["y"] = kind
    [y] = run_graph(forward, {"x": x, "w": weight})
    g = random(*y.shape)
    made = run(
        "ConvGrad",
        {"w": weight, "g": g, "x": x, "y": y},
        kernel_shape=[3, 2],
        channels=[8, 4 // group],
        **attributes,
    )
    expected = np.zeros(x.shape)
    for i, j, down, right, row, column in window_places(y, [3, 2], attributes):
        if inside(x, row, column):
            for n in range(group):
                outputs = slice(n * 8 // group, (n + 1) * 8 // group)
                inputs = slice(n * 4 // group, (n + 1) * 4 // group)
                taps = weight[outputs, :, down, right]
                expected[0, inputs, row, column] += g[0, outputs, i, j] @ taps
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)


POOLS = [
    {"kernel_shape": [2, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 2, 0, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [2, 2], "strides": [3, 3]},
]


def pooled(op: str, x: np.ndarray, **attributes: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, g and what the gradient of a pool is: it needs the pool in the graph."""
    kinds = {"x": Tensor(FLOAT32, None), "g": Tensor(FLOAT32, None)}
    pool = Node(op, ["x"], ["y"], attributes)
    added = {"channels": x.shape[1]} if op == "AveragePool" else {}
    back = Node(f"{op}Grad", ["x", "y", "g"], ["made"], {**attributes, **added}, DOMAIN)
    outputs = {"y": Tensor(FLOAT32, None), "made": Tensor(FLOAT32, None)}
    graph = Graph([pool], {}, {"x": kinds["x"]}, {"y": outputs["y"]})
    [y] = run_graph(graph, {"x": x})
    g = random(*y.shape)
    graph = Graph([pool, back], {}, kinds, outputs)
    y, made = run_graph(portable(graph), {"x": x, "g": g})
    return y, g, made


@pytest.mark.parametrize("attributes", POOLS, ids=str)
@pytest.mark.parametrize("tied", [False, True])
def test_max_pool_grad(attributes, tied):
    x = distinct(2, 3, 8, 7)
    if tied:
        x = np.round(x)
    y, g, made = pooled("MaxPool", x, **attributes)
    expected = np.zeros(x.shape)
    taken = np.zeros(y.shape, bool)
    for i, j, _, _, row, column in window_places(y, attributes["kernel_shape"], attributes):
        if inside(x, row, column):
            first = (x[:, :, row, column] == y[:, :, i, j]) & ~taken[:, :, i, j]
            expected[:, :, row, column] += np.where(first, g[:, :, i, j], 0)
            taken[:, :, i, j] |= first
    assert taken.all()
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("attributes", POOLS, ids=str)
@pytest.mark.parametrize("counts", [0, 1])
def test_average_pool_grad(attributes, counts):
    x = distinct(2, 3, 8, 7)
    attributes = {**attributes, "count_include_pad": counts}
    y, g, made = pooled("AveragePool", x, **attributes)
    expected = np.zeros(x.shape)
    pads = attributes.get("pads", [0, 0, 0, 0])
    sizes = np.zeros(y.shape[2:])
    places = list(window_places(y, attributes["kernel_shape"], attributes))
    for i, j, _, _, row, column in places:
        in_padding = row < x.shape[2] + pads[2] and column < x.shape[3] + pads[3]
        sizes[i, j] += in_padding if counts else inside(x, row, column)
    for i, j, _, _, row, column in places:
        if inside(x, row, column):
            expected[:, :, row, column] += g[:, :, i, j] / sizes[i, j]
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
def test_lrn_grad(size):
    """Even sizes, too, which ONNX Runtime's own operator does not take."""
    alpha, beta, bias = 0.7, 0.6, 1.3
    x, g = random(2, 6, 3, 4), random(2, 6, 3, 4, seed=3)
    made = run("LRNGrad", {"x": x, "g": g}, size=size, alpha=alpha, beta=beta, bias=bias)
    before, after = (size - 1) // 2, size // 2
    d = np.empty(x.shape)
    for c in range(6):
        window = x[:, max(c - before, 0) : c + after + 1]
        d[:, c] = bias + alpha / size * (window**2).sum(1)
    expected = g * d**-beta
    for j in range(6):
        for i in range(6):
            if i - before <= j <= i + after:
                share = beta * d[:, i] ** (-beta - 1) * 2 * alpha / size * x[:, j]
                expected[:, j] -= g[:, i] * x[:, i] * share
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_lrn_grad_has_the_operator_s_defaults():
    x, g = 30 * random(1, 6, 3, 4), random(1, 6, 3, 4, seed=3)
    said = run("LRNGrad", {"x": x, "g": g}, size=3, alpha=1e-4, beta=0.75, bias=1.0)
    np.testing.assert_array_equal(run("LRNGrad", {"x": x, "g": g}, size=3), said)


class TestSpelling:
    """What happens to the graph around the operators that are spelled."""

    def test_no_operator_of_ours_is_left(self):
        lowered = portable(gradient_graph(convnet(), {"second": 1.0}))
        assert {node.domain for node in lowered.nodes} == {""}

    def test_the_graph_is_left_as_it_is(self):
        graph = gradient_graph(convnet(), {"second": 1.0})
        before = graph.copy()
        portable(graph)
        assert graph.nodes == before.nodes
        assert graph.constants.keys() == before.constants.keys()
        assert graph.inputs == before.inputs
        assert graph.outputs == before.outputs

    def test_whatever_is_added_is_named_as_ours(self):
        graph = gradient_graph(convnet(), {"second": 1.0})
        added = set(portable(graph).names()) - set(graph.names())
        assert added
        assert all(name.startswith(f"{PREFIX}lowered/") for name in added)

    def test_no_name_is_given_twice(self):
        """Not even one that an earlier spelling gave."""
        graph = gradient_graph(convnet(), {"second": 1.0})
        graph.nodes.insert(0, Node("Neg", ["image"], [f"{PREFIX}lowered/Mul_0"]))
        graph.outputs[f"{PREFIX}lowered/Mul_0"] = graph.inputs["image"]
        names = list(portable(graph).names())
        assert len(names) == len(set(names))

    def test_a_graph_without_such_operators_stays_the_same(self):
        assert portable(convnet()).nodes == convnet().nodes

    def test_other_domains_are_left_alone(self):
        graph = convnet()
        graph.nodes.append(Node("ReluGrad", ["second", "second"], ["x"], domain="com.acme"))
        assert portable(graph).nodes == graph.nodes

    def test_an_output_keeps_its_name(self):
        kind = Tensor(FLOAT32, None)
        node = Node("ReluGrad", ["y", "g"], ["made"], {}, DOMAIN)
        lowered = portable(Graph([node], {}, {"y": kind, "g": kind}, {"made": kind}))
        assert lowered.outputs == {"made": kind}
        assert "made" in lowered.producers()

    def test_one_pool_serves_two_gradients(self):
        """Its indices are asked for once."""
        kind = Tensor(FLOAT32, None)
        pool = Node("MaxPool", ["x"], ["y"], {"kernel_shape": [2, 2]})
        twice = [
            Node("MaxPoolGrad", ["x", "y", g], [f"{g}_back"], pool.attributes, DOMAIN)
            for g in ("g", "h")
        ]
        inputs = dict.fromkeys(("x", "g", "h"), kind)
        outputs = dict.fromkeys(("g_back", "h_back"), kind)
        lowered = portable(Graph([pool, *twice], {}, inputs, outputs))
        assert [node.op for node in lowered.nodes].count("MaxPool") == 1
        x, g = distinct(1, 2, 4, 4), random(1, 2, 3, 3)
        one, two = run_graph(lowered, {"x": x, "g": g, "h": 2 * g})
        np.testing.assert_allclose(two, 2 * one, rtol=1e-6)

    def test_a_pool_that_has_indices_already(self):
        """The network's own use of them goes on."""
        kind = Tensor(FLOAT32, None)
        pool = Node("MaxPool", ["x"], ["y", "places"], {"kernel_shape": [2, 2]})
        back = Node("MaxPoolGrad", ["x", "y", "g"], ["made"], pool.attributes, DOMAIN)
        outputs = {"made": kind, "places": Tensor(np.dtype(np.int64), None)}
        lowered = portable(Graph([pool, back], {}, dict.fromkeys(("x", "g"), kind), outputs))
        assert lowered.nodes[0].outputs == ["y", "places"]
        x, g = distinct(1, 2, 4, 4), np.ones((1, 2, 3, 3), np.float32)
        made, places = run_graph(lowered, {"x": x, "g": g})
        np.testing.assert_array_equal(made.ravel(), np.bincount(places.ravel(), minlength=32))
