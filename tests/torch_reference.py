"""Networks run by PyTorch, node by node, so that autograd can say what their gradient is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch.nn import functional

from onnxdream.graph import IMAGE, Graph, Node

__all__ = ["loss_and_gradient"]

Operator = Callable[..., torch.Tensor]


def loss_and_gradient(
    graph: Graph, layers: Mapping[str, float], image: np.ndarray
) -> tuple[float, np.ndarray]:
    """Σ weight · mean(layer²) and its derivative by the image."""
    tensors = {name: torch.from_numpy(np.array(v)) for name, v in graph.constants.items()}
    tensors[IMAGE] = torch.from_numpy(image).requires_grad_()
    wanted = set(layers)
    for node in graph.nodes:
        inputs = [tensors[name] if name else None for name in node.inputs]
        tensors[node.outputs[0]] = _OPERATORS[node.op](node, *inputs)
        wanted -= set(node.outputs)
        if not wanted:
            break
    loss = sum(weight * (tensors[name] ** 2).mean() for name, weight in layers.items())
    loss.backward()
    return loss.item(), tensors[IMAGE].grad.numpy()


def _padded(node: Node, x: torch.Tensor, kernel: list[int], value: float = 0) -> torch.Tensor:
    """The image with its padding, which PyTorch cannot have different on two sides."""
    top, left, bottom, right = node.integers("pads", [0, 0, 0, 0])
    auto_pad = node.text("auto_pad", "NOTSET")
    if auto_pad.startswith("SAME"):
        strides, dilations = node.integers("strides", [1, 1]), node.integers("dilations", [1, 1])
        totals = [
            max((-(-extent // s) - 1) * s + (k - 1) * d + 1 - extent, 0)
            for extent, k, s, d in zip(x.shape[2:], kernel, strides, dilations, strict=True)
        ]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        (top, left), (bottom, right) = (
            (small, large) if auto_pad == "SAME_UPPER" else (large, small)
        )
    return functional.pad(x, (left, right, top, bottom), value=value)


def _conv(
    node: Node, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    strides, dilations = node.integers("strides", [1, 1]), node.integers("dilations", [1, 1])
    padded = _padded(node, x, list(weight.shape[2:]))
    return functional.conv2d(padded, weight, bias, strides, 0, dilations, node.integer("group", 1))


def _clip(
    node: Node, x: torch.Tensor, low: torch.Tensor | None = None, high: torch.Tensor | None = None
) -> torch.Tensor:
    return functional.hardtanh(
        x,
        -torch.inf if low is None else low.item(),
        torch.inf if high is None else high.item(),
    )


def _max_pool(node: Node, x: torch.Tensor) -> torch.Tensor:
    kernel = node.integers("kernel_shape", [])
    padded = _padded(node, x, kernel, -torch.inf)
    ceil_mode = bool(node.integer("ceil_mode", 0))
    return functional.max_pool2d(
        padded, kernel, node.integers("strides", [1, 1]), ceil_mode=ceil_mode
    )


def _average_pool(node: Node, x: torch.Tensor) -> torch.Tensor:
    top, left, bottom, right = node.integers("pads", [0, 0, 0, 0])
    assert (top, left) == (bottom, right), "PyTorch pads both sides alike"
    return functional.avg_pool2d(
        x,
        node.integers("kernel_shape", []),
        node.integers("strides", [1, 1]),
        (top, left),
        bool(node.integer("ceil_mode", 0)),
        bool(node.integer("count_include_pad", 0)),
    )


def _lrn(node: Node, x: torch.Tensor) -> torch.Tensor:
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    return functional.local_response_norm(
        x, node.integer("size", 1), alpha, beta, node.number("bias", 1.0)
    )


_OPERATORS: dict[str, Operator] = {
    "Add": lambda node, a, b: a + b,
    "AveragePool": _average_pool,
    "Clip": _clip,
    "Concat": lambda node, *parts: torch.cat(parts, node.integer("axis", 1)),
    "Conv": _conv,
    "LRN": _lrn,
    "MaxPool": _max_pool,
    "Relu": lambda node, x: functional.relu(x),
}
