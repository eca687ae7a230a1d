"""From a PyTorch network to a graph.

The exporter is the one built on TorchScript. The newer one, built on
``torch.export``, needs onnxscript and cannot express the output size of a pool
that rounds up, as in GoogLeNet and SqueezeNet, when height and width are
symbolic.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ExportError
from ..graph import Graph, free_names, read
from ..graph.protobuf import OPSET
from .modules import Tapped

__all__ = ["trace"]

_INPUT = ".image"
"""No module has a name that begins with a dot."""

_DEPRECATED = (
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed",
)


def trace(
    network: nn.Module, values: Mapping[str, Sequence[str]], image: Tensor
) -> tuple[Graph, dict[str, str]]:
    """Trace a network up to the last of some values.

    Parameters
    ----------
    network : nn.Module
        The network, in evaluation mode.
    values : mapping of str to sequence of str
        What `find_values` found.
    image : Tensor of float32, shape (1, 3, H, W)
        The image to trace with; height and width stay symbolic.

    Returns
    -------
    graph : Graph
        From ``image`` to the values, which are its outputs.
    layers : dict of str to str
        For each module that returns one of the values, its tensor: of the
        same name where the name is free and the module alone.

    Raises
    ------
    ExportError
        If PyTorch cannot trace the network or spell it in ONNX.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "traced.onnx")
        try:
            with _quiet():
                torch.onnx.export(
                    Tapped(network, list(values)),
                    (image,),
                    str(file),
                    dynamo=False,
                    opset_version=OPSET,
                    input_names=[_INPUT],
                    output_names=list(values),
                    dynamic_axes={_INPUT: {2: "H", 3: "W"}},
                )
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise ExportError(f"PyTorch cannot export the network: {reason}") from error
        graph = read(file)
    renamed = free_names(graph, _INPUT)
    layers = {name: renamed.get(value, value) for value, names in values.items() for name in names}
    return graph, layers


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own age and of sizes that it takes for constant.

    Sizes that were taken for constant show when the file is run at two others.
    """
    with warnings.catch_warnings():
        for message in _DEPRECATED:
            warnings.filterwarnings("ignore", re.escape(message), DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        yield
