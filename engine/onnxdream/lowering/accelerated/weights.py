"""Weights as ONNX Runtime's blocked convolutions want them, and ours.

With a block of B channels, a tensor [N, C, H, W] lies in memory as
[N, C/B, H, W, B], and C is a multiple of B: what is missing is zero.
"""

from __future__ import annotations

import numpy as np

__all__ = ["blocked", "blocked_outputs", "mixed", "padded", "phases", "stacked_phases", "turned"]


def padded(array: np.ndarray, axis: int, block: int) -> np.ndarray:
    """Fill an axis up with zeros to a multiple of the block."""
    missing = -array.shape[axis] % block
    if not missing:
        return array
    return np.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)])


def blocked(weight: np.ndarray, block: int) -> np.ndarray:
    """[O, I, kh, kw] for a blocked input: in memory [O/B, I/B, kh, kw, B of I, B of O]."""
    weight = padded(padded(weight, 0, block), 1, block)
    outputs, inputs, height, width = weight.shape
    split = weight.reshape(outputs // block, block, inputs // block, block, height, width)
    return np.ascontiguousarray(split.transpose(0, 2, 4, 5, 3, 1)).reshape(weight.shape)


def blocked_outputs(weight: np.ndarray, block: int) -> np.ndarray:
    """[O, I, kh, kw] for a plain or depthwise input: in memory [O/B, I, kh, kw, B of O]."""
    weight = padded(weight, 0, block)
    outputs, *rest = weight.shape
    split = weight.reshape(outputs // block, block, *rest)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 4, 1)).reshape(weight.shape)


_MIXING = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
"""G of the minimal filtering F(2x2, 3x3)."""


def mixed(weight: np.ndarray, block: int) -> np.ndarray:
    """[O, I, 3, 3] to [O, I, 4, 4] for Winograd: in memory [O/B, 4, 4, I/B, B of I, B of O].

    G g G' in the words of Lavin and Gray, Fast Algorithms for Convolutional Neural
    Networks, 2015.
    """
    # Weights that are infinite, or become so, are a network's own affair.
    with np.errstate(all="ignore"):
        mixtures = (_MIXING @ weight.astype(np.float64) @ _MIXING.T).astype(weight.dtype)
    filled = padded(padded(mixtures, 0, block), 1, block)
    outputs, inputs, *size = filled.shape
    split = filled.reshape(outputs // block, block, inputs // block, block, *size)
    return np.ascontiguousarray(split.transpose(0, 4, 5, 2, 3, 1)).reshape(filled.shape)


def turned(weight: np.ndarray) -> np.ndarray:
    """[O, I, kh, kw] to [I, O, kh, kw], with both spatial axes reversed."""
    return weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]


def phases(weight: np.ndarray, strides: list[int]) -> list[np.ndarray]:
    """The stride-1 kernels that together undo a stride: one per place within it.

    Element i·s + p of the (padded) image was read with the taps p, p + s, …
    of the kernel, by the windows i, i − 1, …; each phase p is a convolution of
    its own. A phase without taps has a kernel of no elements.
    """
    down, right = strides
    return [turned(weight[:, :, y::down, x::right]) for y in range(down) for x in range(right)]


def stacked_phases(weight: np.ndarray, strides: list[int]) -> np.ndarray:
    """All phases as one kernel, whose output channels are phase by phase those of each.

    It pays where there are few channels, as in the image itself: together they
    fill a block.
    """
    kernels = phases(weight, strides)
    height, width = (max(k.shape[axis] for k in kernels) for axis in (2, 3))
    # Windows end together: shorter kernels are filled up in front.
    grown = [
        np.pad(k, [(0, 0), (0, 0), (height - k.shape[2], 0), (width - k.shape[3], 0)])
        for k in kernels
    ]
    return np.concatenate(grown)
