"""Read an ONNX file within limits.

A network file comes from anywhere. Sizes are compared with the file before
memory is taken, and external weights may only lie beside the file.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, external_data_helper, inliner

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
    _load_external_weights(model, path)
    for node in model.graph.node:
        if node.domain == DOMAIN:
            raise NetworkFormatError(
                f"{path} has operators of the domain {DOMAIN!r}, which no file may contain."
            )
    if model.functions:
        model = inliner.inline_local_functions(model)
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


def _load_external_weights(model: ModelProto, path: Path) -> None:
    external = [
        tensor for tensor in model.graph.initializer if tensor.data_location == TensorProto.EXTERNAL
    ]
    if not external:
        return
    folder = path.parent.resolve()
    total = 0
    for tensor in external:
        info = external_data_helper.ExternalDataInfo(tensor)
        file = folder / info.location
        if file.is_symlink() or file.resolve().parent != folder or not file.is_file():
            raise NetworkFormatError(
                f"The weights of {path} should lie in {info.location!r} beside it, "
                "which is not a file there."
            )
        start, length = info.offset or 0, info.length
        available = file.stat().st_size - start
        total += available if length is None else length
        if start < 0 or available < 0 or (length is not None and not 0 <= length <= available):
            raise NetworkFormatError(f"{file} is shorter than {path} says.")
        if total > MAX_BYTES:
            raise NetworkFormatError(f"{path} has over {MAX_BYTES} bytes of external weights.")
    try:
        onnx.load_external_data_for_model(model, str(folder))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise NetworkFormatError(f"The external weights of {path}: {error}") from error
