"""Compiled gradient operators on tensors in plain order: blocks of one channel."""

from __future__ import annotations

from ...graph import DOMAIN, Attribute, Node
from ..portable import PORTABLE
from ..table import Spellings, Writer
from .gates import gate_of

__all__ = ["PLAIN", "pool_attributes"]


def pool_attributes(node: Node) -> dict[str, Attribute]:
    """What the compiled gradient of a pool is told about the pool."""
    return {k: v for k, v in node.attributes.items() if k not in ("channels", "storage_order")}


def _gate(w: Writer, node: Node) -> list[str]:
    gate = gate_of(w.graph, node)
    if gate is None:
        return list(PORTABLE[node.op](w, node))
    return [w("GatedSum", *node.inputs[:2], domain=DOMAIN, **gate._asdict())]


def _max_pool_grad(w: Writer, node: Node) -> list[str]:
    attributes = pool_attributes(node)
    return [w("MaxPoolGrad", *node.inputs, domain=DOMAIN, block=1, **attributes)]


def _average_pool_grad(w: Writer, node: Node) -> list[str]:
    x, _, g = node.inputs
    return [w("AveragePoolGrad", x, g, domain=DOMAIN, block=1, **pool_attributes(node))]


PLAIN: Spellings = PORTABLE | {
    "ReluGrad": _gate,
    "ClipGrad": _gate,
    "MaxPoolGrad": _max_pool_grad,
    "AveragePoolGrad": _average_pool_grad,
}
"""What is not on blocked tensors: compiled where that can be, else portable."""
