"""Names that onnxdream needs for itself, and what a gradient graph's own part is."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.errors import NetworkFormatError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import (
    GRADIENT,
    IMAGE,
    LOSS,
    Graph,
    Node,
    Tensor,
    forward_part,
    free_names,
)
from onnxdream.graph.ir import rename
from onnxdream.lowering import portable
from rules import distinct
from running import run_graph
from small_networks import FLOAT32, convnet


def renamed(names: dict[str, str], image: str = "image") -> Graph:
    """`convnet` under other names."""
    graph = convnet(image)
    rename(graph.nodes, names)
    graph.constants = {names.get(k, k): v for k, v in graph.constants.items()}
    graph.outputs = {names.get(k, k): v for k, v in graph.outputs.items()}
    return graph


def test_the_image_gets_its_name():
    graph = convnet("data")
    assert free_names(graph, "data") == {"data": IMAGE}
    assert list(graph.inputs) == [IMAGE]
    assert graph.nodes[0].inputs[0] == IMAGE


def test_nothing_is_renamed_without_need():
    graph = convnet()
    assert free_names(graph, IMAGE) == {}
    assert graph.nodes == convnet().nodes


@pytest.mark.parametrize("old", [LOSS, GRADIENT, "onnxdream/gradient/Add_0", "onnxdream/x"])
@pytest.mark.parametrize("tensor", ["first", "second", "first/weight"])
def test_whatever_bears_a_name_of_ours_is_renamed(old, tensor):
    graph = renamed({tensor: old})
    names = free_names(graph, IMAGE)
    assert set(names) == {old}
    assert old not in set(graph.names()) | set(graph.outputs)
    assert names[old] in set(graph.names())
    image = {"image": distinct(1, 3, 9, 8)}
    np.testing.assert_array_equal(run_graph(graph, image), run_graph(convnet(), image))


@pytest.mark.parametrize("name", [LOSS, GRADIENT, "onnxdream/image"])
def test_the_image_may_bear_a_name_of_ours(name):
    graph = convnet(name)
    assert free_names(graph, name) == {name: IMAGE}
    assert list(graph.inputs) == [IMAGE]


def test_another_tensor_called_image():
    graph = renamed({"first": IMAGE}, image="data")
    names = free_names(graph, "data")
    assert names["data"] == IMAGE
    assert names[IMAGE] not in (IMAGE, "data")
    picture = distinct(1, 3, 9, 8)
    [actual] = run_graph(graph, {IMAGE: picture})
    np.testing.assert_array_equal(actual, run_graph(convnet(), {"image": picture})[0])


def test_a_new_name_is_really_new():
    graph = renamed({"first": LOSS, "pool": "network/loss", "second/conv": "network/loss_"})
    free_names(graph, IMAGE)
    names = list(graph.names())
    assert len(names) == len(set(names))
    image = {"image": distinct(1, 3, 9, 8)}
    np.testing.assert_array_equal(run_graph(graph, image), run_graph(convnet(), image))


def test_the_forward_part_of_a_gradient_graph():
    network = convnet()
    whole = portable(gradient_graph(network, {"pool": 1.0, "first": 0.5}))
    whole.outputs["pool"] = Tensor(FLOAT32, (1, 8, "h", "w"))
    forward = forward_part(whole)
    assert [node.op for node in forward.nodes] == ["Conv", "Relu", "MaxPool"]
    assert list(forward.inputs) == [IMAGE]
    assert list(forward.outputs) == ["pool"]
    assert set(forward.constants) == {"first/weight", "first/bias"}
    image = {"image": distinct(1, 3, 9, 8)}
    network.outputs["pool"] = network.outputs["second"]
    np.testing.assert_array_equal(
        run_graph(forward, image)[0], run_graph(network, image, ["pool"])[0]
    )


def test_a_forward_part_can_be_aimed_at_another_layer():
    """What was exported for one layer dreams of an earlier one."""
    whole = portable(gradient_graph(convnet(), {"second": 1.0}))
    whole.outputs["second"] = Tensor(FLOAT32, None)
    again = portable(gradient_graph(forward_part(whole), {"first": 1.0}))
    direct = portable(gradient_graph(convnet(), {"first": 1.0}))
    image = {"image": distinct(1, 3, 9, 8)}
    for actual, expected in zip(run_graph(again, image), run_graph(direct, image), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_forward_graph_is_its_own_forward_part():
    assert forward_part(convnet()).nodes == convnet().nodes


def test_a_gradient_graph_without_layers_has_no_forward_part():
    whole = portable(gradient_graph(convnet(), {"second": 1.0}))
    with pytest.raises(NetworkFormatError, match="no layer among its outputs"):
        forward_part(whole)


def test_a_node_that_makes_nothing_is_dropped():
    graph = convnet()
    graph.nodes.append(Node("Neg", ["second"], [""]))
    assert len(forward_part(graph).nodes) == 5
