"""Between protobufs and graphs: nothing is lost, and weights come in one form."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from onnxdream.graph import Graph, Node, Tensor, to_model
from onnxdream.graph.protobuf import IR_VERSION, OPSET, from_model
from onnxdream.objectives import append_loss, weight_input
from rules import distinct, random
from running import run_graph
from small_networks import FLOAT32, convnet


def model_of(nodes: list[onnx.NodeProto], *weights: onnx.TensorProto) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, None, "W"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "c", None, "W"])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


RELU = helper.make_node("Relu", ["image"], ["y"])


@pytest.mark.parametrize(
    "attributes",
    [
        {"value": from_array(np.arange(6, dtype=np.int32).reshape(2, 3))},
        {"value": from_array(np.float32(2.5).reshape(()))},
        {"value_float": 2.5},
        {"value_floats": [2.5, 3.5]},
        {"value_int": 3},
        {"value_ints": [3, 4]},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_constant_nodes_become_constants(attributes):
    model = model_of([helper.make_node("Constant", [], ["c"], **attributes), RELU])
    model.graph.node.append(helper.make_node("Identity", ["c"], ["d"]))
    graph = from_model(model)
    assert [node.op for node in graph.nodes] == ["Relu", "Identity"]
    [(key, value)] = attributes.items()
    if key == "value":
        value = onnx.numpy_helper.to_array(value)
    np.testing.assert_array_equal(graph.constants["c"], value)
    kinds = {"value_float": np.float32, "value_int": np.int64}
    wanted = kinds.get(key.removesuffix("s"), getattr(value, "dtype", None))
    assert graph.constants["c"].dtype == wanted


def test_constants_of_text_stay_nodes():
    model = model_of([helper.make_node("Constant", [], ["c"], value_string="a"), RELU])
    assert [node.op for node in from_model(model).nodes] == ["Constant", "Relu"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int64, np.bool_])
def test_weights_that_are_cast_are_cast_at_once(dtype):
    weight = (random(2, 3) * 5).astype(dtype)
    model = model_of(
        [
            helper.make_node("Cast", ["stored"], ["weight"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["image", "weight"], ["y"]),
        ],
        from_array(weight, "stored"),
    )
    graph = from_model(model)
    assert [node.op for node in graph.nodes] == ["MatMul"]
    assert list(graph.constants) == ["weight"]
    assert graph.constants["weight"].dtype == np.float32
    np.testing.assert_array_equal(graph.constants["weight"], weight.astype(np.float32))


def test_a_stored_weight_that_is_read_twice_is_kept():
    nodes = [
        helper.make_node("Cast", ["stored"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["image", "weight"], ["y"]),
        helper.make_node("Neg", ["stored"], ["z"]),
    ]
    graph = from_model(model_of(nodes, from_array(random(2, 3).astype(np.float16), "stored")))
    assert set(graph.constants) == {"stored", "weight"}


def test_words_are_left_to_the_runtime():
    nodes = [helper.make_node("Cast", ["words"], ["y"], to=TensorProto.FLOAT)]
    words = helper.make_tensor("words", TensorProto.STRING, [2], [b"1", b"two"])
    assert [node.op for node in from_model(model_of(nodes, words)).nodes] == ["Cast"]


def test_other_casts_stay_nodes():
    nodes = [helper.make_node("Cast", ["w"], ["v"], to=TensorProto.INT64), RELU]
    nodes.append(helper.make_node("Cast", ["image"], ["u"], to=TensorProto.FLOAT))
    graph = from_model(model_of(nodes, from_array(random(2), "w")))
    assert [node.op for node in graph.nodes] == ["Cast", "Relu", "Cast"]


def test_dimensions_without_a_name_get_one():
    graph = from_model(model_of([RELU]))
    assert graph.inputs["image"] == Tensor(FLOAT32, (1, 3, "dim_2", "W"))
    assert graph.outputs["y"] == Tensor(FLOAT32, (1, "c", "dim_2", "W"))


def test_a_shape_may_be_absent():
    model = model_of([RELU])
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert from_model(model).outputs["y"].shape is None


def test_attributes_of_every_kind_survive():
    attributes = {
        "int": 3,
        "float": 0.5,
        "text": "SAME_UPPER",
        "ints": [1, 2],
        "floats": [0.5, 1.5],
        "texts": ["a", "b"],
        "none": [],
        "array": np.arange(3.0),
    }
    graph = Graph(
        [Node("Anything", ["image"], ["y"], attributes, "com.acme", "name")],
        {},
        {"image": Tensor(FLOAT32, None)},
        {"y": Tensor(FLOAT32, None)},
    )
    [node] = from_model(to_model(graph)).nodes
    array = node.attributes.pop("array")
    np.testing.assert_array_equal(array, attributes.pop("array"))
    assert node.attributes == attributes
    assert (node.op, node.domain, node.name) == ("Anything", "com.acme", "name")


def test_attributes_of_rarer_kinds_are_carried_through():
    made = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Relu", ["image"], ["z"])], "b", [], [made])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    graph = from_model(model_of([node], from_array(np.array(True), "c")))
    again = to_model(graph).graph.node[0]
    assert {a.name: a.g for a in again.attribute} == {a.name: a.g for a in node.attribute}


def test_absent_inputs_survive():
    nodes = [helper.make_node("Clip", ["image", "", "high"], ["y"])]
    model = model_of(nodes, from_array(np.float32(1).reshape(()), "high"))
    graph = from_model(model)
    assert graph.nodes[0].inputs == ["image", "", "high"]
    assert list(to_model(graph).graph.node[0].input) == ["image", "", "high"]


def test_models_are_of_the_working_opset():
    model = to_model(convnet())
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == IR_VERSION == 8
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]


def test_metadata_survives():
    graph = convnet()
    graph.metadata["author"] = "José"
    assert from_model(to_model(graph)).metadata == {"author": "José"}


def test_weights_of_ours_stay_inputs():
    """They can be fed something else on every run, even once they were in a file."""
    graph = convnet()
    append_loss(graph, {"second": 1.0})
    name = weight_input("second")
    again = from_model(to_model(graph))
    assert name in again.inputs and name in again.constants
    feeds = {"image": distinct(1, 3, 9, 8)}
    [one] = run_graph(again, feeds, ["loss"])
    [two] = run_graph(again, {**feeds, name: np.array(2, np.float32)}, ["loss"])
    assert two == pytest.approx(2 * one)


def test_a_dimension_below_one_is_not_known():
    """Some exporters write -1 where a size is open."""
    model = model_of([helper.make_node("Relu", ["image"], ["y"])])
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = -1
    assert from_model(model).inputs["image"].shape == (1, 3, "dim_2", "dim_3")
