"""What some tensors need, and what depends on one."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.autodiff import STOPS
from onnxdream.errors import NetworkFormatError
from onnxdream.graph import Graph, Node, Tensor, cut, descendants
from rules import distinct
from running import run_graph
from small_networks import FLOAT32, convnet

KIND = Tensor(FLOAT32, None)


def test_only_what_is_needed_is_kept():
    graph = convnet()
    part = cut(graph, {"pool": KIND})
    assert [node.op for node in part.nodes] == ["Conv", "Relu", "MaxPool"]
    assert set(part.constants) == {"first/weight", "first/bias"}
    assert part.outputs == {"pool": KIND}
    assert part.inputs == graph.inputs


def test_a_part_computes_what_the_whole_did():
    graph = convnet()
    image = {"image": distinct(1, 3, 9, 10)}
    graph.outputs["pool"] = graph.outputs["second"]
    whole = run_graph(graph, image, ["pool"])
    np.testing.assert_array_equal(run_graph(cut(graph, {"pool": KIND}), image), whole)


def test_the_whole_is_left_as_it_is():
    graph = convnet()
    cut(graph, {"pool": KIND}).nodes.clear()
    assert graph.nodes == convnet().nodes
    assert graph.outputs == convnet().outputs


def test_several_outputs_and_a_side_branch():
    graph = convnet()
    graph.nodes.insert(2, Node("Neg", ["first"], ["aside"]))
    graph.nodes.append(Node("Exp", ["aside"], ["further"]))
    part = cut(graph, {"aside": KIND, "pool": KIND})
    assert [node.op for node in part.nodes] == ["Conv", "Relu", "Neg", "MaxPool"]


def test_an_input_may_be_an_output():
    part = cut(convnet(), {"image": KIND})
    assert not part.nodes and not part.constants
    assert list(part.inputs) == ["image"]


def test_inputs_with_defaults_go_when_they_are_not_needed():
    graph = convnet()
    graph.inputs["first/bias"] = Tensor(FLOAT32, (8,))
    graph.inputs["second/bias"] = Tensor(FLOAT32, (6,))
    part = cut(graph, {"pool": KIND})
    assert set(part.inputs) == {"image", "first/bias"}


def test_absent_inputs_and_outputs_have_nothing_to_do_with_each_other():
    """Both are spelled "" in a file."""
    nodes = [
        Node("Dropout", ["image"], ["unneeded", ""]),
        Node("Clip", ["image", "", ""], ["needed"]),
    ]
    graph = Graph(nodes, {}, {"image": KIND}, {})
    assert cut(graph, {"needed": KIND}).nodes == nodes[1:]


@pytest.mark.parametrize("op", ["If", "Loop", "Scan"])
def test_control_flow_is_refused_where_it_is_needed(op):
    """Its branches read tensors that no list of inputs names."""
    graph = convnet()
    graph.nodes.insert(3, Node(op, ["pool"], ["looped"], name="around"))
    graph.nodes.append(Node("Add", ["second", "looped"], ["sum"]))
    assert len(cut(graph, {"second": KIND}).nodes) == 5
    with pytest.raises(NetworkFormatError, match=f"{op} 'around'"):
        cut(graph, {"sum": KIND})


def test_descendants():
    graph = convnet()
    assert descendants(graph, "pool") == {"pool", "second/conv", "second"}
    assert "first/weight" not in descendants(graph, "image")
    assert {"image", "first", "second"} <= descendants(graph, "image")


def test_nothing_is_followed_through_a_stop():
    graph = convnet()
    graph.nodes += [
        Node("Shape", ["pool"], ["shape"]),
        Node("Cast", ["shape"], ["numbers"], {"to": 1}),
        Node("Mul", ["second", "numbers"], ["both"]),
    ]
    found = descendants(graph, "image", STOPS)
    assert not {"shape", "numbers"} & found
    assert "both" in found
    assert {"shape", "numbers"} <= descendants(graph, "image")


def test_an_absent_output_is_no_descendant():
    graph = Graph([Node("Split", ["image"], ["a", ""]), Node("Clip", ["w", ""], ["b"])], {}, {}, {})
    assert descendants(graph, "image") == {"image", "a"}
