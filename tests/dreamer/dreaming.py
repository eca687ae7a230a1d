"""Small pictures, quick recipes, and Dreamers of tiny networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from onnxdream import Dreamer, Machine, Recipe
from onnxdream.graph import Graph
from small_networks import convnet, network_of

__all__ = ["QUICK", "picture", "small_dreamer"]

QUICK = Recipe(octaves=2, steps=2)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Noise, far enough from black and white to be moved both ways."""
    return 0.25 + 0.5 * np.random.default_rng(seed).random((height, width, 3), np.float32)


def small_dreamer(graph: Graph | None = None, layers: Any = None, **options: Any) -> Dreamer:
    """A Dreamer of a tiny network, by default of `convnet`'s output."""
    network = network_of(graph or convnet())
    return Dreamer(network, layers or list(network.graph.outputs), machine=Machine(**options))
