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
from ..graph.ir import rename
from ..graph.protobuf import OPSET
from .modules import Tapped

__all__ = ["trace"]

_INPUT, _OUTPUT = ".image", ".module/"
"""No module has a name that begins with a dot; many have one that is a number,
which TorchScript refuses as the name of a tensor."""

_EXPECTED = (
    (DeprecationWarning, "You are using the legacy TorchScript-based ONNX export"),
    (DeprecationWarning, "The feature will be removed"),
    (UserWarning, "ONNX export mode is set to TrainingMode.EVAL, but operator"),
    (torch.jit.TracerWarning, ""),
)
"""What the exporter says of its own age, of operators that keep training, and
of sizes that it takes for constant: the last two show when the file is compared
with the network."""


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
                    output_names=[_OUTPUT + name for name in values],
                    dynamic_axes={_INPUT: {2: "H", 3: "W"}},
                )
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise ExportError(f"PyTorch cannot export the network: {reason}") from error
        graph = read(file)
    taken = set(graph.names())
    given = {_OUTPUT + value: value for value in values if value not in taken}
    rename(graph.nodes, given)
    graph.outputs = {given.get(name, name): tensor for name, tensor in graph.outputs.items()}
    freed = free_names(graph, _INPUT)
    layers: dict[str, str] = {}
    for value, names in values.items():
        tensor = given.get(_OUTPUT + value, _OUTPUT + value)
        layers |= dict.fromkeys(names, freed.get(tensor, tensor))
    return graph, layers


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that are expected."""
    with warnings.catch_warnings():
        for category, message in _EXPECTED:
            warnings.filterwarnings("ignore", re.escape(message), category)
        yield
