"""Files of every opset compute, once read, what they computed before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from onnxdream.autodiff import unsupported
from onnxdream.errors import NetworkFormatError
from onnxdream.graph import IMAGE, Graph, Shapes, infer, read, to_model
from onnxdream.graph.opset import NEWEST, OLDEST
from rules import distinct, random
from running import run_graph, run_model

OPSETS = [7, 9, 11, 13, 15, 17, 18, 19, 21, NEWEST]


class Model:
    """A model of some opset, written as exporters of its time did.

    Before version 4 of the file format every weight is an input, too.
    """

    def __init__(self, opset: int, ir_version: int | None = None) -> None:
        self.opset = opset
        imports = [helper.make_opsetid("", opset)]
        self._ir_version = ir_version or helper.find_min_ir_version_for(imports)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def weight(self, value: Any, dtype: type = np.float32) -> str:
        name = f"weight_{len(self._weights)}"
        self._weights.append(from_array(np.asarray(value, dtype), name))
        return name

    def ints(self, *values: int) -> str:
        return self.weight(values, np.int64)

    def many(self, op: str, inputs: list[str], outputs: int, **attributes: Any) -> list[str]:
        made = [f"{op}_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(op, inputs, made, **attributes))
        return made

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.many(op, list(inputs), 1, **attributes)[0]

    def proto(self, output: str, rank: int | None = None) -> onnx.ModelProto:
        """The model; ONNX Runtime does not ask for the rank of the output, but files have it."""
        dims = None if rank is None else [f"dim_{axis}" for axis in range(rank)]
        inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "H", "W"])]
        if self._ir_version < 4:
            inputs += [
                helper.make_tensor_value_info(w.name, w.data_type, w.dims) for w in self._weights
            ]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, dims)]
        graph = helper.make_graph(self._nodes, "old", inputs, outputs, self._weights)
        imports = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=imports, ir_version=self._ir_version)


Write = Callable[[Model], str]
"""Writes operators into a model and returns the name of what they make."""

CASES: dict[str, tuple[int, Write]] = {}
"""For each case the oldest opset that has it, and how it is written."""


def case(since: int = OLDEST, name: str = "") -> Callable[[Write], Write]:
    def enter(write: Write) -> Write:
        CASES[name or write.__name__] = since, write
        return write

    return enter


def plain(op: str, since: int = OLDEST, **attributes: Any) -> None:
    """An operator of one input that never changed its attributes."""
    named = "-".join([op, *map(str, attributes.values())])
    case(since, named)(lambda m: m(op, m("Exp", "image"), **attributes))


for activation in ("Relu", "Sigmoid", "Tanh", "Softplus", "Exp", "Log", "Sqrt", "Abs", "Neg"):
    plain(activation)
plain("LeakyRelu", alpha=0.2)
plain("Elu", alpha=0.5)
plain("HardSigmoid", alpha=0.3, beta=0.4)
plain("HardSwish", since=14)
plain("Identity")
plain("Cast", to=TensorProto.FLOAT)
plain("Flatten", axis=2)
plain("Flatten", since=11, axis=-2)
plain("Transpose", perm=[0, 2, 3, 1])
plain("GlobalAveragePool")
plain("GlobalMaxPool")
plain("LRN", size=3, alpha=0.5, beta=0.6, bias=1.2)
plain("MaxPool", kernel_shape=[2, 3], strides=[2, 1], pads=[1, 0, 0, 1])
plain("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER")
plain("MaxPool", since=10, kernel_shape=[2, 2], dilations=[2, 2], ceil_mode=1, strides=[2, 2])
plain("AveragePool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], count_include_pad=1)
plain("AveragePool", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")
plain("AveragePool", since=10, kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)
plain("Softmax", since=13)
plain("Softmax", since=13, axis=1)


@case(since=10)
def average_pool_with_everything(m: Model) -> str:
    attributes = {"pads": [1, 1, 1, 1], "ceil_mode": 1, "count_include_pad": 1}
    return m("AveragePool", "image", kernel_shape=[3, 3], strides=[2, 2], **attributes)


@case(since=19)
def average_pool_without_dilation(m: Model) -> str:
    return m("AveragePool", "image", kernel_shape=[2, 2], dilations=[1, 1])


@case()
def old_softmax(m: Model) -> str:
    """Before opset 13 it flattens what is behind the axis."""
    return m("Softmax", "image", axis=1)


@case()
def conv(m: Model) -> str:
    weight, bias = m.weight(random(4, 3, 3, 2)), m.weight(random(4))
    return m("Conv", "image", weight, bias, strides=[2, 1], pads=[1, 0, 2, 1])


@case()
def depthwise_conv(m: Model) -> str:
    return m("Conv", "image", m.weight(random(6, 1, 3, 3)), group=3, auto_pad="SAME_UPPER")


@case()
def large_conv(m: Model) -> str:
    """Weights that are set aside while a model is converted."""
    wide = m("Conv", "image", m.weight(random(64, 3, 5, 5)), pads=[2, 2, 2, 2])
    return m("Conv", wide, m.weight(random(64, 64, 1, 1)))


@case()
def batch_normalization(m: Model) -> str:
    weights = [m.weight(random(3, seed=seed)) for seed in range(3)]
    return m("BatchNormalization", "image", *weights, m.weight([0.5, 1, 2]), epsilon=0.01)


@case()
def batch_normalization_of_its_time(m: Model) -> str:
    attributes = {"spatial": 1} if m.opset < 9 else {"training_mode": 0} if m.opset > 13 else {}
    weights = [m.weight(random(3, seed=seed)) for seed in range(3)]
    return m("BatchNormalization", "image", *weights, m.weight([0.5, 1, 2]), **attributes)


@case()
def p_relu(m: Model) -> str:
    return m("PRelu", "image", m.weight(random(3, 1, 1)))


@case()
def clip(m: Model) -> str:
    if m.opset < 11:
        return m("Clip", "image", min=-0.5, max=0.8)
    return m("Clip", "image", m.weight(-0.5), m.weight(0.8))


@case()
def clip_with_one_bound(m: Model) -> str:
    if m.opset < 11:
        return m("Clip", "image", max=0.8)
    return m("Clip", "image", "", m.weight(0.8))


@case()
def pow_with_a_whole_exponent(m: Model) -> str:
    return m("Pow", "image", m.weight(3, np.float32 if m.opset < 12 else np.int64))


@case()
def sums(m: Model) -> str:
    shift, factor = m.weight(random(3, 1, 1)), m.weight(random(3, 1, 1, seed=4))
    return m("Div", m("Sub", m("Mul", m("Add", "image", shift), factor), shift), factor)


@case()
def sum_of_equals(m: Model) -> str:
    return m("Sum", "image", m("Exp", "image"), m("Neg", "image"))


@case(since=8)
def sum_that_broadcasts(m: Model) -> str:
    return m("Sum", "image", m.weight(random(3, 1, 1)))


@case()
def concat(m: Model) -> str:
    axis = 1 if m.opset < 11 else -3
    return m("Concat", "image", m("Exp", "image"), "image", axis=axis)


@case()
def split(m: Model) -> str:
    if m.opset < 13:
        one, two = m.many("Split", ["image"], 2, axis=1, split=[1, 2])
    else:
        one, two = m.many("Split", ["image", m.ints(1, 2)], 2, axis=1)
    return m("Concat", two, one, axis=1)


@case()
def split_into_equals(m: Model) -> str:
    attributes = {"num_outputs": 3} if m.opset >= 18 else {}
    one, two, three = m.many("Split", ["image"], 3, axis=1, **attributes)
    return m("Concat", three, one, two, axis=1)


@case()
def slice_(m: Model) -> str:
    if m.opset < 10:
        return m("Slice", "image", starts=[1, -4], ends=[2**31 - 1, -1], axes=[2, 3])
    return m("Slice", "image", m.ints(1, -4), m.ints(2**63 - 1, -1), m.ints(2, 3))


@case(since=10)
def slice_with_steps(m: Model) -> str:
    return m("Slice", "image", m.ints(-1, 0), m.ints(-9, 9), m.ints(2, 3), m.ints(-1, 2))


@case()
def pad(m: Model) -> str:
    pads = [0, 0, 1, 2, 0, 0, 0, 3]
    if m.opset < 11:
        return m("Pad", "image", pads=pads, value=0.5)
    return m("Pad", "image", m.ints(*pads), m.weight(0.5))


@case()
def pad_by_reflection(m: Model) -> str:
    pads = [0, 0, 1, 2, 0, 0, 0, 3]
    if m.opset < 11:
        return m("Pad", "image", pads=pads, mode="reflect")
    return m("Pad", "image", m.ints(*pads), mode="reflect")


@case(since=18)
def pad_along_some_axes(m: Model) -> str:
    return m("Pad", "image", m.ints(1, 2), "", m.ints(-1), mode="edge")


@case()
def reshape(m: Model) -> str:
    return m("Reshape", "image", m.ints(0, -1))


@case()
def squeeze_and_unsqueeze(m: Model) -> str:
    if m.opset < 13:
        return m("Unsqueeze", m("Squeeze", "image", axes=[0]), axes=[0, 3])
    return m("Unsqueeze", m("Squeeze", "image", m.ints(0)), m.ints(0, -2))


@case()
def gemm(m: Model) -> str:
    """Before opset 11 the bias is needed."""
    pixels = m("Transpose", m("Reshape", "image", m.ints(3, -1)))
    bias = [m.weight(random(4))] if m.opset < 11 else []
    return m("Gemm", pixels, m.weight(random(4, 3)), *bias, transB=1, alpha=0.5)


@case()
def mat_mul(m: Model) -> str:
    return m("MatMul", m.weight(random(4, 3)), m("Reshape", "image", m.ints(3, -1)))


@case()
def reduce_mean(m: Model) -> str:
    if m.opset < 18:
        return m("ReduceMean", "image", axes=[2, 3])
    return m("ReduceMean", "image", m.ints(2, 3))


@case()
def reduce_sum(m: Model) -> str:
    if m.opset < 13:
        return m("ReduceSum", "image", axes=[2], keepdims=0)
    return m("ReduceSum", "image", m.ints(2), keepdims=0)


@case()
def reduce_everything(m: Model) -> str:
    return m("Mul", "image", m("ReduceMean", "image"))


@case()
def dropout(m: Model) -> str:
    if m.opset < 12:
        return m("Dropout", "image", ratio=0.3)
    return m("Dropout", "image", m.weight(0.3))


@case()
def dropout_with_its_mask(m: Model) -> str:
    return m.many("Dropout", ["image"], 2)[0]


@case()
def constant(m: Model) -> str:
    value = from_array(random(3, 1, 1))
    return m("Mul", "image", m("Constant", value=value))


@case(since=12)
def constants_of_every_spelling(m: Model) -> str:
    total = m("Add", "image", m("Constant", value_float=0.25))
    total = m("Mul", total, m("Constant", value_floats=[0.5]))
    target = m("Constant", value_ints=[3, -1])
    return m("Squeeze" if m.opset < 13 else "Identity", m("Reshape", total, target))


@case()
def shape_arithmetic(m: Model) -> str:
    """How exporters flatten: the shape of the image, a Gather, an Unsqueeze, a Concat."""
    channels = m("Gather", m("Shape", "image"), m.weight(1, np.int64))
    if m.opset < 13:
        vector = m("Unsqueeze", channels, axes=[0])
    else:
        vector = m("Unsqueeze", channels, m.ints(0))
    return m("Reshape", "image", m("Concat", vector, m.ints(-1), axis=0))


WRITTEN = [
    (name, opset) for name, (since, _) in CASES.items() for opset in OPSETS if opset >= since
]


def reread(model: onnx.ModelProto, folder: Path) -> Graph:
    path = folder / "network.onnx"
    path.write_bytes(model.SerializeToString())
    return read(path)


@pytest.mark.parametrize(("name", "opset"), WRITTEN)
def test_reading_changes_nothing(tmp_path, name, opset):
    model = Model(opset)
    output = CASES[name][1](model)
    feeds = {"image": distinct(1, 3, 7, 6)}
    [expected] = run_model(model.proto(output), feeds)
    original = model.proto(output, expected.ndim)
    onnx.checker.check_model(original)
    graph = reread(original, tmp_path)
    assert [(o.domain, o.version) for o in to_model(graph).opset_import] == [("", 18)]
    [actual] = run_graph(graph, feeds)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
    assert list(graph.inputs) == ["image"]
    assert not unsupported(graph, output, IMAGE)
    assert output in Shapes(graph)


@pytest.mark.parametrize("opset", OPSETS)
def test_outputs_need_no_shape(tmp_path, opset):
    """ONNX Runtime asks for none, and tools that cut models leave it out."""
    model = Model(opset)
    between = conv(model)
    output = model("Relu", between)
    original = model.proto(output)
    original.graph.output.append(helper.make_tensor_value_info(between, TensorProto.FLOAT, None))
    feeds = {"image": distinct(1, 3, 7, 6)}
    graph = reread(original, tmp_path)
    assert list(graph.outputs) == [output, between]
    for actual, expected in zip(run_graph(graph, feeds), run_model(original, feeds), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("opset", OPSETS)
def test_weights_are_no_inputs(tmp_path, opset):
    """Files declare weights as inputs too, because they must or because they may."""
    for ir_version in (3, 8):
        model = Model(opset, ir_version)
        output = conv(model)
        original = model.proto(output, 4)
        declared = {value.name for value in original.graph.input}
        for weight in original.graph.initializer:
            if weight.name not in declared:
                kind = helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
                original.graph.input.append(kind)
        graph = reread(original, tmp_path)
        assert list(graph.inputs) == ["image"]
        assert graph.constant("weight_0") is not None


def test_too_old(tmp_path):
    model = Model(6, 3)
    with pytest.raises(NetworkFormatError, match=r"opset 6; onnxdream reads opset 7 and newer"):
        reread(model.proto(model("Relu", "image"), 4), tmp_path)


def test_too_new(tmp_path):
    model = Model(NEWEST + 1, 8)
    with pytest.raises(NetworkFormatError) as caught:
        reread(model.proto(model("Relu", "image"), 4), tmp_path)
    for said in (str(NEWEST + 1), str(NEWEST), onnx.__version__, "opset 18"):
        assert said in str(caught.value)


def test_no_opset_at_all(tmp_path):
    model = Model(18)
    proto = model.proto(model("Relu", "image"), 4)
    del proto.opset_import[:]
    with pytest.raises(NetworkFormatError, match="does not say which version"):
        reread(proto, tmp_path)


def test_the_long_name_of_the_standard_domain(tmp_path):
    model = Model(13)
    proto = model.proto(model("Relu", "image"), 4)
    proto.opset_import[0].domain = "ai.onnx"
    proto.graph.node[0].domain = "ai.onnx"
    assert [(node.op, node.domain) for node in reread(proto, tmp_path).nodes] == [("Relu", "")]


@pytest.mark.parametrize("opset", [11, 13, 18, 19, NEWEST])
@pytest.mark.parametrize("said", ["scales", "sizes"])
def test_resize(tmp_path, opset, said):
    """The converter leaves scales and sizes behind, the former empty; one is to be there."""
    model = Model(opset)
    region = model.weight([]) if opset < 13 else ""
    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    nearest["nearest_mode"] = "floor"
    if said == "scales":
        scales = model.weight([1, 1, 2, 3])
        output = model("Resize", "image", region, scales, **nearest)
    else:
        none = model.weight([]) if opset < 13 else ""
        output = model("Resize", "image", region, none, model.ints(1, 3, 14, 18), **nearest)
    image = distinct(1, 3, 7, 6)
    graph = reread(model.proto(output, 4), tmp_path)
    [actual] = run_graph(graph, {"image": image})
    np.testing.assert_array_equal(actual, image.repeat(2, axis=2).repeat(3, axis=3))
    assert infer(graph, 7, 6)[output] == (1, 3, 14, 18)
    if opset < 18:
        assert bool(graph.nodes[-1].input(2)) == (said == "scales")


@pytest.mark.parametrize("opset", [7, 9])
def test_upsample_becomes_resize(tmp_path, opset):
    model = Model(opset)
    if opset < 9:
        output = model("Upsample", "image", scales=[1.0, 1.0, 2.0, 3.0])
    else:
        output = model("Upsample", "image", model.weight([1, 1, 2, 3]))
    image = distinct(1, 3, 7, 6)
    graph = reread(model.proto(output, 4), tmp_path)
    assert {node.op for node in graph.nodes} == {"Resize"}
    [actual] = run_graph(graph, {"image": image})
    np.testing.assert_array_equal(actual, image.repeat(2, axis=2).repeat(3, axis=3))


def test_an_option_that_the_working_opset_lacks(tmp_path):
    model = Model(19)
    output = model("AveragePool", "image", kernel_shape=[2, 2], dilations=[2, 1])
    with pytest.raises(NetworkFormatError, match=r"AveragePool.*dilations=\[2, 1\]"):
        reread(model.proto(output, 4), tmp_path)


def test_a_mode_that_is_newer_than_the_working_opset(tmp_path):
    """ONNX Runtime goes by the mode's name, whatever the opset."""
    model = Model(19)
    output = model("Pad", "image", model.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="wrap")
    image = distinct(1, 3, 7, 6)
    [actual] = run_graph(reread(model.proto(output, 4), tmp_path), {"image": image})
    np.testing.assert_array_equal(actual, np.pad(image, [(0, 0), (0, 0), (1, 1), (1, 1)], "wrap"))


def test_an_operator_that_the_working_opset_lacks(tmp_path):
    model = Model(20)
    with pytest.raises(NetworkFormatError, match=r"Gelu .* newer than opset 18"):
        reread(model.proto(model("Gelu", "image"), 4), tmp_path)


def test_a_model_that_cannot_be_converted(tmp_path):
    """The checker's own words are passed on."""
    model = Model(13)
    proto = model.proto(model("Relu", "image"), 4)
    proto.graph.node[0].attribute.append(helper.make_attribute("alpha", 1.0))
    with pytest.raises(NetworkFormatError, match="opset 13, is not valid"):
        reread(proto, tmp_path)


def test_large_weights_survive(tmp_path):
    """They are set aside while a model is converted, and put back as they were."""
    model = Model(13)
    weight = random(64, 64, 3, 3)
    output = model(
        "Conv", model("Conv", "image", model.weight(random(64, 3, 1, 1))), model.weight(weight)
    )
    graph = reread(model.proto(output, 4), tmp_path)
    np.testing.assert_array_equal(graph.constants["weight_1"], weight)
    assert list(graph.inputs) == ["image"]
