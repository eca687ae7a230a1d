"""Names that onnxdream needs for itself: foreign tensors that bear them are renamed."""

from __future__ import annotations

import logging

from ..errors import NetworkFormatError
from .cutting import cut
from .ir import PREFIX, Graph, rename

__all__ = ["GRADIENT", "IMAGE", "LOSS", "forward_part", "free_names"]

IMAGE, LOSS, GRADIENT = "image", "loss", "gradient"
"""The input and the two outputs of every gradient graph."""

log = logging.getLogger(__name__)


def forward_part(graph: Graph) -> Graph:
    """What is left of a gradient graph without what onnxdream added to it."""
    outputs = {k: v for k, v in graph.outputs.items() if not _ours(k)}
    inputs = {k: v for k, v in graph.inputs.items() if not _ours(k) or k == IMAGE}
    if not outputs:
        raise NetworkFormatError("The network file has a gradient but no layer among its outputs.")
    whole = graph.copy()
    for node in whole.nodes:
        # A lowering may have asked a node of the network for one output more.
        while node.outputs and _ours(node.outputs[-1]):
            node.outputs.pop()
    whole.nodes = [node for node in whole.nodes if node.outputs]
    whole.inputs = inputs
    return cut(whole, outputs)


def free_names(graph: Graph, image: str) -> dict[str, str]:
    """Name the image ``image`` and rename whatever bears a name of ours.

    Parameters
    ----------
    graph : Graph
        Changed in place.
    image : str
        The graph's input that takes the image.

    Returns
    -------
    dict of str to str
        The new name of each tensor that was renamed.
    """
    taken = set(graph.names())
    names = {}
    for name in [n for n in graph.names() if _ours(n) and n != image]:
        new = f"network/{name.removeprefix(PREFIX)}"
        while new in taken:
            new += "_"
        taken.add(new)
        names[name] = new
    if names:
        log.info("Renamed %d tensors whose names onnxdream needs.", len(names))
    if image != IMAGE:
        names[image] = IMAGE
    rename(graph.nodes, names)
    graph.constants = {names.get(k, k): v for k, v in graph.constants.items()}
    graph.inputs = {names.get(k, k): v for k, v in graph.inputs.items()}
    graph.outputs = {names.get(k, k): v for k, v in graph.outputs.items()}
    return names


def _ours(name: str) -> bool:
    return name in (IMAGE, LOSS, GRADIENT) or name.startswith(PREFIX)
