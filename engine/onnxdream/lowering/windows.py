"""Sliding windows: what Conv and the pools share.

A window of extent e = (k − 1)·d + 1 moves over an axis of H elements, of which
p come in front as padding. Window i reads the elements i·s − p + j·d, for j
from 0 to k − 1. The gradient goes the same way back: what window i received is
added to the elements that it read.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import Node

__all__ = ["Windows", "windows_of"]


@dataclass(frozen=True)
class Windows:
    """The windows of one node over height and width; each field is a pair."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[int]
    after: list[int]
    same: str | None
    """``"SAME_UPPER"`` or ``"SAME_LOWER"`` where the padding depends on the
    size of the image; `before` and `after` are zero then."""

    @property
    def extents(self) -> list[int]:
        """How many elements a window spans, on each axis."""
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]

    @property
    def turned_pads(self) -> list[int]:
        """The pads of windows that go back with a stride of 1: [top, left, bottom, right]."""
        pads = self.before + self.after
        return [e - 1 - p for e, p in zip(self.extents * 2, pads, strict=True)]


def windows_of(node: Node) -> Windows:
    """The windows of a Conv or a pool over two axes.

    With a stride of 1, the padding that ``auto_pad`` asks for is known
    beforehand; with a greater one it depends on the size of the image.
    """
    kernel = node.integers("kernel_shape", [])
    strides = node.integers("strides", [1, 1])
    dilations = node.integers("dilations", [1, 1])
    pads = node.integers("pads", [0, 0, 0, 0])
    before, after = pads[:2], pads[2:]
    auto = node.text("auto_pad", "NOTSET")
    if not auto.startswith("SAME"):
        zero = [0, 0]
        before, after = (zero, zero) if auto == "VALID" else (before, after)
        return Windows(kernel, strides, dilations, before, after, None)
    if strides != [1, 1]:
        return Windows(kernel, strides, dilations, [0, 0], [0, 0], auto)
    totals = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    small, large = [n // 2 for n in totals], [n - n // 2 for n in totals]
    before, after = (small, large) if auto == "SAME_UPPER" else (large, small)
    return Windows(kernel, strides, dilations, before, after, None)
