"""A PyTorch network to an ONNX file with a gradient."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ExportError, RecipeError
from ..extras import need
from ..gradient import gradient_graph
from ..graph import Card, Graph, Shapes, Tensor, write
from ..lowering import portable
from ..network import Network
from ..preprocessing import Preprocessing
from ..recipe import Layers
from ..runtime import Machine, Session, choose, usable_cores

if TYPE_CHECKING:
    from torch import nn

    from .checking import Agreement

__all__ = ["Report", "export"]

_SIDE = 224
_ODD = (31, 93)


@dataclass(frozen=True)
class Report:
    """What was exported, and how well it agrees with PyTorch.

    Parameters
    ----------
    path : Path
        The file.
    layers : mapping of str to float
        The tensors that the file amplifies, each with its weight.
    agreements : sequence of Agreement
        The comparison with ``torch.autograd`` at each of two sizes.
    """

    path: Path
    layers: Mapping[str, float]
    agreements: Sequence[Agreement]


def export(
    model: nn.Module,
    path: str | os.PathLike[str],
    layers: Layers,
    *,
    preprocessing: Preprocessing = Preprocessing(),  # noqa: B008 - immutable
    title: str = "",
    source: str = "",
    licence: str = "",
    least_size: int | None = None,
    half_weights: bool = False,
) -> Report:
    """Export a PyTorch network to an ONNX file with a gradient.

    The file takes ``image``, float32 [1, 3, H, W], fed as `preprocessing` says, and
    makes ``loss``, the sum over layers of weight × mean(activation²),
    ``gradient`` = d loss / d image, and the layers. It holds the network up to
    the deepest of them, in standard operators, and runs in any ONNX Runtime.
    Tensors are named after the modules that return them.

    Parameters
    ----------
    model : torch.nn.Module
        A convolutional network on one image [1, 3, H, W]. It is left as it is;
        what is exported is a copy in evaluation mode.
    path : str or path
        The file to write; an existing one is replaced once the new one has
        been checked.
    layers : str, iterable of str, or mapping of str to float
        The modules whose output to amplify, as ``model.named_modules()`` names
        them, each with its weight.
    preprocessing : Preprocessing
        How a picture is fed to the network.
    title, source, licence : str
        What the file says of itself: the network's name, where its weights
        come from, and under which licence.
    least_size : int, optional
        The least height and width of an image in pixels; if not given, the
        least from which the layers can be computed.
    half_weights : bool
        Store the weights as float16: half the file for the same dream. They are
        rounded after the comparison.

    Returns
    -------
    Report
        The comparison with ``torch.autograd`` that the file has passed.

    Raises
    ------
    MissingExtraError
        If torch cannot be imported.
    BackendNotFoundError
        If ONNX Runtime, which runs the file for the comparison, is not installed.
    LayerNotFoundError
        If a layer is no module's name; the message names the closest ones.
    UnsupportedOperatorError
        If the gradient of an operator is not known; the message lists them all.
    RecipeError
        If a weight or `least_size` is impossible.
    ExportError
        If PyTorch cannot export the network, if the gradient of the file is
        not that of ``torch.autograd``, or if the file cannot be written.
    """
    need("torch")
    from .checking import compare, random_image
    from .modules import find_values
    from .tracing import trace

    backend = choose(Machine("cpu"))
    path = Path(path)
    layers = [layers] if isinstance(layers, str) else layers
    layers = layers if isinstance(layers, Mapping) else dict.fromkeys(layers, 1.0)
    if not layers:
        raise RecipeError("There is nothing to amplify: name a layer.")
    network = _prepared(model)
    side = max(_SIDE, least_size or 0)
    small = random_image(side, side, preprocessing)
    odd = random_image(side + _ODD[0], side + _ODD[1], preprocessing)

    values = find_values(network, list(layers), small)
    forward, modules = trace(network, values, small)
    described = Card(
        preprocessing=preprocessing, title=title, layers=modules, source=source, licence=licence
    )
    graph, card = _differentiated(Network(path.stem, forward, described), layers, least_size)

    weights = card.default_layers
    amplified = {m: weights[modules[m]] for m in values if modules[m] in weights}
    session = Session(graph, backend, usable_cores())
    agreements = [compare(network, amplified, session, image) for image in (small, odd)]
    for agreement in agreements:
        agreement.check()
    try:
        write(graph, path, card, half_weights)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}.") from error
    return Report(path, weights, agreements)


def _prepared(model: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32 and evaluation mode, whose weights need no gradient."""
    try:
        network = copy.deepcopy(model).cpu().float().eval()
    except Exception as error:
        raise ExportError(f"The network cannot be copied: {error}") from error
    return network.requires_grad_(False)


def _differentiated(network: Network, layers: Layers, least_size: int | None) -> tuple[Graph, Card]:
    """The gradient graph in standard operators, with its layers as outputs, and its card."""
    weights = network.weights(layers)
    measured = network.least_size(list(weights))
    if least_size is not None and least_size < measured:
        raise RecipeError(
            f"least_size is {least_size}, but up to these layers the network needs {measured}."
        )
    graph = portable(gradient_graph(network.graph, weights))
    shapes = Shapes(network.graph)
    for name in weights:
        dims = enumerate(shapes.dims(name))
        symbolic = tuple(f"{name}/{axis}" if d is None else d for axis, d in dims)
        graph.outputs[name] = Tensor(np.dtype(np.float32), symbolic)
    made = set(graph.activations())
    kept = {module: name for module, name in network.card.layers.items() if name in made}
    return graph, replace(
        network.card,
        layers=kept,
        default_layers=weights,
        least_size=least_size or measured,
    )
