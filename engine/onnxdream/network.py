"""A network: its file, how to feed it, its layers."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from .autodiff import STOPS
from .errors import LayerNotFoundError, NetworkFormatError, NetworkNotFoundError, RecipeError
from .files import path_from, shown, why
from .graph import (
    IMAGE,
    Card,
    Graph,
    Tensor,
    cut,
    descendants,
    fingerprint,
    forward_part,
    free_names,
    infer,
    least_size,
    read,
    read_card,
)
from .memory import enough_memory
from .preprocessing import Preprocessing
from .ranges import number_within, said
from .recipe import Layers

__all__ = ["DEFAULT_NETWORK", "Layer", "Network", "embedded", "load"]

DEFAULT_NETWORK = "efficientnet-lite0"
"""The embedded network that dreams when none is named."""

_LARGEST_WEIGHT = float(np.finfo(np.float32).max)

_DIGITS = 10

_MEASURE = 8192
"""So large an image, in pixels each way, that what borders take away hardly counts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layer:
    """A named activation of a network that can be amplified.

    Parameters
    ----------
    number : int
        Its place in the network, from 1: ``@number`` names it on the command line.
    name : str
        The tensor's name.
    alias : str
        A shorter name, or "".
    channels : int
        How many features it has.
    stride : int
        How many pixels of the image lie between two of its elements; 0 where
        it has no height and width.
    suggested : bool
        Whether the network's card says that it makes good dreams.
    """

    number: int
    name: str
    alias: str
    channels: int
    stride: int
    suggested: bool


class Network:
    """An ONNX file of a convolutional network, with what is needed to feed it.

    Parameters
    ----------
    name : str
        What to call it.
    graph : Graph
        Its forward pass; the input is ``image``.
    card : Card
        What is known about it.
    aliases : mapping of str to str
        Further names of tensors.
    location : str, optional
        What `load` found it by: its name, or the path of its file.
    """

    def __init__(
        self,
        name: str,
        graph: Graph,
        card: Card,
        aliases: Mapping[str, str] | None = None,
        location: str | None = None,
    ) -> None:
        self.name = name
        self.location = location or name
        self.graph = graph
        self.card = card
        self._aliases = {**(aliases or {}), **card.layers}

    def __repr__(self) -> str:
        return f"<onnxdream.Network {self.name!r}>"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of its nodes and weights, as hexadecimal digits."""
        return fingerprint(self.graph)

    @property
    def preprocessing(self) -> Preprocessing:
        """How a picture is fed to it."""
        return self.card.preprocessing

    @property
    def default_layers(self) -> Mapping[str, float]:
        """The layers that are amplified when none is named, each with its weight."""
        return self.card.default_layers

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every activation that depends on the image, in the network's order."""
        dependent = descendants(self.graph, IMAGE, STOPS)
        names = [name for name in self.graph.activations() if name in dependent]
        aliases = {tensor: alias for alias, tensor in self._aliases.items()}
        shapes = self._shapes()
        height = shapes[IMAGE][2]
        found = []
        for number, name in enumerate(names, 1):
            shape = shapes.get(name, ())
            alias = aliases.get(name, "")
            suggested = bool({alias, name} & set(self.default_layers))
            spread = len(shape) == 4 and shape[2:] != (1, 1)
            stride = round(height / shape[2]) if spread else 0
            channels = shape[1] if len(shape) > 1 else 0
            found.append(Layer(number, name, alias, channels, stride, suggested))
        return tuple(found)

    def weights(self, layers: Layers | None) -> dict[str, float]:
        """The tensors to amplify, each with its weight.

        Parameters
        ----------
        layers : str, iterable of str, or mapping of str to float, optional
            Layer names; the network's own suggestion if not given.

        Raises
        ------
        LayerNotFoundError
            If the network has no such layer.
        RecipeError
            If a weight is impossible, or there is nothing to amplify.
        """
        if layers is None:
            layers = self.default_layers
            if not layers:
                raise RecipeError(
                    f"{self.name} does not suggest a layer: name one. "
                    f"`onnxdream layers {self.name}` lists them."
                )
        if isinstance(layers, str):
            layers = [layers]
        if not isinstance(layers, Mapping):
            try:
                layers = dict.fromkeys(map(_layer_name, layers), 1.0)
            except TypeError as error:
                raise RecipeError(f"Layers are named by strings, not by {said(layers)}.") from error
        weights: dict[str, float] = {}
        for layer, weight in layers.items():
            number = number_within(
                f"The weight of {_layer_name(layer)!r}", weight, -_LARGEST_WEIGHT, _LARGEST_WEIGHT
            )
            tensor = self.resolve(layer)
            weights[tensor] = weights.get(tensor, 0.0) + number
        if not any(weights.values()):
            raise RecipeError(
                "There is nothing to amplify: name a layer with a weight other than 0."
            )
        return weights

    def resolve(self, layer: str) -> str:
        """The tensor that a layer name means.

        An exact tensor name wins, then an alias, then ``@12``, the twelfth of
        `layers`.

        Raises
        ------
        LayerNotFoundError
            If there is none; the message names the closest ones.
        """
        names = self.graph.activations()
        layer = _layer_name(layer)
        if layer in names:
            return layer
        if layer in self._aliases and self._aliases[layer] in names:
            return self._aliases[layer]
        if layer.startswith("@") and layer[1:].isdecimal():
            # Python makes no number of thousands of digits.
            number = int(layer[1:]) if len(layer) <= _DIGITS else 0
            if 1 <= number <= len(self.layers):
                return self.layers[number - 1].name
            raise LayerNotFoundError(
                f"{self.name} has the layers @1 to @{len(self.layers)}, but no {shown(layer)}."
            )
        close = difflib.get_close_matches(layer, [*self._aliases, *names], n=3, cutoff=0.3)
        raise LayerNotFoundError(
            f"{self.name} has no layer {shown(layer)!r}. "
            + (f"The closest are {', '.join(close)}. " if close else "")
            + f"`onnxdream layers {self.name}` lists them all."
        )

    def least_size(self, layers: Sequence[str]) -> int:
        """The least height and width of an image from which these tensors can be computed.

        What the card says holds for the whole network, and wins.
        """
        if self.card.least_size:
            return self.card.least_size
        tensor = self.graph.inputs[IMAGE]
        part = cut(self.graph, dict.fromkeys(layers, tensor))
        part.inputs[IMAGE] = replace(tensor, shape=(1, 3, "H", "W"))
        return least_size(part)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of its tensors for a large image, or one of the size that it asks for."""
        shape = self.graph.inputs[IMAGE].shape
        try:
            return infer(self.graph, _MEASURE, _MEASURE)
        except NetworkFormatError:
            if shape is None or not all(isinstance(d, int) for d in shape[2:]):
                raise
            return infer(self.graph, *(int(d) for d in shape[2:]))


def embedded() -> list[str]:
    """The names of the networks that come with onnxdream."""
    files = resources.files("onnxdream.models").iterdir()
    return sorted(f.name.removesuffix(".onnx") for f in files if f.name.endswith(".onnx"))


@enough_memory("The network cannot be loaded", "take a smaller one")
def load(
    network: str | os.PathLike[str],
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: str | None = None,
    value_range: Sequence[float] | None = None,
) -> Network:
    """Load an embedded network by name, or any other from an ONNX file.

    Parameters
    ----------
    network : str or path
        ``"squeezenet"``, say, or the path of a file.
    mean, std : three floats, optional
        In the network's channel order; (0, 0, 0) and (1, 1, 1) if neither the
        caller nor the file says otherwise.
    channels : {"RGB", "BGR"}, optional
        The network's channel order.
    value_range : two floats, optional
        On which scale mean and std are stated, (0, 1) or (0, 255).

    Raises
    ------
    NetworkNotFoundError
        If neither an embedded network nor a file has this name.
    NetworkFormatError
        If the file is no convolutional network on RGB pictures.
    RecipeError
        If the preprocessing makes no sense.
    """
    path = path_from(network, NetworkNotFoundError)
    name = location = os.fspath(network)
    if name in embedded():
        with resources.as_file(resources.files("onnxdream.models") / f"{name}.onnx") as file:
            graph = read(file)
    elif name and _is_there(path):
        graph, name = read(path), path.stem
    else:
        close = difflib.get_close_matches(name, embedded(), n=1)
        raise NetworkNotFoundError(
            f"There is no file {shown(name)!r} and no embedded network of that name"
            + (f"; did you mean {close[0]}? " if close else ". ")
            + f"Embedded are {', '.join(embedded())}."
        )
    given = {"mean": mean, "std": std, "channels": channels, "value_range": value_range}
    said: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    card = read_card(graph.metadata)
    if card is None:
        card = Card()
        if not said:
            log.warning(
                "%s does not say how it is fed, and neither did you: its input is taken "
                "to be RGB from 0 to 1. See mean, std, channels and value_range.",
                name,
            )
    else:
        graph = forward_part(graph)
    card = replace(card, preprocessing=msgspec.structs.replace(card.preprocessing, **said))
    image = _image_input(graph, name)
    aliases = free_names(graph, image)
    return Network(name, graph, card, aliases, location)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise NetworkNotFoundError(f"{shown(path)} cannot be opened: {why(error)}.") from error


def _layer_name(layer: object) -> str:
    if not isinstance(layer, str):
        raise RecipeError(f"A layer is named by a string, not by {said(layer)}.")
    return layer


def _image_input(graph: Graph, name: str) -> str:
    """The one input that a picture can be fed to."""
    required = {k: v for k, v in graph.inputs.items() if k not in graph.constants}
    if len(required) != 1:
        raise NetworkFormatError(
            f"{name} has {len(required)} inputs ({', '.join(required)}); "
            "a network that dreams has one, the image."
        )
    [(image, tensor)] = required.items()
    if not _takes_pictures(tensor):
        raise NetworkFormatError(
            f"{name} takes {tensor.dtype} {list(tensor.shape or ())}; a network that dreams "
            "takes float32 images [1, 3, height, width]."
        )
    graph.inputs[image] = replace(tensor, shape=(1, 3, *(tensor.shape or (0, 0, "H", "W"))[2:]))
    return image


def _takes_pictures(tensor: Tensor) -> bool:
    if tensor.dtype != np.float32:
        return False
    shape = tensor.shape
    if shape is None:
        return True
    # Where nothing is said of axis 1, a 3 at the end is the channels of NHWC.
    return len(shape) == 4 and (shape[1] == 3 or (isinstance(shape[1], str) and shape[3] != 3))
