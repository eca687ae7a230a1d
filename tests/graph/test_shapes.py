"""What can be known of shapes before a graph runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from onnxdream.errors import NetworkFormatError
from onnxdream.graph import Graph, Node, Shapes, Tensor, infer, least_size
from rules import distinct
from running import run_graph
from small_networks import FLOAT32, classifier, convnet


@pytest.mark.parametrize("size", [(9, 8), (64, 33)])
def test_inferred_shapes_are_those_at_run_time(size):
    graph = convnet()
    inferred = infer(graph, *size)
    names = graph.activations()
    graph.outputs = {name: Tensor(FLOAT32, None) for name in names}
    for name, value in zip(names, run_graph(graph, {"image": distinct(1, 3, *size)}), strict=True):
        assert inferred[name] == value.shape
    assert inferred["image"] == (1, 3, *size)
    assert inferred["first/weight"] == (8, 3, 3, 3)


def test_shapes_that_are_computed_from_shapes():
    graph = convnet()
    graph.constants |= {"one": np.array([1]), "three": np.array([3]), "rest": np.array([-1])}
    graph.nodes += [
        Node("Shape", ["second"], ["shape"]),
        Node("Slice", ["shape", "one", "three"], ["middle"]),
        Node("Concat", ["middle", "rest"], ["target"], {"axis": 0}),
        Node("Reshape", ["second", "target"], ["reshaped"]),
    ]
    assert infer(graph, 32, 48)["reshaped"] == (6, 8, 12)


def test_large_weights_have_a_shape_too():
    graph = convnet()
    graph.constants["first/weight"] = np.zeros((600, 3, 3, 3), np.float32)
    graph.constants["first/bias"] = np.zeros(600, np.float32)
    graph.constants["second/weight"] = np.zeros((6, 600, 3, 3), np.float32)
    inferred = infer(graph, 32, 32)
    assert inferred["first"] == (1, 600, 16, 16)
    assert inferred["first/weight"] == (600, 3, 3, 3)


def test_a_scalar_has_an_empty_shape():
    graph = convnet()
    graph.nodes.append(Node("ReduceSum", ["second"], ["sum"], {"keepdims": 0}))
    assert infer(graph, 32, 32)["sum"] == ()


def test_the_graph_is_left_as_it_is():
    graph = convnet()
    infer(graph, 32, 32)
    assert graph.inputs == convnet().inputs
    assert graph.outputs == convnet().outputs


def test_a_size_that_does_not_fit():
    with pytest.raises(NetworkFormatError, match=r"does not take an image of 40×32.*MatMul"):
        infer(classifier(32), 32, 40)


def test_a_size_that_is_too_small():
    with pytest.raises(NetworkFormatError, match=r"2×2 is too small.*MaxPool 'pool'"):
        infer(convnet(), 2, 2)


def test_what_depends_on_the_image_is_not_known():
    shapes = Shapes(convnet())
    assert shapes.dims("image") == [1, 3, None, None]
    assert shapes.dims("second") == [1, 6, None, None]
    assert shapes.dims("first/weight") == [8, 3, 3, 3]
    assert shapes.rank("second") == 4
    assert "second" in shapes
    assert "nothing" not in shapes


@pytest.mark.parametrize(
    ("size", "dims"),
    [((32, 32), [8, 8]), ((32, "W"), [8, None]), (("H", 48), [None, 12]), (("n", "n"), [None] * 2)],
)
def test_a_network_of_one_size_is_known_altogether(size, dims):
    assert Shapes(convnet(shape=(1, 3, *size))).dims("second") == [1, 6, *dims]


def test_equal_whatever_the_size():
    graph = convnet()
    graph.nodes += [
        Node("Neg", ["second"], ["negative"]),
        Node("Transpose", ["second"], ["turned"], {"perm": [0, 1, 3, 2]}),
    ]
    shapes = Shapes(graph)
    assert shapes.equal("second", "negative")
    assert not shapes.equal("second", "turned")
    assert not shapes.equal("second", "first")


@pytest.mark.parametrize(
    ("small", "new", "stretched"),
    [
        ((1, 6, 1, 1), [], [2, 3]),
        ((6, 1, 1), [0], [2, 3]),
        ((1,), [0, 1, 2], [3]),
        ((), [0, 1, 2, 3], []),
        ((1, 1, 1, 1), [], [1, 2, 3]),
    ],
)
def test_how_a_tensor_is_stretched(small, new, stretched):
    graph = convnet()
    graph.constants["small"] = np.ones(small, np.float32)
    assert Shapes(graph).broadcast_axes("small", "second") == (new, stretched)


def test_a_shape_that_depends_on_what_the_image_shows():
    """Where the pixels are above zero, say: nobody can tell beforehand."""
    graph = convnet()
    graph.nodes.append(Node("NonZero", ["second"], ["places"]))
    shapes = Shapes(graph)
    assert "places" not in shapes
    with pytest.raises(NetworkFormatError, match="shape of 'places' could not be inferred"):
        shapes.rank("places")


def sliding(op: str, extent: int, **attributes: object) -> Graph:
    """A network of one operator with square windows."""
    weight = np.ones((1, 3, extent, extent), np.float32)
    constants = {"weight": weight} if op == "Conv" else {}
    said = {**attributes, "kernel_shape": [extent, extent]}
    kind = Tensor(FLOAT32, (1, 3, "H", "W"))
    node = Node(op, ["image", *constants], ["made"], said)
    return Graph([node], constants, {"image": kind}, {"made": Tensor(FLOAT32, None)})


@pytest.mark.parametrize("op", ["Conv", "MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    ("extent", "attributes", "least"),
    [
        (1, {}, 1),
        (3, {}, 3),
        (3, {"strides": [2, 2]}, 3),
        (7, {"strides": [4, 4]}, 7),
        (5, {"strides": [3, 3], "pads": [1, 1, 1, 1]}, 3),
        (5, {"strides": [3, 3], "pads": [2, 0, 2, 1]}, 4),
        (5, {"strides": [3, 3], "auto_pad": "SAME_UPPER"}, 1),
        (5, {"strides": [3, 3], "auto_pad": "VALID"}, 5),
        (200, {}, 200),
    ],
)
def test_the_least_size(op, extent, attributes, least):
    graph = sliding(op, extent, **attributes)
    assert least_size(graph) == least
    assert run_graph(graph, {"image": distinct(1, 3, least, least)})[0].size


@pytest.mark.parametrize("op", ["Conv", "MaxPool"])
def test_the_least_size_of_dilated_windows(op):
    graph = sliding(op, 3, strides=[2, 2], dilations=[2, 2])
    assert least_size(graph) == 5
    assert run_graph(graph, {"image": distinct(1, 3, 5, 5)})[0].size


def test_the_kernel_s_extent_may_be_left_to_the_weight():
    graph = sliding("Conv", 5, strides=[3, 3])
    del graph.nodes[0].attributes["kernel_shape"]
    assert least_size(graph) == 5


def test_the_least_size_of_a_network_runs_and_one_less_does_not():
    graph = convnet()
    least = least_size(graph)
    assert run_graph(graph, {"image": distinct(1, 3, least, least)})[0].size
    with pytest.raises(NetworkFormatError):
        infer(graph, least - 1, least - 1)


def test_a_network_for_no_size_that_we_look_at():
    with pytest.raises(NetworkFormatError, match="1024×1024"):
        least_size(sliding("MaxPool", 1500))
    assert least_size(sliding("MaxPool", 1500), most=2048) == 1500


def unpadded(kernels: list[int]) -> Graph:
    """Convolutions without padding, one behind the other, and of what they leave a window."""
    constants: dict[str, np.ndarray] = {"from": np.array([1]), "to": np.array([-1])}
    constants["axis"] = np.array([2])
    nodes, last = [], "image"
    for number, kernel in enumerate(kernels):
        weight = np.ones((3, 3, kernel, kernel), np.float32)
        constants[f"weight_{number}"] = weight
        nodes.append(Node("Conv", [last, f"weight_{number}"], [f"conv_{number}"]))
        nodes.append(Node("Relu", [f"conv_{number}"], [last := f"relu_{number}"]))
    nodes.append(Node("Slice", [last, "from", "to", "axis"], ["made"]))
    kind = Tensor(FLOAT32, (1, 3, "H", "W"))
    return Graph(nodes, constants, {"image": kind}, {"made": Tensor(FLOAT32, None)})


ALONE = """
import sys
from test_shapes import *
try:
    print(eval(sys.argv[1]))
except NetworkFormatError as error:
    print("refused")
"""
"""onnx ends the process where it meets less than nothing: another one than this, then."""


def alone(expression: str) -> str:
    """What an expression of this module is, worked out in a process of its own."""
    folder = Path(__file__).parent
    path = os.pathsep.join([str(folder), str(folder.parent)])
    made = subprocess.run(
        [sys.executable, "-c", ALONE, expression],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.parametrize(("kernels", "least"), [([11], 13), ([3] * 10, 23), ([9, 5], 15)])
def test_the_least_size_of_a_network_that_slices_what_windows_leave(kernels, least):
    assert alone(f"least_size(unpadded({kernels}))") == str(least)


@pytest.mark.parametrize(
    "expression",
    [
        "infer(unpadded([9000]), 8192, 8192)",
        "infer(unpadded([3, 3]), 2, 2)",
        "Shapes(unpadded([600]))",
        "infer(sliced_to(-20, 'Pad'), 8, 8)",
        "infer(one(Node('Split', ['image'], ['a', 'made'], {'axis': 1, 'num_outputs': 1})), 8, 8)",
    ],
)
def test_less_than_nothing_is_refused(expression):
    assert alone(expression) == "refused"


def one(node: Node, **constants: np.ndarray) -> Graph:
    """A network of one operator on the image."""
    kind = Tensor(FLOAT32, (1, 3, "H", "W"))
    return Graph([node], constants, {"image": kind}, {"made": Tensor(FLOAT32, None)})


def sliced_to(amount: int, op: str) -> Graph:
    """A network that pads by as much, and takes a window of what that leaves."""
    pads = np.array([0, 0, amount, 0, 0, 0, 0, 0])
    bounds = {"from": np.array([0]), "to": np.array([1]), "axis": np.array([2])}
    graph = one(Node(op, ["image", "pads"], ["padded"]), pads=pads, **bounds)
    graph.nodes.append(Node("Slice", ["padded", *bounds], ["made"]))
    return graph


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


CONV = ["image", "weight", "bias"]
STATISTICS = ["image", "scale", "shift", "mean", "variance"]


@pytest.mark.parametrize(
    ("node", "constants", "fault"),
    [
        (Node("Conv", CONV, ["made"]), {"weight": ones(8, 3, 3, 3), "bias": ones(7)}, "bias"),
        (Node("Conv", CONV, ["made"]), {"weight": ones(8, 3, 3, 3), "bias": ones()}, "bias"),
        (
            Node("Conv", CONV, ["made"], {"group": 3}),
            {"weight": ones(3, 1, 3, 3), "bias": ones(2)},
            "bias",
        ),
        (Node("Conv", CONV[:2], ["made"]), {"weight": ones(8, 2, 3, 3)}, "reads 3 channels"),
        (Node("Conv", CONV[:2], ["made"]), {"weight": ones(8, 3, 3)}, "weights of shape"),
        (
            Node("Conv", CONV[:2], ["made"], {"group": 3}),
            {"weight": ones(8, 1, 3, 3)},
            "8 channels in 3 groups",
        ),
        (Node("Conv", CONV[:2], ["made"], {"group": 0}), {"weight": ones(8, 3, 3, 3)}, "0 groups"),
        (
            Node("Conv", CONV[:2], ["made"], {"kernel_shape": [1, 1]}),
            {"weight": ones(8, 3, 3, 3)},
            "kernel_shape",
        ),
        (
            Node("Conv", CONV[:2], ["made"], {"strides": [1]}),
            {"weight": ones(8, 3, 3, 3)},
            "1 strides",
        ),
        (
            Node("Conv", CONV[:2], ["made"], {"strides": [4, 2**31]}),
            {"weight": ones(8, 3, 3, 3)},
            "strides",
        ),
        (
            Node("Conv", CONV[:2], ["made"], {"strides": [9, 9], "auto_pad": "SAME_UPPER"}),
            {"weight": ones(8, 3, 3, 3)},
            "same size",
        ),
        (
            Node("MaxPool", ["image"], ["made"], {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}),
            {},
            "altogether",
        ),
        (
            Node("BatchNormalization", STATISTICS, ["made"]),
            dict.fromkeys(STATISTICS[1:], ones(3)) | {"mean": ones(2)},
            "parameter",
        ),
        (Node("PRelu", ["image", "slope"], ["made"]), {"slope": ones(2, 1, 1)}, "slopes"),
        (Node("LRN", ["image"], ["made"], {"size": 4}), {}, "odd"),
        (Node("LRN", ["image"], ["made"], {"size": 2**31 - 1}), {}, "3 channels"),
        (Node("Transpose", ["image"], ["made"], {"perm": [0, 1, 2]}), {}, "perm"),
        (
            Node("Slice", ["image", "from", "to"], ["made"]),
            {"from": np.array(1), "to": np.array(2)},
            "operands",
        ),
        (
            Node("Gemm", ["image", "b"], ["made"]),
            {"b": ones(3, 3)},
            "multiplies",
        ),
    ],
)
def test_operands_that_do_not_go_together(node, constants, fault):
    """ONNX Runtime refuses them all, or computes what is not meant."""
    with pytest.raises(NetworkFormatError, match=fault):
        infer(one(node, **constants), 32, 32)


def test_weights_of_another_element_type():
    weight = np.ones((8, 3, 3, 3), np.int32)
    with pytest.raises(NetworkFormatError, match="Conv 'made'"):
        infer(one(Node("Conv", CONV[:2], ["made"]), weight=weight), 32, 32)


def test_what_takes_more_memory_than_there_is():
    graph = one(Node("Expand", ["image", "shape"], ["made"]), shape=np.array([2**40, 3, 1, 1]))
    assert infer(graph, 8, 8)["made"] == (2**40, 3, 8, 8)
    with pytest.raises(NetworkFormatError, match=r"Expand 'made' would make \d+ numbers"):
        Shapes(graph)


def test_padding_that_takes_more_memory_than_there_is():
    """A window that is as large, and as far from the next, makes one element of it."""
    most = 2**31 - 1
    said = {"kernel_shape": [most, 1], "pads": [most - 1, 0] * 2, "strides": [most, 1]}
    with pytest.raises(NetworkFormatError, match=r"MaxPool 'made' would make \d+ numbers"):
        Shapes(one(Node("MaxPool", ["image"], ["made"], said)))


def test_an_operator_that_nobody_knows_hides_what_is_behind_it():
    graph = convnet()
    graph.nodes.append(Node("Riddle", ["second"], ["riddle"], domain="com.example"))
    graph.nodes.append(Node("Relu", ["riddle"], ["behind"]))
    shapes = infer(graph, 32, 32)
    assert shapes["second"] == (1, 6, 8, 8)
    assert not {"riddle", "behind"} & shapes.keys()


def test_shapes_by_way_of_other_numbers():
    """A size that is halved, rounded and cast, as exporters scale an image."""
    graph = convnet()
    graph.constants |= {
        "half": np.array(0.5, np.float32),
        "axes": np.array([2, 3]),
        "rest": np.array([1, -1]),
    }
    graph.nodes += [
        Node("Shape", ["image"], ["whole"]),
        Node("Gather", ["whole", "axes"], ["size"], {"axis": 0}),
        Node("Cast", ["size"], ["float"], {"to": 1}),
        Node("Mul", ["float", "half"], ["halved"]),
        Node("Floor", ["halved"], ["rounded"]),
        Node("Cast", ["rounded"], ["integer"], {"to": 7}),
        Node("Concat", ["integer", "rest"], ["target"], {"axis": 0}),
        Node("Reshape", ["image", "target"], ["reshaped"]),
    ]
    assert infer(graph, 10, 12)["reshaped"] == (5, 6, 1, 12)
