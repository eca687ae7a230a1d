"""Bring a model of any opset to the working one.

Older models go through onnx's version converter; where its result is known to
be wrong, an adapter mends it. Newer models are restamped, node by node, if
they ask for nothing that the working opset lacks: between opset 18 and today
the operators of convolutional networks gained element types and options, and
changed in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Container

import onnx
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    checker,
    defs,
    helper,
    shape_inference,
    version_converter,
)

from ..errors import NetworkFormatError
from .protobuf import IR_VERSION, OPSET

__all__ = ["NEWEST", "OLDEST", "to_working_opset"]

OLDEST = 7
"""The oldest opset that can be read: the first with today's broadcasting."""

NEWEST = defs.onnx_opset_version()
"""The newest opset that can be read: the newest that the installed onnx knows."""

_LARGE = 16_384

_EXPERIMENTAL = frozenset(
    {"ATen", "Affine", "ConstantFill", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill"}
    | {"ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh"}
)
"""Operators of the first networks that never became standard. The checker lets them pass and
prints that it did; nothing else knows them."""

_ASIDE = "onnxdream.experimental"


def to_working_opset(model: ModelProto) -> ModelProto:
    """A model of opset 18 that computes the same.

    Raises
    ------
    NetworkFormatError
        If the model is too old, too new, or not to be converted.
    """
    for entry in (*model.opset_import, *model.graph.node):
        if entry.domain == "ai.onnx":
            entry.domain = ""
    version = next((o.version for o in model.opset_import if not o.domain), None)
    if version is None:
        raise NetworkFormatError("The file does not say which version of the operators it uses.")
    if version < OLDEST:
        raise NetworkFormatError(
            f"The network is of opset {version}; onnxdream reads opset {OLDEST} and newer. "
            "Export it again with a newer opset."
        )
    if version > NEWEST:
        raise NetworkFormatError(
            f"The network is of opset {version}, but the installed onnx {onnx.__version__} "
            f"knows only up to {NEWEST}. Install a newer onnx or export with opset {OPSET}."
        )
    model.ir_version = IR_VERSION
    weights = _set_weights_aside(model)
    outputs = _set_outputs_aside(model)
    _move(model, _EXPERIMENTAL, "", _ASIDE)
    model.opset_import.append(helper.make_opsetid(_ASIDE, 1))
    try:
        # The converter trusts what it reads, and crashes on what the checker refuses.
        checker.check_model(model)
        if version < OPSET:
            model = version_converter.convert_version(model, OPSET)
            for node in model.graph.node:
                if node.op_type in _ADAPTERS and not node.domain:
                    _ADAPTERS[node.op_type](node)
        elif version > OPSET:
            model = _restamp(model)
        checker.check_model(model)
    except (
        RuntimeError,
        ValueError,
        checker.ValidationError,
        shape_inference.InferenceError,
        version_converter.ConvertError,
    ) as error:
        reason = str(error).strip().splitlines()[0]
        raise NetworkFormatError(
            f"The network, of opset {version}, is not valid or cannot be brought to opset {OPSET}: "
            f"{reason}"
        ) from error
    _move(model, _EXPERIMENTAL, _ASIDE, "")
    _put_weights_back(model, weights)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    return model


def _move(model: ModelProto, operators: Container[str], source: str, target: str) -> None:
    """Move operators from a domain to another."""
    for node in model.graph.node:
        if node.domain == source and node.op_type in operators:
            node.domain = target


def _set_outputs_aside(model: ModelProto) -> list[ValueInfoProto]:
    """Leave only outputs with a shape: the checker wants one, though nobody who runs a model does.

    Returns
    -------
    list of ValueInfoProto
        All outputs.
    """
    outputs = []
    for output in model.graph.output:
        copy = ValueInfoProto()
        copy.CopyFrom(output)
        outputs.append(copy)
    del model.graph.output[:]
    model.graph.output.extend(o for o in outputs if o.type.tensor_type.HasField("shape"))
    return outputs


def _set_weights_aside(model: ModelProto) -> dict[str, TensorProto]:
    """Make inputs of the large weights: converting and checking copies a model many times."""
    declared = {value.name for value in model.graph.input}
    weights: dict[str, TensorProto] = {}
    small: list[TensorProto] = []
    for tensor in model.graph.initializer:
        copy = TensorProto()
        copy.CopyFrom(tensor)
        if tensor.ByteSize() > _LARGE:
            weights[tensor.name] = copy
        else:
            small.append(copy)
    del model.graph.initializer[:]
    model.graph.initializer.extend(small)
    model.graph.input.extend(
        helper.make_tensor_value_info(name, tensor.data_type, tensor.dims)
        for name, tensor in weights.items()
        if name not in declared
    )
    return weights


def _put_weights_back(model: ModelProto, weights: dict[str, TensorProto]) -> None:
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.graph.initializer.extend(weights.values())


def _restamp(model: ModelProto) -> ModelProto:
    restamped = ModelProto()
    restamped.CopyFrom(model)
    for opset in restamped.opset_import:
        if not opset.domain:
            opset.version = OPSET
    for node in restamped.graph.node:
        if not node.domain:
            _drop_new_defaults(node)
    return restamped


def _drop_new_defaults(node: NodeProto) -> None:
    """Remove options that are newer than the working opset, where they say nothing."""
    if not defs.has(node.op_type, OPSET):
        raise ValueError(f"{node.op_type} {node.name!r} is newer than opset {OPSET}")
    known = defs.get_schema(node.op_type, OPSET).attributes
    newest = defs.get_schema(node.op_type, NEWEST).attributes
    for attribute in [a for a in node.attribute if a.name not in known]:
        value = onnx.helper.get_attribute_value(attribute)
        default = onnx.helper.get_attribute_value(newest[attribute.name].default_value)
        neutral = isinstance(value, list) and all(v == 1 for v in value)
        if value != default and not neutral:
            raise ValueError(
                f"{node.op_type} {node.name!r} uses {attribute.name}={value}, "
                f"which opset {OPSET} lacks"
            )
        node.attribute.remove(attribute)


def _scales_or_sizes(node: NodeProto) -> None:
    """Resize takes scales or sizes; the converter leaves both."""
    if len(node.input) > 3 and node.input[3]:
        node.input[2] = ""


_ADAPTERS: dict[str, Callable[[NodeProto], None]] = {"Resize": _scales_or_sizes}
