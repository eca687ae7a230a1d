"""Which tensors lie in blocks, and under which names.

A blocked tensor is kept as a list of parts, one after the other along the
channels. A Concat is then nothing but a longer list, and a convolution reads
it part by part: nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...graph import Attribute, Graph, Node
from ..table import Writer
from .gates import Gate, PendingGate, number
from .sizes import Size, size_of

__all__ = ["BLOCKED_DOMAIN", "Expansion", "Layout", "Part", "Rewrite"]

BLOCKED_DOMAIN = "com.microsoft.nchwc"
"""The domain of ONNX Runtime's operators on blocked tensors."""

_REORDERED = 4
"""ReorderInput takes channels in fours."""

_RANK = 4
"""Of blocked tensors: what has more dimensions broadcasts them to more."""

_UNREAD = {"ConvGrad": (2, 3), "AveragePoolGrad": (0, 1)}
"""The operands of which an operator asks nothing but their shape."""


@dataclass(frozen=True)
class Part:
    """Some channels of a tensor, blocked.

    Parameters
    ----------
    name : str
        The tensor, of ``channels`` rounded up to a multiple of the block.
    channels : int
        How many of its channels mean something; the rest is zero.
    size : Size
        Its height and width.
    """

    name: str
    channels: int
    size: Size


@dataclass(frozen=True)
class Expansion:
    """What the backward pass is to know of a mobile block whose expanded tensor is not stored.

    Parameters
    ----------
    output : str
        The result, behind its activation, as it is named in the source.
    g : str
        The gradient with respect to the result before its activation.
    channels : int
        Of the expanded tensor, and so of the result and of g.
    marks, expanded_marks : str
        Where gradients pass the activation of the result, and that before it.
    kernel : str
        The weights of the depthwise convolution.
    turned : np.ndarray
        Those of the expanding one, turned and blocked.
    x : Part
        The tensor that is expanded.
    geometry : dict
        The attributes of the depthwise convolution.
    """

    output: str
    g: str
    channels: int
    marks: str
    kernel: str
    expanded_marks: str
    turned: np.ndarray
    x: Part
    geometry: dict[str, Attribute]


class Layout:
    """A graph as it is rewritten, and what each of its tensors has become.

    Parameters
    ----------
    source : Graph
        The graph to rewrite; its nodes may be changed.
    block : int
        How many channels a block has; 1 where ONNX Runtime knows no blocks.
    """

    def __init__(self, source: Graph, block: int) -> None:
        self.source = source
        self.block = block
        self.graph = Graph([], source.constants, source.inputs, source.outputs, source.metadata)
        self.write = Writer(self.graph)
        self.write.reserve(source.names())
        self.done: set[int] = set()
        """Nodes that were fused into another, by id."""
        self.gates: dict[str, PendingGate] = {}
        """Gated gradients that the convolution behind them will gate."""
        self.sums: dict[str, list[str]] = {}
        """Sums of gradients that the gate behind them will add up."""
        self.convs: dict[str, Node] = {}
        """Gradients of convolutions that the sum behind them will have added to."""
        self.expansions: dict[int, Expansion] = {}
        """The mobile blocks, by the ids of the ConvGrads that lead back through them."""
        self._parts: dict[str, list[Part]] = {}
        self._plain: dict[str, str] = {}
        self._single: set[str] = set()
        self._readers: dict[str, list[Node]] = {}
        for node in source.nodes:
            for index, name in enumerate(node.inputs):
                if name and index not in _UNREAD.get(node.op, ()):
                    self._readers.setdefault(name, []).append(node)

    def pending(self, name: str) -> PendingGate:
        """A gradient, and the gate that it has yet to go through."""
        return self.gates.get(name, PendingGate(name, name, Gate()))

    def parts(self, name: str) -> list[Part] | None:
        """A tensor's parts, or None where it is not blocked."""
        return self._parts.get(name)

    def set_parts(self, name: str, parts: Sequence[Part], fused: Node | None = None) -> None:
        """Say what a tensor has become.

        Where a node was fused with what reads it, its own output is known by
        the same parts: nothing but its size is asked for any more.
        """
        self._parts[name] = list(parts)
        if fused is not None:
            self._parts[fused.outputs[0]] = list(parts)

    def set_plain(self, name: str, made: str) -> None:
        """Say under which name a tensor lies in plain order."""
        self._plain[name] = made

    def aligned(self, names: Iterable[str]) -> list[list[Part]] | None:
        """The parts of several tensors, if they are all blocked and cut in the same places."""
        found = [self._parts.get(name) for name in names]
        lists = [parts for parts in found if parts is not None]
        cuts = {tuple(part.channels for part in parts) for parts in lists}
        return lists if len(lists) == len(found) and len(cuts) == 1 else None

    def congruent(self, names: Iterable[str]) -> list[list[Part]] | None:
        """The parts of several tensors, if their shapes are known to be the same."""
        lists = self.aligned(names)
        if lists is None or len({tuple(part.size for part in parts) for parts in lists}) > 1:
            return None
        return lists

    def plain(self, name: str) -> str:
        """The name of a tensor in plain order, which is made if need be."""
        if name not in self._plain and name in self._parts:
            pieces = [self._unblocked(part) for part in self._parts[name]]
            whole = pieces[0] if len(pieces) == 1 else self.write("Concat", *pieces, axis=1)
            self._plain[name] = whole
        return self._plain.get(name, name)

    def sized_like(self, name: str) -> str:
        """A tensor of the height and width of another, in whatever order that lies."""
        if name in self._parts and name not in self._plain:
            return self._parts[name][0].name
        return self._plain.get(name, name)

    def can_block(self, channels: int) -> bool:
        """Whether any tensor of so many channels can be made a blocked one."""
        return channels % _REORDERED == 0

    def blocked_input(self, name: str, channels: int) -> list[Part] | None:
        """A tensor's parts, which are made from plain order if that can be done."""
        if name not in self._parts and self.can_block(channels):
            made = self.on_blocks("ReorderInput", self.plain(name))
            self._parts[name] = [Part(made, channels, size_of(name))]
        return self._parts.get(name)

    def on_blocks(self, op: str, *inputs: str | None, **attributes: Attribute) -> str:
        """Append one of ONNX Runtime's operators on blocked tensors."""
        return self.write(op, *inputs, domain=BLOCKED_DOMAIN, **attributes)

    def readers(self, name: str) -> list[Node]:
        """The nodes that read a tensor's values."""
        return self._readers.get(name, [])

    def only_reader(self, name: str) -> Node | None:
        """The one node that reads a tensor's values, where there is only one."""
        readers = self.readers(name)
        if len(readers) != 1 or name in self.source.outputs:
            return None
        return None if readers[0].inputs.count(name) > 1 else readers[0]

    def constant(self, name: str | None) -> np.ndarray | None:
        """The value of a constant, or None."""
        return self.source.constant(name)

    def number(self, name: str | None, absent: float) -> float | None:
        """A constant of one element; `absent` where there is no such input, else None."""
        return number(self.source, name, absent)

    def mark_single(self, name: str) -> None:
        """Say that a tensor has one element."""
        self._single.add(name)

    def is_single(self, name: str) -> bool:
        """Whether a tensor is known to have one element."""
        if name in self._single:
            return True
        value = self.source.constants.get(name)
        return value is not None and value.size == 1 and value.ndim <= _RANK

    def _unblocked(self, part: Part) -> str:
        return self.on_blocks("ReorderOutput", part.name, channels=part.channels)


Rewrite = Callable[[Layout, Node], bool]
"""``rewrite(at, node)`` spells a node on blocked tensors, or returns False."""
