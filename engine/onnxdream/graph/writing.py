"""Write a network file: all of it or nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import checker

from .ir import Graph
from .metadata import Card, fingerprint, write_card
from .protobuf import to_model

__all__ = ["write"]


def write(graph: Graph, path: str | Path, card: Card, half_weights: bool = False) -> None:
    """Write a graph with its card to an ONNX file.

    Parameters
    ----------
    graph : Graph
        The graph; its metadata is replaced by the card's.
    path : str or Path
        The file; an existing one is replaced once the new one is complete.
    card : Card
        What the file says of itself; the hash is filled in.
    half_weights : bool
        Store the weights as float16; see `to_model`.
    """
    path = Path(path)
    stored = graph.copy()
    if half_weights:
        stored.constants = {
            name: value.astype(np.float16).astype(np.float32)
            if value.ndim > 1 and value.dtype == np.float32
            else value
            for name, value in stored.constants.items()
        }
    stored.metadata |= write_card(replace(card, hash=fingerprint(stored)))
    model = to_model(stored, half_weights)
    checker.check_model(model, full_check=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(model.SerializeToString(deterministic=True))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
