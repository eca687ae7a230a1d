"""A gradient ascent step as a graph, made of parts that a recipe asks for."""

from .graph import (
    MEAN,
    NEXT,
    PICTURE,
    SHIFT,
    SLOPE,
    STEP_SIZE,
    look_graph,
    move_graph,
    step_graph,
)
from .parts import BLUR, PARTS, Part, parts_of, values_of

__all__ = [
    "BLUR",
    "MEAN",
    "NEXT",
    "PARTS",
    "PICTURE",
    "SHIFT",
    "SLOPE",
    "STEP_SIZE",
    "Part",
    "look_graph",
    "move_graph",
    "parts_of",
    "step_graph",
    "values_of",
]
