"""The embedded networks, layer by layer, under the names that their authors use.

The tensor that bears a layer's plain name is the one after its activation; the
one before has ``/conv`` behind the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from onnxdream.graph import IMAGE, Graph, Node, Tensor
from onnxdream.graph.ir import Attribute

__all__ = ["efficientnet_lite0", "squeezenet"]

CLASSES = 1000

_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""EfficientNet-Lite0: how many blocks, and the stride of the first; the others have shortcuts."""

_EPSILON = 1e-3
"""What its batch normalization adds to the variance."""


class _Network:
    """A graph that grows by one layer a call; each returns the name of its tensor."""

    def __init__(self) -> None:
        image = Tensor(np.dtype(np.float32), (1, 3, "H", "W"))
        self.graph = Graph([], {}, {IMAGE: image}, {})

    def layer(self, op: str, inputs: list[str], name: str, **attributes: Attribute) -> str:
        self.graph.nodes.append(Node(op, inputs, [name], attributes, name=name))
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        self.graph.constants[name] = np.asarray(value, np.float32, order="C")
        return name

    def conv(
        self, x: str, name: str, kernel: np.ndarray, bias: np.ndarray, **attributes: Attribute
    ) -> str:
        layer = name.removesuffix("/conv")
        weights = [self.constant(f"{layer}/weight", kernel), self.constant(f"{layer}/bias", bias)]
        shape = list(kernel.shape[2:])
        return self.layer("Conv", [x, *weights], name, kernel_shape=shape, **attributes)

    def pooled(self, x: str, name: str) -> str:
        """The mean of each channel, as a vector."""
        return self.layer(
            "Flatten", [self.layer("GlobalAveragePool", [x], name)], f"{name}/flatten"
        )

    def classified(self, logits: str) -> Graph:
        """The finished graph, with the probability of each class as its output."""
        prob = self.layer("Softmax", [logits], "prob", axis=1)
        self.graph.outputs[prob] = Tensor(np.dtype(np.float32), (1, CLASSES))
        return self.graph


def squeezenet(weights: Mapping[str, Sequence[np.ndarray]]) -> Graph:
    """SqueezeNet 1.1, as in its authors' ``SqueezeNet_v1.1/deploy.prototxt``.

    conv1 is not padded and pools round up, as in Caffe; dropout is left out.

    Parameters
    ----------
    weights : mapping of str to pair of ndarray
        For each convolution its kernel [height, width, in, out] and its bias [out].

    Returns
    -------
    Graph
        From ``image`` to ``prob``.
    """
    net = _Network()

    def unit(x: str, name: str, **attributes: Attribute) -> str:
        kernel, bias = weights[name]
        x = net.conv(x, f"{name}/conv", kernel.transpose(3, 2, 0, 1), bias, **attributes)
        return net.layer("Relu", [x], name)

    def fire(x: str, name: str) -> str:
        x = unit(x, f"{name}/squeeze1x1")
        expanded = [
            unit(x, f"{name}/expand1x1"),
            unit(x, f"{name}/expand3x3", pads=[1, 1, 1, 1]),
        ]
        return net.layer("Concat", expanded, f"{name}/concat", axis=1)

    def pool(x: str, name: str) -> str:
        kernel, strides = [3, 3], [2, 2]
        return net.layer("MaxPool", [x], name, kernel_shape=kernel, strides=strides, ceil_mode=1)

    x = pool(unit(IMAGE, "conv1", strides=[2, 2]), "pool1")
    for number in range(2, 10):
        x = fire(x, f"fire{number}")
        if number in (3, 5):
            x = pool(x, f"pool{number}")
    return net.classified(net.pooled(unit(x, "conv10"), "pool10"))


def efficientnet_lite0(state: Mapping[str, np.ndarray]) -> Graph:
    """EfficientNet-Lite0, with its batch normalization folded into the convolutions.

    Strided convolutions pad as TensorFlow's "SAME" does.

    Parameters
    ----------
    state : mapping of str to ndarray
        The state dict of efficientnet-lite-pytorch 0.1.0.

    Returns
    -------
    Graph
        From ``image`` to ``prob``.
    """
    net = _Network()
    six = [net.constant("relu6/min", np.array(0)), net.constant("relu6/max", np.array(6))]

    def conv(x: str, name: str, key: str, norm: str, stride: int = 1) -> str:
        kernel, bias = _folded(state, key, norm)
        outs, ins, size, _ = kernel.shape
        # The only kernels with a single input channel are the depthwise ones.
        group = outs if ins == 1 else 1
        if stride == 1:
            return net.conv(x, name, kernel, bias, group=group, pads=[size // 2] * 4)
        strides = [stride, stride]
        return net.conv(x, name, kernel, bias, group=group, auto_pad="SAME_UPPER", strides=strides)

    def unit(x: str, name: str, key: str, norm: str, stride: int = 1) -> str:
        return net.layer("Clip", [conv(x, f"{name}/conv", key, norm, stride), *six], name)

    def block(source: str, number: int, stride: int, shortcut: bool) -> str:
        name, key, x = f"block{number}", f"_blocks.{number}", source
        if number > 0:
            x = unit(x, f"{name}/expand", f"{key}._expand_conv", f"{key}._bn0")
        x = unit(x, f"{name}/depthwise", f"{key}._depthwise_conv", f"{key}._bn1", stride)
        x = conv(x, f"{name}/project", f"{key}._project_conv", f"{key}._bn2")
        return net.layer("Add", [x, source], f"{name}/add") if shortcut else x

    x = unit(IMAGE, "stem", "_conv_stem", "_bn0", stride=2)
    numbers = count()
    for repeats, stride in _STAGES:
        for repeat in range(repeats):
            x = block(x, next(numbers), 1 if repeat else stride, shortcut=repeat > 0)
    x = net.pooled(unit(x, "head", "_conv_head", "_bn1"), "pool")
    linear = [net.constant(f"logits/{part}", state[f"_fc.{part}"]) for part in ("weight", "bias")]
    return net.classified(net.layer("Gemm", [x, *linear], "logits", transB=1))


def _folded(state: Mapping[str, np.ndarray], conv: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
    """The kernel and bias that do what a convolution and its normalization do together.

    With γ, β, μ and σ² of the normalization: k·γ/√(σ²+ε) and β − μ·γ/√(σ²+ε).
    """
    kernel = state[f"{conv}.weight"]
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + _EPSILON)
    return kernel * scale[:, None, None, None], beta - mean * scale
