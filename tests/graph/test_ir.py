"""A graph as plain Python: looking at it, copying it, renaming in it."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.graph import PREFIX, Graph, Node, Tensor
from onnxdream.graph.ir import rename
from small_networks import FLOAT32, convnet


def test_an_absent_input_is_none():
    node = Node("Clip", ["x", "", "high"], ["y"])
    assert [node.input(index) for index in range(4)] == ["x", None, "high", None]


def test_attributes_and_their_defaults():
    node = Node("X", [], ["y"], {"i": 2, "f": 0.5, "is": [1, 2], "fs": [0.5], "s": "SAME"})
    assert node.integer("i", 1) == 2
    assert node.integer("j", 1) == 1
    assert node.number("f", 1.0) == 0.5
    assert node.number("g", 1.0) == 1.0
    assert node.number("i", 1.0) == 2
    assert node.integers("is", [0]) == [1, 2]
    assert node.integers("js", [0]) == [0]
    assert node.numbers("fs") == [0.5]
    assert node.text("s", "NOTSET") == "SAME"
    assert node.text("t", "NOTSET") == "NOTSET"


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node("Relu", ["x"], ["y"], name="act"), "Relu 'act'"),
        (Node("Relu", ["x"], ["y"]), "Relu 'y'"),
        (Node("Gelu", ["x"], ["y"], domain="com.acme", name="act"), "com.acme.Gelu 'act'"),
    ],
)
def test_a_node_says_what_and_where_it_is(node, said):
    assert str(node) == said


def test_a_copy_can_be_changed():
    graph = convnet()
    graph.metadata["a"] = "b"
    copy = graph.copy()
    assert copy.nodes == graph.nodes
    copy.nodes[0].inputs[0] = "x"
    copy.nodes[0].outputs.append("y")
    copy.nodes[0].attributes["z"] = 1
    copy.nodes.pop()
    copy.constants.clear()
    copy.inputs.clear()
    copy.outputs.clear()
    copy.metadata.clear()
    untouched = convnet()
    assert graph.nodes == untouched.nodes
    assert graph.constants.keys() == untouched.constants.keys()
    assert graph.inputs == untouched.inputs
    assert graph.outputs == untouched.outputs
    assert graph.metadata == {"a": "b"}


def test_producers_and_consumers():
    nodes = [
        Node("Split", ["x"], ["a", ""]),
        Node("Mul", ["a", "a"], ["b"]),
        Node("Clip", ["a", "", "b"], ["c"]),
    ]
    graph = Graph(nodes, {}, {"x": Tensor(FLOAT32, None)}, {})
    assert graph.producers() == {"a": nodes[0], "b": nodes[1], "c": nodes[2]}
    assert graph.consumers() == {"x": nodes[:1], "a": nodes[1:], "b": nodes[2:]}


def test_every_name_once():
    graph = convnet()
    graph.inputs["first/bias"] = Tensor(FLOAT32, (8,))
    names = list(graph.names())
    assert len(names) == len(set(names))
    assert {"image", "first/weight", "first/bias", "first", "second"} <= set(names)


def test_what_can_change_is_no_constant():
    """An input with a default can be fed something else on the next run."""
    graph = convnet()
    assert graph.constant("first/bias") is graph.constants["first/bias"]
    graph.inputs["first/bias"] = Tensor(FLOAT32, (8,))
    assert graph.constant("first/bias") is None
    assert graph.constant("image") is None
    assert graph.constant("nothing") is None
    assert graph.constant(None) is None


def test_activations_are_the_network_s_own():
    graph = convnet()
    graph.nodes.append(Node("Neg", ["second"], [f"{PREFIX}gradient/Neg_0"]))
    graph.nodes.append(Node("Split", ["second"], ["", "half"]))
    own = ["first/conv", "first", "pool", "second/conv", "second", "half"]
    assert graph.activations() == own


def test_renaming_reaches_every_mention():
    nodes = [Node("Relu", ["x"], ["y"]), Node("Add", ["y", "x"], ["z"])]
    rename(nodes, {"x": "y", "y": "x"})
    assert [(node.inputs, node.outputs) for node in nodes] == [(["y"], ["x"]), (["x", "y"], ["z"])]


def test_weights_are_shared_between_copies():
    graph = convnet()
    copy = graph.copy()
    assert all(np.shares_memory(graph.constants[n], copy.constants[n]) for n in graph.constants)
