"""Small PyTorch networks that are made to be exported, or to fail at it in one way each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Small(nn.Module):
    """What convolutional networks are made of, with many an activation in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        )
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.mean = nn.AvgPool2d(3, 1, 1)
        self.mixed = nn.Conv2d(16, 12, 3, 2, 1)
        self.clip = nn.ReLU6(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.classes = nn.Linear(12 * 28 * 28, 5)
        self.auxiliary = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(x))
        y = self.norm(self.depthwise(x))
        y += x
        x = torch.cat([self.relu(y), self.relu(self.mean(x))], 1)
        x = self.drop(self.clip(self.mixed(x)))
        # It takes images of 224×224 only, as far as its classes go.
        return self.classes(torch.flatten(x, 1))


def small() -> nn.Module:
    """A network with random weights, in training mode, as a fresh one is."""
    torch.manual_seed(0)
    network = Small()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


class Layer(nn.Module):
    """A module that does what one function does."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def _followed_by(function: Any, **more: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2), Layer(function))
    for name, module in more.items():
        network.add_module(name, module)
    return network


def forgetful() -> nn.Module:
    """It forgets in evaluation mode, too."""
    return _followed_by(lambda x: nn.functional.dropout(x, 0.5, training=True))


def restless() -> nn.Module:
    """It makes something else each time."""
    return _followed_by(lambda x: x * torch.rand(()))


def made_to_measure() -> nn.Module:
    """What tracing takes for a constant depends on the image."""
    return _followed_by(lambda x: x * float(x.detach().sum()))


class Liar(torch.autograd.Function):
    """A function whose backward pass is not the derivative of its forward pass."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return 3 * gradient


def wrong_backward() -> nn.Module:
    """Its gradient is half as large again as it should be."""
    return _followed_by(Liar.apply)


def no_backward() -> nn.Module:
    """PyTorch has no gradient of it."""
    return _followed_by(lambda x: x.detach())


def no_rule() -> nn.Module:
    """ONNX has operators for it whose gradient onnxdream does not know."""
    return _followed_by(lambda x: torch.cumsum(torch.cumsum(x, 2), 3))


def no_operator() -> nn.Module:
    """ONNX has no operator for it."""
    return _followed_by(torch.special.i0e)


def pair() -> nn.Module:
    """A module returns a pair of tensors."""
    return _followed_by(lambda x: (x, x), last=Layer(lambda both: both[0]))


def reserved() -> nn.Module:
    """Its modules bear the names that onnxdream needs for itself."""
    torch.manual_seed(0)
    network = nn.Sequential()
    network.add_module("image", nn.Conv2d(3, 4, 3))
    network.add_module("loss", nn.Tanh())
    network.add_module("gradient", nn.Sequential(nn.Conv2d(4, 4, 3, 2), nn.Identity()))
    return network


def large() -> nn.Module:
    """It needs an image of 300 pixels each way."""
    return _followed_by(lambda x: x, last=nn.Conv2d(4, 2, 2, dilation=148))


def zero() -> nn.Module:
    """Its gradient is zero."""
    return _followed_by(lambda x: 0 * x)


def broken() -> nn.Module:
    """The factory fails."""
    raise KeyError("weights.pth")


def a_number() -> int:
    """Not a factory of networks."""
    return 5


def noisy() -> nn.Module:
    """What is added and taken away again leaves float32 few digits of what was there."""
    return _followed_by(lambda x: torch.relu(x + 3e5 - 3e5 - 0.25))


def noisy_with_wrong_backward() -> nn.Module:
    """The same, and its gradient is half as large again as it should be."""
    return _followed_by(lambda x: Liar.apply(x + 3e4 - 3e4))
