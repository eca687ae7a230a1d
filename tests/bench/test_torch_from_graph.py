"""PyTorch's side of the benchmark computes what ours does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from onnxdream import Network, load
from onnxdream.gradient import gradient_graph
from onnxdream.graph import GRADIENT, IMAGE, LOSS, Graph, Node, Tensor
from onnxdream.runtime import PORTABLE, Backend
from small_networks import FLOAT32

pytestmark = pytest.mark.torch

SIZE = 96


@pytest.fixture
def torch_module(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "benchmarks")
    return import_module("torch_from_graph").torch_module


def pools() -> Graph:
    """Every kind of pool, uneven padding, and sums of what may be overwritten and may not."""
    random = np.random.default_rng(0)
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    nodes = [
        Node("Conv", ["image", "w1", "b1"], ["c1"], {**window, "auto_pad": "SAME_LOWER"}),
        Node("Conv", ["image", "w1"], ["c2"], {**window, "auto_pad": "SAME_UPPER"}),
        Node("Add", ["c1", "c2"], ["s1"]),
        Node("Relu", ["s1"], ["r1"]),
        Node("Clip", ["s1", "zero", "six"], ["r2"]),
        Node("Add", ["r1", "r2"], ["s2"]),
        Node("MaxPool", ["s2"], ["m"], {**window, "ceil_mode": 1}),
        Node("AveragePool", ["s2"], ["a"], {**window, "ceil_mode": 1}),
        Node("Concat", ["m", "a"], ["all"], {"axis": 1}),
    ]
    constants = {
        "w1": random.normal(0, 0.3, (4, 3, 3, 3)).astype(np.float32),
        "b1": random.normal(0, 0.3, 4).astype(np.float32),
        "zero": np.array(0, np.float32),
        "six": np.array(6, np.float32),
    }
    image = {IMAGE: Tensor(FLOAT32, (1, 3, "H", "W"))}
    return Graph(nodes, constants, image, {"all": Tensor(FLOAT32, None)})


def cases() -> list[tuple[Graph, str]]:
    networks: list[Network] = [load("squeezenet"), load("efficientnet-lite0")]
    found = [(net.graph, net.resolve(next(iter(net.default_layers)))) for net in networks]
    return [*found, (pools(), "all")]


@pytest.mark.parametrize("case", range(3))
def test_the_gradients_agree(case, torch_module):
    import torch

    graph, layer = cases()[case]
    image = np.random.default_rng(0).normal(0, 1, (1, 3, SIZE, SIZE)).astype(np.float32)
    sessions = PORTABLE.load(gradient_graph(graph, {layer: 1.0}), Backend("cpu"), 2)
    loss, gradient = sessions.at(SIZE, SIZE).run({IMAGE: image}, [LOSS, GRADIENT])
    tensor = torch.tensor(image, requires_grad=True)
    expected = torch_module(graph, layer, SIZE)(tensor).square().mean()
    [slope] = torch.autograd.grad(expected, tensor)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    error = np.linalg.norm(gradient - slope.numpy()) / np.linalg.norm(slope.numpy())
    assert error < 1e-3


def test_an_operator_that_is_not_known_is_named(torch_module):
    graph = pools()
    graph.nodes.append(Node("Tanh", ["all"], ["last"]))
    with pytest.raises(NotImplementedError, match="Tanh 'last'"):
        torch_module(graph, "last", SIZE)
