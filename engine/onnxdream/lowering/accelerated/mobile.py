"""Mobile blocks: a 1x1 convolution that expands the channels, and a depthwise one behind it.

The expanded tensor is by far the largest of such a block. ``ExpandedDepthwise`` and
``ExpandedDepthwiseGrad`` make it row by row and never store it; of it, and of the
result, the backward pass needs one bit for each element: whether it lies within the
bounds of its activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...graph import DOMAIN, Attribute, Node
from .activation import Activation, activation_behind
from .convolutions import is_depthwise, is_pointwise
from .gates import GATES, Gate, gate_of
from .layout import Expansion, Layout, Part
from .sizes import size_through
from .weights import blocked, blocked_outputs, padded, turned

__all__ = ["expanded_depthwise", "expanded_depthwise_grad"]

_MOST_CHANNELS = 32
"""An expanded element costs a multiplication for each channel. Measured, with more
channels these take longer than the element's way through memory."""


class _Block(NamedTuple):
    """The nodes of a mobile block, found in the graph."""

    depthwise: Node
    activation: Activation | None
    """Of the expanded tensor."""
    gradients: list[Node]
    """Back through the depthwise convolution, the activation and the 1x1 convolution;
    empty where the graph has no backward pass."""


def expanded_depthwise(at: Layout, node: Node) -> bool:
    """Spell a 1x1 convolution together with the depthwise convolution behind it."""
    found = _block_of(at, node)
    if found is None:
        return False
    depthwise, inner, gradients = found
    expand, weight = at.constant(node.inputs[1]), at.constant(depthwise.inputs[1])
    [part] = at.parts(node.inputs[0]) or []
    assert expand is not None and weight is not None
    outer = activation_behind(at, depthwise.outputs[0])
    output = outer.node.outputs[0] if outer else depthwise.outputs[0]
    inner_bounds = inner.bounds if inner else Gate()
    bounds = outer.bounds if outer else Gate()
    geometry: dict[str, Attribute] = {
        key: depthwise.attributes[key]
        for key in ("strides", "pads", "auto_pad")
        if key in depthwise.attributes
    }
    geometry |= {"kernel_shape": list(weight.shape[2:]), "block": at.block}
    kernel = at.write.constant(blocked_outputs(weight, at.block))
    made, expanded_marks, marks = at.write.many(
        "ExpandedDepthwise",
        [
            part.name,
            at.write.constant(blocked(expand, at.block)),
            _bias(at, node, len(expand)),
            kernel,
            _bias(at, depthwise, len(weight)),
        ],
        3,
        domain=DOMAIN,
        channels=part.channels,
        expand_low=inner_bounds.low,
        expand_high=inner_bounds.high,
        low=bounds.low,
        high=bounds.high,
        **geometry,
    )
    fused = [depthwise, *(activation.node for activation in (inner, outer) if activation)]
    at.done.update(id(one) for one in [*fused, *gradients[1:-1]])
    size = size_through(part.size, replace(depthwise, attributes=geometry))
    at.set_parts(output, [Part(made, len(weight), size)], depthwise)
    if gradients:
        expansion = Expansion(
            output=output,
            g=gradients[0].inputs[1],
            channels=len(expand),
            marks=marks,
            kernel=kernel,
            expanded_marks=expanded_marks,
            turned=blocked(turned(expand), at.block),
            x=part,
            geometry=geometry,
        )
        at.expansions |= {id(gradients[0]): expansion, id(gradients[-1]): expansion}
    return True


def expanded_depthwise_grad(
    at: Layout, expansion: Expansion, total: Sequence[Part] | None = None
) -> list[Part]:
    """The gradient of a mobile block's first half, added to what is given."""
    [g] = at.blocked_input(expansion.g, expansion.channels) or []
    name = at.write(
        "ExpandedDepthwiseGrad",
        g.name,
        expansion.marks,
        expansion.kernel,
        expansion.expanded_marks,
        at.write.constant(expansion.turned),
        *(part.name for part in total or []),
        domain=DOMAIN,
        **expansion.geometry,
    )
    return [replace(expansion.x, name=name)]


def _block_of(at: Layout, node: Node) -> _Block | None:
    """The mobile block that begins with a dense convolution."""
    expand = at.constant(node.inputs[1])
    parts = at.parts(node.inputs[0])
    if expand is None or parts is None or len(parts) != 1 or not is_pointwise(node, expand):
        return None
    if expand.shape[1] > _MOST_CHANNELS:
        return None
    activation = activation_behind(at, node.outputs[0])
    expanded = activation.node.outputs[0] if activation else node.outputs[0]
    readers = at.readers(expanded)
    depthwise = next((one for one in readers if _is_taken(at, one)), None)
    if depthwise is None or expanded in at.source.outputs:
        return None
    gradients = _gradients(at, node, expanded, activation)
    if gradients is None or [one for one in readers if one is not depthwise] != gradients[1:-1]:
        return None
    if gradients and not at.can_block(len(expand)):
        return None
    return _Block(depthwise, activation, gradients)


def _is_taken(at: Layout, node: Node) -> bool:
    """Whether a node is a depthwise convolution that the compiled operator makes."""
    weight = at.constant(node.input(1))
    if node.op != "Conv" or weight is None or not is_depthwise(node, weight):
        return False
    known = node.input(2) is None or at.constant(node.input(2)) is not None
    return known and node.integers("dilations", [1, 1]) == [1, 1]


def _gradients(
    at: Layout, node: Node, expanded: str, activation: Activation | None
) -> list[Node] | None:
    """The backward pass through the expanded tensor, from one ConvGrad to the next.

    None where it is not what the compiled operator does.
    """
    first = [one for one in at.source.nodes if one.op == "ConvGrad" and one.inputs[2] == expanded]
    if not first:
        return []
    gradients = first[:1]
    if activation:
        gate = at.only_reader(gradients[-1].outputs[0])
        if gate is None or gate.op not in GATES or gate.inputs[0] != expanded:
            return None
        if gate_of(at.source, gate) != activation.bounds:
            return None
        gradients.append(gate)
    last = at.only_reader(gradients[-1].outputs[0])
    if last is None or last.op != "ConvGrad" or len(first) > 1:
        return None
    backwards = [node.inputs[1], gradients[-1].outputs[0], node.inputs[0]]
    return [*gradients, last] if last.inputs[:3] == backwards else None


def _bias(at: Layout, node: Node, channels: int) -> str:
    bias = at.constant(node.input(2))
    return at.write.constant(
        padded(np.zeros(channels, np.float32) if bias is None else bias, 0, at.block)
    )
