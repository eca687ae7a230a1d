"""The step around a gradient graph.

A step is one gradient ascent step on a picture. It has two halves, which are one graph
where the whole picture fits, and may be two: *look* makes the gradient with respect to a
picture, and *move* goes along it.

======================  =======================  ==============================
operator                inputs                   makes
======================  =======================  ==============================
``Jitter``              picture, shift           the picture rolled and
                                                 normalized: ``image``
the gradient graph      ``image``                ``loss``, ``gradient``
``Unjitter``            gradient, shift          d loss / d picture, rolled back
----------------------  -----------------------  ------------------------------
parts, see `PARTS`      gradient, their own      the gradient smoothed, …
``Ascend``              picture, gradient, step  picture + step / 255 · gradient
                                                 / mean|gradient|, clipped
======================  =======================  ==============================

They are operators of the domain ``onnxdream`` for a lowering to spell.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import DOMAIN, GRADIENT, IMAGE, LOSS, PREFIX, Builder, Graph, Node, Tensor, cut
from ..preprocessing import Preprocessing
from .parts import PARTS

__all__ = [
    "MEAN",
    "NEXT",
    "PICTURE",
    "SHIFT",
    "SLOPE",
    "STEP_SIZE",
    "look_graph",
    "move_graph",
    "step_graph",
]

PICTURE = f"{PREFIX}step/picture"
"""Input: float32 [H, W, 3], RGB, 0 to 1."""

SHIFT = f"{PREFIX}step/shift"
"""Input: int64 [2], by how many pixels the picture is rolled down and to the right."""

SLOPE = f"{PREFIX}step/slope"
"""What look gives and move takes: float32 [H, W, 3], d loss / d picture."""

STEP_SIZE = f"{PREFIX}step/step_size"
"""Input: float32 scalar, how far the mean pixel moves, in 8-bit grey levels."""

NEXT = f"{PREFIX}step/next"
"""Output: the picture after the step, float32 [H, W, 3]."""

MEAN = f"{PREFIX}step/mean"
"""Output: float32 scalar, mean|gradient| before it was normalized; the step is
worth nothing where this is zero or not finite."""

_PIXELS = Tensor(np.dtype(np.float32), ("H", "W", 3))
_SCALAR = Tensor(np.dtype(np.float32), ())


def step_graph(
    gradient: Graph,
    preprocessing: Preprocessing,
    parts: Sequence[str] = (),
    told: Sequence[str] = (),
) -> Graph:
    """Put a step around a gradient graph.

    Parameters
    ----------
    gradient : Graph
        A gradient graph. It is left as it is.
    preprocessing : Preprocessing
        How its ``image`` is fed.
    parts : sequence of str
        What the step is made of beside it, keys of `PARTS` in their order.
    told : sequence of str
        Scalars of the gradient graph that become outputs beside ``loss``.

    Returns
    -------
    Graph
        A graph with the inputs and outputs of this module, those of its parts, and
        the output ``loss``.
    """
    graph, slope = _looking(gradient, preprocessing)
    _move(graph, slope, parts)
    graph.outputs |= dict.fromkeys(told, _SCALAR)
    return cut(graph, graph.outputs)


def look_graph(gradient: Graph, preprocessing: Preprocessing) -> Graph:
    """The first half of a step: ``loss`` and `SLOPE` of a `PICTURE`; see `step_graph`."""
    graph, slope = _looking(gradient, preprocessing)
    Builder(graph, "look").call_output(slope, SLOPE, _PIXELS)
    return cut(graph, graph.outputs)


def move_graph(parts: Sequence[str] = ()) -> Graph:
    """The second half of a step: from a `PICTURE` along a `SLOPE`; see `step_graph`."""
    graph = Graph([], {}, {PICTURE: _PIXELS, SLOPE: _PIXELS}, {})
    _move(graph, SLOPE, parts)
    return graph


def _looking(gradient: Graph, preprocessing: Preprocessing) -> tuple[Graph, str]:
    inner = gradient.copy()
    mean, std = (v.tolist() for v in (preprocessing.unit_mean, preprocessing.unit_std))
    channels = {"std": std, "bgr": int(preprocessing.bgr)}
    start = Node("Jitter", [PICTURE, SHIFT], [IMAGE], {"mean": mean, **channels}, DOMAIN)
    inputs = {PICTURE: _PIXELS, SHIFT: Tensor(np.dtype(np.int64), (2,))}
    inputs |= {name: tensor for name, tensor in inner.inputs.items() if name != IMAGE}
    outputs = {LOSS: inner.outputs[LOSS]}
    graph = Graph([start, *inner.nodes], inner.constants, inputs, outputs)
    return graph, Builder(graph, "look")("Unjitter", GRADIENT, SHIFT, domain=DOMAIN, **channels)


def _move(graph: Graph, slope: str, parts: Sequence[str]) -> None:
    b = Builder(graph, "move")
    for part in map(PARTS.__getitem__, parts):
        graph.inputs |= part.inputs
        slope = part.append(b, slope)
    graph.inputs[STEP_SIZE] = _SCALAR
    made = b.many("Ascend", [PICTURE, slope, STEP_SIZE], 2, domain=DOMAIN)
    b.call_output(made[0], NEXT, _PIXELS)
    b.call_output(made[1], MEAN, _SCALAR)
