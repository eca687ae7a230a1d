"""Batch normalizations, folded into the convolutions before them."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.graph import IMAGE, Graph, Node, Tensor, fold_normalizations
from running import run_graph

STATISTICS = ["scale", "shift", "mean", "variance"]


def normalized(bias: bool, group: int) -> Graph:
    random = np.random.default_rng(0)
    kind = Tensor(np.dtype(np.float32), (1, 4, "H", "W"))
    constants = {
        "weight": random.normal(size=(8, 4 // group, 3, 3)),
        "bias": random.normal(size=8),
        "scale": random.normal(size=8),
        "shift": random.normal(size=8),
        "mean": random.normal(size=8),
        "variance": random.uniform(0.5, 2, size=8),
    }
    inputs = [IMAGE, "weight", *(["bias"] if bias else [])]
    nodes = [
        Node("Conv", inputs, ["conv"], {"group": group}),
        Node("BatchNormalization", ["conv", *STATISTICS], ["norm"], {"epsilon": 1e-3}),
        Node("Relu", ["norm"], ["relu"]),
    ]
    floats = {name: value.astype(np.float32) for name, value in constants.items()}
    return Graph(nodes, floats, {IMAGE: kind}, {"relu": kind})


def operators(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("group", [1, 2, 4])
def test_it_computes_the_same(bias, group):
    graph = normalized(bias, group)
    folded = graph.copy()
    fold_normalizations(folded, kept=())
    assert operators(folded) == ["Conv", "Relu"]
    image = np.random.default_rng(1).normal(size=(1, 4, 9, 7)).astype(np.float32)
    before, after = (run_graph(g, {IMAGE: image}) for g in (graph, folded))
    np.testing.assert_allclose(after[0], before[0], rtol=1e-4, atol=1e-4)


def test_a_convolution_that_is_a_layer_stays():
    graph = normalized(True, 1)
    fold_normalizations(graph, kept=("conv",))
    assert operators(graph) == ["Conv", "BatchNormalization", "Relu"]


def test_a_convolution_that_is_read_elsewhere_stays():
    graph = normalized(True, 1)
    graph.nodes.append(Node("Neg", ["conv"], ["other"]))
    fold_normalizations(graph, kept=())
    assert "BatchNormalization" in operators(graph)


def test_statistics_that_are_computed_stay():
    graph = normalized(True, 1)
    graph.nodes.insert(0, Node("Neg", ["mean"], ["negative"]))
    graph.nodes[2].inputs[3] = "negative"
    fold_normalizations(graph, kept=())
    assert "BatchNormalization" in operators(graph)


def test_a_normalization_that_is_the_layer_keeps_its_name():
    graph = normalized(True, 1)
    fold_normalizations(graph, kept=("norm",))
    assert operators(graph) == ["Conv", "Relu"]
    assert graph.nodes[0].outputs == ["norm"]


@pytest.mark.parametrize("name", ["bias", "scale", "variance"])
@pytest.mark.parametrize("shape", [(1,), (), (4,), (1, 8)])
def test_parameters_of_another_length_are_left_to_whoever_refuses_them(name, shape):
    graph = normalized(True, 1)
    graph.constants[name] = np.ones(shape, np.float32)
    fold_normalizations(graph, kept=())
    assert "BatchNormalization" in operators(graph)


def test_a_variance_below_zero_makes_no_numbers():
    graph = normalized(True, 1)
    graph.constants["variance"] = np.full(8, -1, np.float32)
    fold_normalizations(graph, kept=())
    assert operators(graph) == ["Conv", "Relu"]
    assert np.isnan(graph.constants[graph.nodes[0].inputs[1]]).all()
