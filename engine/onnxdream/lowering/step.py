"""The step around a gradient graph.

A step is one gradient ascent step on a picture, as one graph:

======================  =======================  ==============================
operator                inputs                   makes
======================  =======================  ==============================
``Jitter``              picture, shift           the picture rolled and
                                                 normalized: ``image``
the gradient graph      ``image``                ``loss``, ``gradient``
``Unjitter``            gradient, shift          d loss / d picture, rolled back
``Blur``                gradient, blur           convolved with ``blur`` along
                                                 both axes, edges repeated
``Ascend``              picture, gradient, step  picture + step / 255 · gradient
                                                 / mean|gradient|, clipped
======================  =======================  ==============================

They are operators of the domain ``onnxdream`` for a lowering to spell.
"""

from __future__ import annotations

import numpy as np

from ..graph import DOMAIN, GRADIENT, IMAGE, LOSS, PREFIX, Builder, Graph, Node, Tensor, cut
from ..preprocessing import Preprocessing

__all__ = ["BLUR", "MEAN", "NEXT", "PICTURE", "SHIFT", "STEP_SIZE", "step_graph"]

PICTURE = f"{PREFIX}step/picture"
"""Input: float32 [H, W, 3], RGB, 0 to 1."""

SHIFT = f"{PREFIX}step/shift"
"""Input: int64 [2], by how many pixels the picture is rolled down and to the right."""

STEP_SIZE = f"{PREFIX}step/step_size"
"""Input: float32 scalar, how far the mean pixel moves, in 8-bit grey levels."""

BLUR = f"{PREFIX}step/blur"
"""Input: float32 [2r + 1], the filter that smooths the gradient; [1] for none."""

NEXT = f"{PREFIX}step/next"
"""Output: the picture after the step, float32 [H, W, 3]."""

MEAN = f"{PREFIX}step/mean"
"""Output: float32 scalar, mean|gradient| before it was normalized; the step is
worth nothing where this is zero or not finite."""


def step_graph(gradient: Graph, preprocessing: Preprocessing) -> Graph:
    """Put the step around a gradient graph.

    Parameters
    ----------
    gradient : Graph
        A gradient graph. It is left as it is.
    preprocessing : Preprocessing
        How its ``image`` is fed.

    Returns
    -------
    Graph
        A graph with the inputs and outputs of this module, and the output ``loss``.
    """
    inner = gradient.copy()
    mean, std = (v.tolist() for v in (preprocessing.unit_mean, preprocessing.unit_std))
    channels = {"std": std, "bgr": int(preprocessing.bgr)}
    start = Node("Jitter", [PICTURE, SHIFT], [IMAGE], {"mean": mean, **channels}, DOMAIN)
    inputs = {
        PICTURE: Tensor(np.dtype(np.float32), ("H", "W", 3)),
        SHIFT: Tensor(np.dtype(np.int64), (2,)),
        STEP_SIZE: Tensor(np.dtype(np.float32), ()),
        BLUR: Tensor(np.dtype(np.float32), ("taps",)),
    }
    weights = {name: tensor for name, tensor in inner.inputs.items() if name != IMAGE}
    graph = Graph(
        [start, *inner.nodes], inner.constants, inputs | weights, {LOSS: inner.outputs[LOSS]}
    )
    b = Builder(graph, "step")
    back = b("Unjitter", GRADIENT, SHIFT, domain=DOMAIN, **channels)
    smooth = b("Blur", back, BLUR, domain=DOMAIN)
    made = b.many("Ascend", [PICTURE, smooth, STEP_SIZE], 2, domain=DOMAIN)
    b.call_output(made[0], NEXT, inputs[PICTURE])
    b.call_output(made[1], MEAN, inputs[STEP_SIZE])
    return cut(graph, graph.outputs)
