"""The shapes and element types of a graph's tensors, node by node.

onnx knows what each operator makes of what it reads, and trusts it to be sane: it lets a
convolution make less than nothing of an image that is smaller than its windows, and on
that other operators end the process. So each node is looked at by itself, and what it
makes is checked before the next node hears of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from onnx import (
    AttributeProto,
    NodeProto,
    TensorProto,
    TypeProto,
    checker,
    defs,
    helper,
    shape_inference,
)
from onnx.numpy_helper import from_array

from ..errors import NetworkFormatError
from .ir import Graph, Node
from .names import IMAGE
from .operands import fault_of, padded_elements, windows_fit
from .protobuf import OPSET, element_type, node_proto
from .values import value_of

__all__ = ["Inference", "Known"]

_SMALL = 4096
"""Only small constants, such as target shapes and pads, have a say in shapes."""

_RAISED = (
    checker.ValidationError,
    shape_inference.InferenceError,
    ArithmeticError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What onnx raises on a node: its own errors, and what C++'s become in Python."""

_MOST_OUTPUTS = 4096

_IMPORTS = [helper.make_opsetid("", OPSET)]


@dataclass
class Known:
    """What is known of the tensors of a graph.

    Parameters
    ----------
    shapes : dict of str to tuple of int
        Of those whose shape could be inferred; () for a scalar.
    dtypes : dict of str to dtype
        Of those whose element type could be inferred.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, np.dtype[np.generic]] = field(default_factory=dict)


class Inference:
    """A graph whose shapes are asked for, for one image size or several.

    Parameters
    ----------
    graph : Graph
        A graph whose ``image`` is [1, 3, H, W].
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes = [(node, schema_of(node), node_proto(node)) for node in graph.nodes]
        self._types: dict[str, TypeProto] = {}
        self._values: dict[str, np.ndarray] = {}
        self._data: dict[str, TensorProto] = {}
        for name, value in graph.constants.items():
            self._types[name] = _type(value.dtype, value.shape)
            if name not in graph.inputs and value.size <= _SMALL:
                self._values[name] = value
                self._data[name] = from_array(value, name)

    def at(self, height: int, width: int, most: float = math.inf) -> Known:
        """What is known for one image size.

        Parameters
        ----------
        height, width : int
            The size of the image in pixels.
        most : float
            How many elements a tensor may have.

        Raises
        ------
        NetworkFormatError
            If the network does not take images of this size, or makes too much of them.
        """
        return _Walk(self, f"{width}×{height}", most).through((1, 3, height, width))


class _Walk:
    """One way through a graph."""

    def __init__(self, of: Inference, size: str, most: float) -> None:
        self._graph, self._nodes = of._graph, of._nodes
        self._types, self._values, self._data = dict(of._types), dict(of._values), dict(of._data)
        self._size, self._most = size, most
        self._shapes = {name: value.shape for name, value in self._graph.constants.items()}

    def through(self, image: tuple[int, ...]) -> Known:
        self._types[IMAGE] = _type(self._graph.inputs[IMAGE].dtype, image)
        self._shapes[IMAGE] = image
        for node, schema, proto in self._nodes:
            fault = fault_of(node, self._shapes)
            if fault is not None:
                raise NetworkFormatError(f"{node} {fault}, where the image is {self._size}.")
            if not windows_fit(node, self._shapes):
                raise NetworkFormatError(
                    f"An image of {self._size} is too small for the network: "
                    f"the windows of {node} would not fit."
                )
            self._check_count(node, padded_elements(node, self._shapes))
            if schema is not None and all(name in self._types for name in node.inputs if name):
                self._look_at(node, schema, proto)
        dtypes = {
            name: element_type(name, kind.tensor_type.elem_type)
            for name, kind in self._types.items()
            if kind.tensor_type.elem_type
        }
        return Known(self._shapes, dtypes)

    def _look_at(self, node: Node, schema: defs.OpSchema, proto: NodeProto) -> None:
        inputs = [self._values.get(name) if name else None for name in node.inputs]
        if not any(name and value is None for name, value in zip(node.inputs, inputs, strict=True)):
            value = value_of(node, inputs, None)
        elif node.inputs[0]:
            value = value_of(node, [], self._shapes.get(node.inputs[0]))
        else:
            value = None
        if value is not None and len(node.outputs) == 1:
            name = node.outputs[0]
            self._values[name], self._data[name] = value, from_array(value, name)
            self._types[name], self._shapes[name] = _type(value.dtype, value.shape), value.shape
            return
        for name, kind in self._inferred(node, schema, proto).items():
            self._keep(node, name, kind)

    def _inferred(
        self, node: Node, schema: defs.OpSchema, proto: NodeProto
    ) -> Mapping[str, TypeProto]:
        names = set(filter(None, node.inputs))
        try:
            return shape_inference.infer_node_outputs(
                schema,
                proto,
                {name: self._types[name] for name in names},
                {name: self._data[name] for name in names & self._data.keys()},
                opset_imports=_IMPORTS,
            )
        except _RAISED as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise NetworkFormatError(
                f"The network does not take an image of {self._size}: {node}: {reason}"
            ) from error

    def _keep(self, node: Node, name: str, kind: TypeProto) -> None:
        """Believe what a node makes, if that can be."""
        if not kind.HasField("tensor_type"):
            return
        self._types[name] = kind
        if not kind.tensor_type.HasField("shape"):
            return
        dims = kind.tensor_type.shape.dim
        known = [d.dim_value for d in dims if d.HasField("dim_value")]
        if any(d <= 0 for d in known):
            raise NetworkFormatError(
                f"An image of {self._size} is too small for the network: {name!r} would be empty."
            )
        self._check_count(node, math.prod(known))
        if len(known) == len(dims):
            self._shapes[name] = tuple(known)

    def _check_count(self, node: Node, count: int) -> None:
        if count > self._most:
            raise NetworkFormatError(
                f"The network makes too much of an image of {self._size}: {node} would make "
                f"{count} numbers, and at most {self._most} are made at once."
            )


@lru_cache(maxsize=1024)
def _schema(op: str, domain: str) -> defs.OpSchema | None:
    try:
        schema = defs.get_schema(op, OPSET, domain)
    except defs.SchemaError:
        return None
    return schema if schema.has_type_and_shape_inference_function else None


def schema_of(node: Node) -> defs.OpSchema | None:
    """What onnx knows of a node's operator, or None where it can infer nothing.

    Control flow would have onnx look at graphs inside, all of whose nodes are out of our
    sight.
    """
    graphs = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    values: Iterable[object] = node.attributes.values()
    if any(isinstance(value, AttributeProto) and value.type in graphs for value in values):
        return None
    return _schema(node.op, node.domain) if len(node.outputs) <= _MOST_OUTPUTS else None


def _type(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> TypeProto:
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(dtype), shape)
