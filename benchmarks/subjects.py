"""The six networks that are compared with PyTorch, and what they are fed.

Two are embedded. Two are trained networks that lie in the folder that the
environment variable ONNXDREAM_TEST_NETWORKS names, and are left out where it
does not. Two have random weights, and are exported from `torch_networks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from onnxdream import Network, kernels, load
from onnxdream.gradient import gradient_graph
from onnxdream.graph import Graph

__all__ = ["TITLES", "Subject", "subjects"]


@dataclass(frozen=True)
class Subject:
    """A network and the layer of it that is amplified."""

    title: str
    network: Network
    tensor: str

    @property
    def gradient(self) -> Graph:
        """Its gradient graph."""
        return gradient_graph(self.network.graph, {self.tensor: 1.0})

    def image(self, size: int) -> np.ndarray:
        """Noise as the network is fed it, float32 [1, 3, size, size]."""
        preprocessing = self.network.preprocessing
        picture = np.random.default_rng(0).random((size, size, 3), np.float32)
        mean, std, bgr = preprocessing.unit_mean, preprocessing.unit_std, preprocessing.bgr
        return kernels.jitter_normalize(picture, 0, 0, mean, std, bgr)


def _embedded(name: str) -> Callable[[], Network]:
    return lambda: load(name)


def _trained(file: str, mean: float, std: float) -> Callable[[], Network | None]:
    def found() -> Network | None:
        path = Path(os.environ.get("ONNXDREAM_TEST_NETWORKS", "")) / file
        if not path.is_file():
            return None
        return load(path, mean=[mean] * 3, std=[std] * 3, channels="RGB", value_range=(0, 255))

    return found


def _random(factory: str, layer: str) -> Callable[[], Network]:
    def exported() -> Network:
        import torch_networks
        from onnxdream.export import export

        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{factory}.onnx"
            export(getattr(torch_networks, factory)(), path, layer)
            return load(path)

    return exported


_FOUND: dict[str, tuple[str, Callable[[], Network | None]]] = {
    "squeezenet": ("fire7", _embedded("squeezenet")),
    "efficientnet-lite0": ("block9", _embedded("efficientnet-lite0")),
    "mobilenet_v2": ("043_add", _trained("mobilenet_v2.onnx", 127, 127.5)),
    "inception_v3": ("mixed_4", _trained("inception_v3.onnx", 128, 128)),
    "googlenet": ("inception4c", _random("googlenet", "inception4c")),
    "resnet50": ("layer3", _random("resnet50", "layer3")),
}

TITLES = {name: f"{name} → {layer}" for name, (layer, _) in _FOUND.items()}
"""What each is called in tables."""


def subjects(names: Collection[str]) -> Iterator[Subject]:
    """Yield the networks of these names that are at hand."""
    for name in names:
        layer, find = _FOUND[name]
        network = find()
        if network is None:
            print(f"{name} is left out: ONNXDREAM_TEST_NETWORKS names no folder that has it.")
            continue
        yield Subject(TITLES[name], network, network.resolve(layer))
