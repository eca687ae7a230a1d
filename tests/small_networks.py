"""Networks of a few channels, made by hand: quick to load, and odd in one way each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onnxdream.graph import Card, Graph, Node, Tensor, to_model
from onnxdream.network import Network
from onnxdream.preprocessing import Preprocessing

__all__ = [
    "CARD",
    "FLOAT32",
    "LAYERS",
    "STRIDES",
    "classifier",
    "convnet",
    "dead",
    "infinite_slope",
    "network_of",
    "not_a_number",
    "save",
    "two_inputs",
]

FLOAT32 = np.dtype(np.float32)

LAYERS = ("first/conv", "first", "pool", "second/conv", "second")
"""The activations of `convnet`."""

STRIDES = (2, 2, 4, 4, 4)
"""How many pixels lie between two elements of each."""

_IMAGES = Tensor(FLOAT32, ("n", "c", "h", "w"))

CARD = Card(preprocessing=Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.25), channels="BGR"))
"""A preprocessing in which no channel is like another."""


def convnet(image: str = "image", shape: Sequence[int | str] = (1, 3, "H", "W")) -> Graph:
    """Two convolutions, a pool between them: 3, 8, 8 and 6 channels, strides 1, 2, 4, 4."""
    random = np.random.default_rng(0)
    nodes = [
        _conv(image, "first", strides=[2, 2]),
        Node("Relu", ["first/conv"], ["first"]),
        Node("MaxPool", ["first"], ["pool"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        _conv("pool", "second"),
        Node("Tanh", ["second/conv"], ["second"]),
    ]
    constants = {
        "first/weight": random.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32),
        "first/bias": random.normal(0, 0.3, 8).astype(np.float32),
        "second/weight": random.normal(0, 0.2, (6, 8, 3, 3)).astype(np.float32),
        "second/bias": random.normal(0, 0.2, 6).astype(np.float32),
    }
    inputs = {image: Tensor(FLOAT32, tuple(shape))}
    return Graph(nodes, constants, inputs, {"second": _IMAGES})


def classifier(side: int = 32) -> Graph:
    """`convnet` for images of one size, with a matrix for ten classes behind it."""
    graph = convnet(shape=(1, 3, side, side))
    matrix = np.random.default_rng(1).normal(0, 0.1, (6 * (side // 4) ** 2, 10))
    graph.constants["matrix"] = matrix.astype(np.float32)
    graph.nodes += [
        Node("GlobalAveragePool", ["second"], ["mean"]),
        Node("Flatten", ["second"], ["flat"]),
        Node("MatMul", ["flat", "matrix"], ["classes"]),
    ]
    graph.outputs = {"mean": _IMAGES, "classes": Tensor(FLOAT32, (1, 10))}
    return graph


def dead() -> Graph:
    """A network whose layer ``rest`` is zero, whatever it sees."""
    graph = convnet()
    graph.constants["far"] = np.array(1e6, np.float32)
    graph.nodes += [
        Node("Sub", ["second", "far"], ["below"]),
        Node("Relu", ["below"], ["rest"]),
    ]
    graph.outputs = {"rest": _IMAGES}
    return graph


def infinite_slope() -> Graph:
    """A network whose layer ``root`` is zero, but falls to it like a square root."""
    graph = convnet()
    graph.constants["nothing"] = np.array(0, np.float32)
    graph.nodes += [
        Node("Mul", ["second", "nothing"], ["zero"]),
        Node("Sqrt", ["zero"], ["root"]),
    ]
    graph.outputs = {"root": _IMAGES}
    return graph


def not_a_number() -> Graph:
    """A network whose layer ``log`` is NaN, whatever it sees."""
    graph = dead()
    graph.nodes.append(Node("Log", ["below"], ["log"]))
    graph.outputs = {"log": _IMAGES}
    return graph


def two_inputs() -> Graph:
    """`convnet` with a second image, and nothing to tell which is which."""
    graph = convnet()
    graph.inputs["other"] = graph.inputs["image"]
    graph.nodes.append(Node("Add", ["image", "other"], ["sum"]))
    return graph


def network_of(graph: Graph, card: Card = CARD, name: str = "small") -> Network:
    """A network that was never in a file."""
    return Network(name, graph, card)


def save(graph: Graph, path: Path) -> Path:
    """Write a graph as a foreign file: nothing in it says how it is fed."""
    path.write_bytes(to_model(graph).SerializeToString())
    return path


def _conv(image: str, name: str, **attributes: list[int]) -> Node:
    inputs = [image, f"{name}/weight", f"{name}/bias"]
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    return Node("Conv", inputs, [f"{name}/conv"], {**window, **attributes})
