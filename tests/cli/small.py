"""The small network and picture of these tests, and what the program answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

HEIGHT, WIDTH = 36, 44
"""The size of the small picture."""


def save_network(path: Path, seed: int = 0, last: str = "Relu") -> Path:
    """Write an ONNX file with two layers, "first" and "second", that does not say how it is fed."""
    random = np.random.default_rng(seed)
    constants = {
        "w1": random.normal(0, 0.4, (8, 3, 3, 3)),
        "b1": random.normal(0, 0.4, 8),
        "w2": random.normal(0, 0.2, (8, 8, 3, 3)),
    }
    nodes = [
        onnx.helper.make_node("Conv", ["pixels", "w1", "b1"], ["conv"], pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Sigmoid", ["conv"], ["first"]),
        onnx.helper.make_node("Conv", ["first", "w2"], ["second=0.5"], strides=[2, 2]),
        onnx.helper.make_node(last, ["second=0.5"], ["second"], name="the last"),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "small",
        [onnx.helper.make_tensor_value_info("pixels", 1, [1, 3, "H", "W"])],
        [onnx.helper.make_tensor_value_info("second", 1, [1, 8, "h", "w"])],
        [onnx.numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()],
    )
    opset = onnx.helper.make_opsetid("", 18)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


class Answer(NamedTuple):
    """What the program did."""

    code: int
    out: str
    err: str


Program = Callable[..., Answer]
