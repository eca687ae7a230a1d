"""Read an ONNX file within limits.

A network file comes from anywhere. Sizes are compared with the file before
memory is taken, and external weights may only lie beside the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, TensorProto, checker, inliner

from ..errors import NetworkFormatError, NetworkNotFoundError
from .ir import DOMAIN, Graph
from .opset import to_working_opset
from .protobuf import from_model

__all__ = ["MAX_BYTES", "read"]

MAX_BYTES = 2**31
"""The largest file, and the most external weights, that are read: 2 GiB."""


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
    if not model.graph.node:
        raise NetworkFormatError(f"{path} is not an ONNX file, or it holds no network.")
    return model


def _inlined(model: ModelProto, path: Path) -> ModelProto:
    """The same model without functions of its own."""
    try:
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, checker.ValidationError) as error:
        raise NetworkFormatError(f"The functions of {path} make no sense: {error}") from error


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
