"""A forward graph in half precision: what is halved, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.graph import FLOAT, HALF, Graph, Node, Shapes, in_half
from rules import distinct
from running import run_graph
from small_networks import FLOAT32, convnet


def types(graph: Graph) -> dict[str, np.dtype[np.generic] | None]:
    """For each operator, the element type of what it makes first."""
    shapes = Shapes(graph)
    return {node.op: shapes.dtype(node.outputs[0]) for node in graph.nodes}


def far_from_the_image(*nodes: Node) -> Graph:
    """`convnet`, whose last tensor has a fourth of the image's rows, with nodes behind it."""
    graph = convnet()
    graph.nodes += nodes
    graph.outputs = {nodes[-1].outputs[0]: graph.outputs["second"]}
    return graph


def test_what_goes_in_and_comes_out_is_as_it_was():
    graph = convnet()
    made = in_half(graph)
    assert made.inputs == graph.inputs
    assert made.outputs == graph.outputs
    image = distinct(1, 3, 32, 40)
    [expected], [found] = (run_graph(g, {"image": image}) for g in (graph, made))
    assert found.dtype == np.float32
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_what_is_far_from_the_image_is_halved():
    kinds = types(in_half(convnet()))
    # Both have convolutions: the second comes last.
    assert kinds["Conv"] == kinds["Tanh"] == np.float16
    assert kinds["Relu"] == kinds["MaxPool"] == np.float32


def test_a_weight_is_halved_once():
    again = [Node("Conv", ["pool", "second/weight"], ["again"], {"pads": [1, 1, 1, 1]})]
    again.append(Node("Add", ["second/conv", "again"], ["sum"]))
    made = in_half(far_from_the_image(*again))
    weights = [node.inputs[1] for node in made.nodes if node.op == "Conv"][1:]
    assert weights[0] == weights[1]
    assert made.constants[weights[0]].dtype == np.float16


def test_a_tensor_is_cast_once():
    nodes = [
        Node("Relu", ["second"], ["one"]),
        Node("Neg", ["second"], ["other"]),
        Node("Softplus", ["one"], ["whole"]),
        Node("Exp", ["one"], ["whole too"]),
        Node("Sum", ["one", "other", "whole", "whole too"], ["sum"]),
    ]
    made = in_half(far_from_the_image(*nodes))
    casts = [(node.inputs[0], node.attributes["to"]) for node in made.nodes if node.op == "Cast"]
    assert len(casts) == len(set(casts))
    assert [to for _, to in casts].count(HALF) == 3
    assert [to for _, to in casts].count(FLOAT) == 2


@pytest.mark.parametrize(
    "op", ["Softplus", "Exp", "Sqrt", "GlobalAveragePool", "ReduceMean", "ReduceSumSquare", "LRN"]
)
def test_what_float16_does_not_hold_stays(op):
    attributes = {"size": 3} if op == "LRN" else {}
    kinds = types(in_half(far_from_the_image(Node(op, ["second"], ["last"], attributes))))
    assert kinds[op] == np.float32


def test_the_statistics_of_a_normalization_stay():
    graph = far_from_the_image(
        Node("BatchNormalization", ["second", "ones", "ones", "ones", "tiny"], ["last"])
    )
    graph.constants |= {"ones": np.ones(6, np.float32), "tiny": np.full(6, 1e-9, np.float32)}
    image = distinct(1, 3, 32, 40)
    [expected], [found] = (run_graph(g, {"image": image}) for g in (graph, in_half(graph)))
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=1)


def test_whole_numbers_stay_whole():
    nodes = [
        Node("Shape", ["second"], ["shape"]),
        Node("Mul", ["shape", "one"], ["same"]),
        Node("Concat", ["same"], ["shape too"], {"axis": 0}),
        Node("Reshape", ["second", "shape too"], ["last"]),
    ]
    graph = far_from_the_image(*nodes)
    graph.constants["one"] = np.array(1)
    kinds = types(in_half(graph))
    assert kinds["Concat"] == kinds["Mul"] == np.int64
    assert kinds["Reshape"] == np.float16


def test_a_bound_beyond_float16_becomes_its_largest_number():
    graph = far_from_the_image(Node("Clip", ["second", "low", "high"], ["last"]))
    graph.constants |= {
        "low": np.array(0, np.float32),
        "high": np.array(np.finfo(np.float32).max, np.float32),
    }
    made = in_half(graph)
    [clip] = [node for node in made.nodes if node.op == "Clip"]
    assert [made.constants[name] for name in clip.inputs[1:]] == [0, np.finfo(np.float16).max]


def test_a_layer_in_the_middle_comes_out_in_float32():
    graph = convnet()
    graph.outputs = dict.fromkeys(("second/conv", "second"), graph.outputs["second"])
    made = in_half(graph)
    shapes = Shapes(made)
    assert {shapes.dtype(name) for name in graph.outputs} == {FLOAT32}


def test_the_graph_is_left_as_it_is():
    graph, same = convnet(), convnet()
    in_half(graph)
    assert (graph.nodes, graph.inputs, graph.outputs) == (same.nodes, same.inputs, same.outputs)
    assert list(graph.constants) == list(same.constants)
    assert all(value.dtype == np.float32 for value in graph.constants.values())
