"""Small valid networks: one at least of every operator that has a gradient rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

import small_networks
from onnxdream.graph import IMAGE, Builder, Graph, Tensor, to_model
from onnxdream.graph.metadata import write_card
from operator_cases import CASES, LAYER, case_graph
from rules import random as numbers

__all__ = ["NETWORKS", "network"]

_FLOAT = small_networks.FLOAT32


def _behind(op: str, *more: float, **attributes: object) -> Callable[[Builder, str], str]:
    def append(b: Builder, x: str) -> str:
        positive = b("Add", b("Abs", x), b.constant(0.5))
        return b(op, positive, *map(b.constant, more), **attributes)

    return append


def _normalized(b: Builder, x: str) -> str:
    told = [b.constant(np.linspace(low, 2, 8)) for low in (0.5, -1, -2, 0.1)]
    return b("BatchNormalization", b("Relu", x), *told, epsilon=1e-3)


_FURTHER: dict[str, Callable[[Builder, str], str]] = {
    "BatchNormalization": _normalized,
    "Cast": lambda b, x: b("Cast", b("Cast", x, to=TensorProto.FLOAT16), to=TensorProto.FLOAT),
    "Exp": lambda b, x: b("Exp", b("Tanh", x)),
    "Log": _behind("Log"),
    "Sqrt": _behind("Sqrt"),
    "Pow": _behind("Pow", 1.7),
    "ReduceMean": lambda b, x: b("ReduceMean", x, b.ints(2, 3), keepdims=1),
    "ReduceSum": lambda b, x: b("ReduceSum", x, b.ints(1), keepdims=0),
    "ReduceSumSquare": lambda b, x: b("ReduceSumSquare", x, b.ints(1), keepdims=1),
    "Softmax": lambda b, x: b("Softmax", x, axis=1),
    "Residual": lambda b, x: b("Add", b("Relu", x), b("Clip", x, b.constant(0), b.constant(6))),
    "Mobile": lambda b, x: _mobile(b, x),
    "Winograd": lambda b, x: b(
        "Relu", b("Conv", b("Relu", x), b.constant(numbers(16, 8, 3, 3)), pads=[1, 1, 1, 1])
    ),
}


def _mobile(b: Builder, x: str) -> str:
    """An expansion, a depthwise convolution and a projection, as MobileNets have them."""
    six = [b.constant(0), b.constant(6)]
    wide = b("Clip", b("Conv", x, b.constant(numbers(32, 8, 1, 1))), *six)
    weights = b.constant(numbers(32, 1, 3, 3))
    deep = b("Clip", b("Conv", wide, weights, group=32, pads=[1, 1, 1, 1]), *six)
    return b("Add", x, b("Conv", deep, b.constant(numbers(8, 32, 1, 1))))


def _further(case: str) -> Graph:
    graph = Graph([], {}, {IMAGE: Tensor(_FLOAT, (1, 3, "H", "W"))}, {})
    b = Builder(graph, "network")
    weights = b.constant(0.15 * numbers(8, 3, 3, 3))
    behind = b("Conv", IMAGE, weights, strides=[2, 2], auto_pad="SAME_UPPER")
    b.call_output(_FURTHER[case](b, behind), LAYER, Tensor(_FLOAT, None))
    return graph


def _with_card() -> Graph:
    graph = small_networks.convnet()
    card = small_networks.CARD
    graph.metadata = write_card(card) | {
        "onnxdream.layers": '{"nice": "second"}',
        "onnxdream.default_layers": '{"nice": 1.5}',
        "onnxdream.least_size": "8",
    }
    return graph


def _old(opset: int) -> ModelProto:
    """A network as exporters wrote them once: Pad, Clip and Dropout with attributes."""
    weights = numpy_helper.from_array(0.2 * numbers(4, 3, 3, 3), "w")
    six = {"min": 0.0, "max": 6.0} if opset < 11 else {}
    nodes = [
        helper.make_node("Conv", ["pixels", "w"], ["conv"], name="c"),
        helper.make_node("Clip", ["conv"], ["clip"], **six),
        helper.make_node("MaxPool", ["clip"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["pool"], ["turned"], perm=[0, 2, 3, 1]),
    ]
    image = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "h", "w"])
    out = helper.make_tensor_value_info("turned", TensorProto.FLOAT, None)
    # In the days of ir_version 3 weights were inputs, too.
    own = helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3, 3, 3])
    graph = helper.make_graph(nodes, "old", [image, own], [out], [weights])
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=3)


def _with_function() -> ModelProto:
    """A network of which a part is a function of its own."""
    model = to_model(small_networks.convnet())
    opsets = [helper.make_opsetid("", 18)]
    body = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["y"], ["z"])]
    model.functions.append(helper.make_function("own", "Twist", ["x"], ["z"], body, opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node("Twist", ["second"], ["third"], domain="own"))
    return model


NETWORKS: dict[str, Callable[[], ModelProto]] = {
    **{f"case {name}": partial(lambda n: to_model(case_graph(n)), name) for name in CASES},
    **{f"further {name}": partial(lambda n: to_model(_further(n)), name) for name in _FURTHER},
    "convnet": lambda: to_model(small_networks.convnet()),
    "half weights": lambda: to_model(small_networks.convnet(), half_weights=True),
    "classifier": lambda: to_model(small_networks.classifier()),
    "dead": lambda: to_model(small_networks.dead()),
    "infinite slope": lambda: to_model(small_networks.infinite_slope()),
    "not a number": lambda: to_model(small_networks.not_a_number()),
    "with a card": lambda: to_model(_with_card()),
    "with a function": _with_function,
    **{f"opset {n}": partial(_old, n) for n in (7, 9, 10, 11, 13, 17)},
}
"""By their names, what makes them."""


@cache
def _bytes(name: str) -> bytes:
    return NETWORKS[name]().SerializeToString()


def network(name: str) -> ModelProto:
    """A network of one's own, to be changed."""
    return ModelProto.FromString(_bytes(name))
