"""Read an ONNX file within limits.

A network file comes from anywhere. Sizes are compared with the file before
memory is taken, and external weights may only lie beside the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError, Message
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, checker, inliner

from ..errors import NetworkFormatError, NetworkNotFoundError
from .ir import DOMAIN, Graph
from .opset import to_working_opset
from .protobuf import from_model

__all__ = ["MAX_BYTES", "MAX_NODES", "read"]

MAX_BYTES = 2**31
"""The largest file, and the most external weights, that are read: 2 GiB."""

MAX_NODES = 100_000
"""The most nodes that a file's functions may unfold to."""


def read(path: str | Path) -> Graph:
    """Read a network file and bring it to the working opset.

    Parameters
    ----------
    path : str or Path
        An ONNX file.

    Raises
    ------
    NetworkNotFoundError
        If there is no such file.
    NetworkFormatError
        If the file is corrupt, too large, too new, or holds operators of the
        domain that onnxdream keeps for itself.
    """
    path = Path(path)
    model = _parse(path)
    if model.functions:
        model = _inlined(model, path)
    _refuse_what_no_file_may_contain(model, path)
    _load_external_weights(model, path)
    return from_model(to_working_opset(model))


def _parse(path: Path) -> ModelProto:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise NetworkNotFoundError(f"{path} is not a file.")
        if size > MAX_BYTES:
            raise NetworkFormatError(f"{path} has {size} bytes; at most {MAX_BYTES} are read.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NetworkNotFoundError(f"There is no network file {path}.") from error
    except OSError as error:
        raise NetworkNotFoundError(f"{path} cannot be read: {error.strerror}.") from error
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise NetworkFormatError(f"{path} is not an ONNX file, or it is damaged.") from error
    if not _is_text(model):
        raise NetworkFormatError(f"{path} is damaged: it has a name that is not UTF-8.")
    if not model.graph.node:
        raise NetworkFormatError(f"{path} is not an ONNX file, or it holds no network.")
    return model


def _is_text(message: Message) -> bool:
    """Whether every name is one: protobuf hands out bytes, or fails late, where it is not."""
    for field, value in message.ListFields():
        single = isinstance(value, Message | str | bytes)
        values = [value] if single else value
        if field.message_type is not None:
            if not all(map(_is_text, values)):
                return False
        elif field.type == field.TYPE_STRING:
            try:
                if not all(isinstance(word, str) for word in values):
                    return False
            except UnicodeDecodeError:
                return False
    return True


def _inlined(model: ModelProto, path: Path) -> ModelProto:
    """The same model without functions of its own."""
    try:
        nodes = _nodes_inlined(model)
    except RecursionError:
        nodes = math.inf
    if nodes > MAX_NODES:
        raise NetworkFormatError(f"{path} unfolds to over {MAX_NODES} nodes, or to endlessly many.")
    try:
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, checker.ValidationError) as error:
        raise NetworkFormatError(f"The functions of {path} make no sense: {error}") from error


def _nodes_inlined(model: ModelProto) -> float:
    """How many nodes a model has once its functions are written out; infinite if they recur."""
    functions = {(f.domain, f.name): f.node for f in model.functions}
    counts: dict[tuple[str, str], float] = {}

    def nodes_of(nodes: Iterable[NodeProto]) -> float:
        return sum(count(node) for node in nodes)

    def count(node: NodeProto) -> float:
        inner = [a.g for a in node.attribute if a.HasField("g")]
        inner += [graph for a in node.attribute for graph in a.graphs]
        total = 1 + sum(nodes_of(graph.node) for graph in inner)
        key = (node.domain, node.op_type)
        if key not in functions:
            return total
        if key not in counts:
            # Whoever asks for it before it is known is inside it.
            counts[key] = math.inf
            counts[key] = nodes_of(functions[key])
        return total + counts[key]

    return nodes_of(model.graph.node)


def _refuse_what_no_file_may_contain(model: ModelProto, path: Path) -> None:
    for graph in _graphs(model.graph):
        attributes = [attribute for node in graph.node for attribute in node.attribute]
        tensors = [attribute.t for attribute in attributes]
        if graph is not model.graph:
            tensors += graph.initializer
        if any(node.domain == DOMAIN for node in graph.node):
            raise NetworkFormatError(
                f"{path} has operators of the domain {DOMAIN!r}, which no file may contain."
            )
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors):
            raise NetworkFormatError(
                f"{path} keeps constants in other files, where only weights may lie."
            )


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and, in the attributes of its nodes, the graphs inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.ByteSize():
                    yield from _graphs(inner)


def _load_external_weights(model: ModelProto, path: Path) -> None:
    folder = path.parent.resolve()
    total = 0
    for tensor in model.graph.initializer:
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        said = {entry.key: entry.value for entry in tensor.external_data}
        location = said.get("location", "")
        file = folder / location
        try:
            if file.is_symlink() or file.resolve().parent != folder or not file.is_file():
                raise NetworkFormatError(
                    f"The weights of {path} should lie in {location!r} beside it, "
                    "which is not a file there."
                )
            start = int(said.get("offset", 0))
            available = file.stat().st_size - start
            length = int(said.get("length", available))
            total += length
            if start < 0 or not 0 <= length <= available:
                raise NetworkFormatError(f"{file} is shorter than {path} says.")
            if total > MAX_BYTES:
                raise NetworkFormatError(
                    f"{path} has over {MAX_BYTES} bytes of external weights; no more are read."
                )
            with file.open("rb") as stream:
                stream.seek(start)
                tensor.raw_data = stream.read(length)
        except (OSError, ValueError) as error:
            raise NetworkFormatError(f"The external weights of {path}: {error}") from error
        tensor.ClearField("data_location")
        del tensor.external_data[:]
