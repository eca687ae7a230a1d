"""Nodes added one call each, and the names that they get."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.graph import DOMAIN, PREFIX, Builder, Graph, Node, Tensor
from running import run_graph
from small_networks import FLOAT32, convnet


def empty() -> Graph:
    return Graph([], {}, {"image": Tensor(FLOAT32, (1, 3, "H", "W"))}, {})


def run(graph: Graph, name: str, image: np.ndarray) -> np.ndarray:
    graph.outputs = {name: Tensor(FLOAT32, None)}
    return run_graph(graph, {"image": image})[0]


def test_a_call_appends_a_node():
    graph = empty()
    b = Builder(graph, "room")
    name = b("Clip", "image", None, b.constant(1), domain=DOMAIN, width=3)
    [node] = graph.nodes
    assert name.startswith(f"{PREFIX}room/Clip_")
    assert node.op == "Clip"
    assert node.inputs == ["image", "", next(iter(graph.constants))]
    assert node.outputs == [name] and node.name == name
    assert node.attributes == {"width": 3} and node.domain == DOMAIN


def test_several_outputs():
    graph = empty()
    made = Builder(graph, "room").many("Split", ["image"], 3, axis=1, num_outputs=3)
    assert graph.nodes[0].outputs == made and len(set(made)) == 3


def test_no_name_is_given_twice():
    graph = empty()
    first = Builder(graph, "room")
    made = [first("Relu", "image") for _ in range(3)]
    second = Builder(graph, "room")
    made += [second("Relu", "image") for _ in range(3)]
    made += [second.constant(value) for value in range(3)]
    assert len(set(made)) == len(made)
    assert len(list(graph.names())) == len(set(graph.names()))


def test_names_are_kept_free():
    graph = empty()
    b = Builder(graph, "room")
    b.reserve({f"{PREFIX}room/Relu_0", f"{PREFIX}room/Relu_1"})
    assert b("Relu", "image") not in {f"{PREFIX}room/Relu_0", f"{PREFIX}room/Relu_1"}


def test_equal_constants_share_one():
    b = Builder(empty(), "room")
    assert b.constant(1) == b.constant(1.0) == b.constant(np.float64(1))
    assert b.constant(1) != b.constant([1])
    assert b.constant(0) != b.constant(0, np.int32)
    assert b.constant(0.0) != b.constant(-0.0)
    assert b.ints(1, 2) == b.ints(1, 2) != b.ints(2, 1)
    assert b.ints().startswith(PREFIX)
    assert b.graph.constants[b.ints()].shape == (0,)
    assert b.graph.constants[b.ints(3)].dtype == np.int64
    assert b.graph.constants[b.constant(3)].dtype == np.float32


def test_large_constants_are_not_compared():
    b = Builder(empty(), "room")
    assert b.constant(np.zeros(10_000)) != b.constant(np.zeros(10_000))


def test_an_output_bears_the_name_that_it_is_given():
    graph = empty()
    b = Builder(graph, "room")
    kind = Tensor(FLOAT32, None)
    b.call_output(b("Neg", "image"), "wanted", kind)
    assert graph.outputs == {"wanted": kind}
    image = np.ones((1, 3, 2, 2), np.float32)
    np.testing.assert_array_equal(run_graph(graph, {"image": image})[0], -image)


@pytest.mark.parametrize("axis", [None, 0, 2, 3])
def test_shapes_at_run_time(axis):
    graph = empty()
    b = Builder(graph, "room")
    as_float = b("Cast", b.shape("image", axis), to=1)
    shape = run(graph, as_float, np.zeros((1, 3, 5, 7), np.float32))
    assert shape.tolist() == ([1, 3, 5, 7] if axis is None else [[1, 3, 5, 7][axis]])


def test_an_extent_is_a_scalar():
    graph = empty()
    b = Builder(graph, "room")
    extent = run(graph, b("Cast", b.extent("image", 2), to=1), np.zeros((1, 3, 5, 7), np.float32))
    assert extent.shape == () and extent == 5


def test_indices_count_along_an_axis():
    graph = empty()
    b = Builder(graph, "room")
    indices = b("Cast", b.indices("image", 3), to=1)
    assert run(graph, indices, np.zeros((1, 3, 5, 4), np.float32)).tolist() == [0, 1, 2, 3]


def test_zeros_like():
    graph = empty()
    zeros = Builder(graph, "room").zeros_like("image")
    made = run(graph, zeros, np.ones((1, 3, 2, 5), np.float32))
    np.testing.assert_array_equal(made, np.zeros((1, 3, 2, 5), np.float32))


def test_positive_is_one_above_zero():
    graph = empty()
    positive = Builder(graph, "room").positive("image")
    values = np.array([0, -0.0, 1e-30, -1e-30, 2, -2, 1e30, -1e30, np.inf, -np.inf, 2e-38, 5])
    image = values.astype(np.float32).reshape(1, 3, 2, 2)
    np.testing.assert_array_equal(run(graph, positive, image), image > 0)


def test_a_builder_leaves_what_is_there():
    graph = convnet()
    before = [Node(n.op, n.inputs, n.outputs, n.attributes) for n in graph.nodes]
    Builder(graph, "room")("Relu", "second")
    assert graph.nodes[:-1] == before
