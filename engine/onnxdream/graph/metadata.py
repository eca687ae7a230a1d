"""What a network file says about itself, in its ``metadata_props``.

Every key begins with ``onnxdream.`` and every value is JSON, so that a program
in any language can read them:

============================  =================================================
``onnxdream.format``          the version of this table, 1
``onnxdream.title``           the network's name for people
``onnxdream.mean``, ``.std``  three numbers each, in the network's channel order
``onnxdream.channels``        ``"RGB"`` or ``"BGR"``
``onnxdream.value_range``     the scale on which mean and std are stated
``onnxdream.least_size``      the least height and width that the network takes
``onnxdream.layers``          an object: layer name to tensor name
``onnxdream.default_layers``  an object: layer name to weight, a good first dream
``onnxdream.source``          where the weights come from
``onnxdream.licence``         under which licence
``onnxdream.hash``            SHA-256 of the nodes and weights
============================  =================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import NetworkFormatError
from ..preprocessing import Preprocessing
from .ir import Graph

__all__ = ["Card", "fingerprint", "read_card", "write_card"]

FORMAT = 1
_KEY = "onnxdream."

_PREPROCESSING = Preprocessing.__struct_fields__

_LARGEST = 1024
"""The largest least size that is believed: smaller pictures are reflected up to it."""


@dataclass(frozen=True)
class Card:
    """A network's own description of itself; see the table in this module."""

    preprocessing: Preprocessing = Preprocessing()
    title: str = ""
    least_size: int | None = None
    layers: Mapping[str, str] = field(default_factory=dict)
    default_layers: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    hash: str = ""


def read_card(metadata: Mapping[str, str]) -> Card | None:
    """The card in a file's metadata, or None where the file is not one of ours.

    Raises
    ------
    NetworkFormatError
        If the metadata says that it is ours and then makes no sense.
    """
    if f"{_KEY}format" not in metadata:
        return None
    try:
        said = {
            key.removeprefix(_KEY): json.loads(value)
            for key, value in metadata.items()
            if key.startswith(_KEY)
        }
        if said.pop("format") != FORMAT:
            raise NetworkFormatError(
                "The network file was written by a newer onnxdream; install that or a newer one."
            )
        preprocessing = {name: said.pop(name) for name in _PREPROCESSING if name in said}
        known = {f.name: _typed(f.name, said[f.name]) for f in fields(Card) if f.name in said}
        return Card(preprocessing=Preprocessing(**preprocessing), **known)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NetworkFormatError(f"The network file's metadata makes no sense: {error}") from error


def write_card(card: Card) -> dict[str, str]:
    """The metadata that says what a card says."""
    said: dict[str, Any] = {"format": FORMAT}
    said |= {name: getattr(card.preprocessing, name) for name in _PREPROCESSING}
    said |= {f.name: getattr(card, f.name) for f in fields(Card) if f.name != "preprocessing"}
    return {
        f"{_KEY}{name}": json.dumps(dict(value) if isinstance(value, Mapping) else value)
        for name, value in said.items()
    }


def fingerprint(graph: Graph) -> str:
    """SHA-256 of a graph's nodes and weights, as hexadecimal digits."""
    digest = hashlib.sha256()
    for node in graph.nodes:
        attributes = sorted((key, _plain(value)) for key, value in node.attributes.items())
        words = (node.domain, node.op, node.inputs, node.outputs, attributes)
        digest.update(repr(words).encode())
    for name, value in sorted(graph.constants.items()):
        digest.update(repr((name, value.dtype.str, value.shape)).encode())
        digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


def _plain(value: object) -> object:
    """An attribute in a form that does not change when it is written and read."""
    match value:
        case np.ndarray():
            return value.dtype.str, value.shape, value.tobytes()
        case float():
            return np.float32(value).item()
        case list():
            return [_plain(v) for v in value]
    return value


def _typed(name: str, value: Any) -> Any:
    """A value of a card, if it is of the kind that it should be."""
    match name, value:
        case "layers", dict() if all(isinstance(v, str) for v in value.values()):
            return value
        case "default_layers", dict() if np.isfinite(weights := list(value.values())).all():
            return dict(zip(value, map(float, weights), strict=True))
        case "least_size", None:
            return value
        case "least_size", int() if 0 < value <= _LARGEST and not isinstance(value, bool):
            return value
        case (("title" | "source" | "licence" | "hash"), str()):
            return value
    raise ValueError(f"{name} is {value!r}")
