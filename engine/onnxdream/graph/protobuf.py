"""Between ONNX protobufs and our own graph."""

from __future__ import annotations

import numpy as np
import onnx
from google.protobuf.message import EncodeError
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper
from onnx.numpy_helper import from_array, to_array

from ..errors import NetworkFormatError
from .ir import PREFIX, Attribute, Graph, Node, Tensor

__all__ = [
    "IR_VERSION",
    "OPSET",
    "element_type",
    "from_model",
    "node_proto",
    "to_bytes",
    "to_model",
]

OPSET = 18
"""The version of the standard operators that onnxdream works in and writes."""

IR_VERSION = 8
"""The file format version that onnxdream writes: the one of opset 18's time."""


def from_model(model: ModelProto) -> Graph:
    """Read a model of the working opset into a graph.

    Constant nodes become constants, and constants stored in half precision
    behind a Cast are cast here, so that the rest of the package meets weights
    in one form only. For the same reason a weight that the file also declares
    as an input, as all did once, is no input here unless it is one of ours.
    """
    proto = model.graph
    constants = {tensor.name: _array(tensor) for tensor in proto.initializer}
    inputs = {
        value.name: _tensor(value)
        for value in proto.input
        if value.name not in constants or value.name.startswith(PREFIX)
    }
    graph = Graph(
        nodes=[],
        constants=constants,
        inputs=inputs,
        outputs={v.name: _tensor(v) for v in proto.output if v.type.HasField("tensor_type")},
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )
    cast: dict[str, np.ndarray] = {}
    for node_proto in proto.node:
        node = _node(node_proto)
        value = _constant_value(node, graph, cast)
        if value is None:
            graph.nodes.append(node)
        else:
            constants[node.outputs[0]] = value
    _check_edges(graph)
    # What was only there to be cast is not needed any more.
    needed = {name for node in graph.nodes for name in node.inputs} | {*inputs, *graph.outputs}
    graph.constants = {name: value for name, value in constants.items() if name in needed}
    return graph


def to_model(graph: Graph, half_weights: bool = False) -> ModelProto:
    """Spell a graph as a model of the working opset.

    Parameters
    ----------
    graph : Graph
        The graph.
    half_weights : bool
        Store float32 weights of rank 2 and up as float16, with a Cast behind
        each: half the file for the same network.
    """
    nodes = []
    initializers = []
    for name, value in graph.constants.items():
        if half_weights and value.ndim > 1 and value.dtype == np.float32:
            initializers.append(from_array(value.astype(np.float16), f"{name}/half"))
            nodes.append(helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT))
        else:
            initializers.append(from_array(value, name))
    nodes += [node_proto(node) for node in graph.nodes]
    proto = helper.make_graph(
        nodes,
        "onnxdream",
        [_value_info(name, tensor) for name, tensor in graph.inputs.items()],
        [_value_info(name, tensor) for name, tensor in graph.outputs.items()],
        initializers,
    )
    domains = sorted({node.domain for node in graph.nodes} - {""})
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(
        proto, opset_imports=opsets, ir_version=IR_VERSION, producer_name="onnxdream"
    )
    helper.set_model_props(model, graph.metadata)
    return model


def to_bytes(graph: Graph) -> bytes:
    """Spell a graph as the content of a file.

    Raises
    ------
    NetworkFormatError
        If it is larger than a file can be.
    """
    try:
        return bytes(to_model(graph).SerializeToString())
    except (ValueError, EncodeError, MemoryError) as error:
        raise NetworkFormatError(f"The network cannot be written down: {error}") from error


def _array(tensor: TensorProto) -> np.ndarray:
    try:
        return to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NetworkFormatError(f"The weight {tensor.name!r} is corrupt: {error}") from error


def _tensor(value: ValueInfoProto) -> Tensor:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise NetworkFormatError(f"The input {value.name!r} is not a tensor.")
    dtype = element_type(value.name, tensor.elem_type)
    if not tensor.HasField("shape"):
        return Tensor(dtype, None)
    dims = tensor.shape.dim
    return Tensor(
        dtype,
        tuple(
            dim.dim_value if dim.dim_value > 0 else dim.dim_param or f"dim_{axis}"
            for axis, dim in enumerate(dims)
        ),
    )


def element_type(name: str, kind: int) -> np.dtype[np.generic]:
    """The element type that a number of a protobuf means, as that of a tensor."""
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(kind))
    except KeyError as error:
        raise NetworkFormatError(f"{name!r} has no known element type.") from error


def _value_info(name: str, tensor: Tensor) -> ValueInfoProto:
    dtype = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(name, dtype, tensor.shape)


def _node(proto: NodeProto) -> Node:
    attributes = {a.name: _attribute(a) for a in proto.attribute}
    inputs, outputs = list(proto.input), list(proto.output)
    return Node(proto.op_type, inputs, outputs, attributes, proto.domain, proto.name)


def _attribute(proto: AttributeProto) -> Attribute:
    match proto.type:
        case AttributeProto.STRING:
            return proto.s.decode("utf-8", "replace")
        case AttributeProto.STRINGS:
            return [s.decode("utf-8", "replace") for s in proto.strings]
        case AttributeProto.INTS | AttributeProto.FLOATS:
            return list(onnx.helper.get_attribute_value(proto))
        case AttributeProto.INT | AttributeProto.FLOAT:
            return onnx.helper.get_attribute_value(proto)  # type: ignore[no-any-return]
        case AttributeProto.TENSOR:
            return _array(proto.t)
        case _:
            return proto


def node_proto(node: Node) -> NodeProto:
    """Spell a node."""
    proto = helper.make_node(
        node.op, node.inputs, node.outputs, name=node.name, domain=node.domain or None
    )
    for name, value in node.attributes.items():
        if isinstance(value, AttributeProto):
            proto.attribute.append(value)
        elif isinstance(value, np.ndarray):
            proto.attribute.append(helper.make_attribute(name, from_array(value)))
        elif isinstance(value, list) and not value:
            kind = AttributeProto.INTS
            proto.attribute.append(AttributeProto(name=name, type=kind))
        else:
            proto.attribute.append(helper.make_attribute(name, value))
    return proto


def _constant_value(node: Node, graph: Graph, cast: dict[str, np.ndarray]) -> np.ndarray | None:
    """What a node always makes, where that is plain to see.

    `cast` keeps what was cast already: however often a file casts a weight, it
    takes memory once.
    """
    if node.domain:
        return None
    if node.op == "Constant":
        for name, value in node.attributes.items():
            match name:
                case "value":
                    return np.asarray(value)
                case "value_float" | "value_floats":
                    return np.asarray(value, np.float32)
                case "value_int" | "value_ints":
                    return np.asarray(value, np.int64)
    if node.op == "Cast" and node.attributes.get("to") == TensorProto.FLOAT:
        name = node.inputs[0]
        stored = graph.constant(name)
        if stored is None or stored.dtype == object:
            return None
        if name not in cast:
            cast[name] = stored.astype(np.float32)
        return cast[name]
    return None


def _check_edges(graph: Graph) -> None:
    """Every tensor is made once, and before it is read."""
    known = set(graph.inputs) | set(graph.constants)
    for node in graph.nodes:
        for name in filter(None, node.inputs):
            if name not in known:
                raise NetworkFormatError(f"{node} reads {name!r}, which nothing before it makes.")
        for name in filter(None, node.outputs):
            if name in known:
                raise NetworkFormatError(f"{node} makes {name!r}, which exists already.")
            known.add(name)
    for name in graph.outputs:
        if name not in known:
            raise NetworkFormatError(f"The output {name!r} is made by no node.")
